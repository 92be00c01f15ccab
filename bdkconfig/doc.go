// Package bdkconfig builds a client from the config.yaml that bots of the Symphony
// BDK, the official kit for Java and Python, already have.
//
//	config, err := bdkconfig.Load("config.yaml")
//	if err != nil {
//		return err
//	}
//	client, err := config.NewClient()
//	if err != nil {
//		return err
//	}
//	presence, err := client.SetUserPresence(ctx, 7078106126503, symphony.PresenceBusy, false)
//
// The client logs in with its first call. The file may look like this, or have the same
// in JSON:
//
//	host: acme.symphony.com
//	connectionTimeout: 15000 # ms
//	readTimeout: 60000       # ms, for one attempt
//	defaultHeaders:
//	  X-Gateway: presence
//	proxy:
//	  host: proxy.acme.net
//	  port: 3128
//	  username: svc-presence
//	  password: ${PROXY_PASSWORD}
//	sessionAuth: # for logins with a certificate
//	  host: acme-api.symphony.com
//	  port: 8444
//	bot:
//	  username: presence-bot
//	  privateKey:
//	    path: /run/secrets/bot.pem # or content
//	  certificate: # used if there is no privateKey
//	    path: /run/secrets/bot.p12
//	    password: ${CERTIFICATE_PASSWORD:-changeit}
//	ssl:
//	  trustStore: # trusted besides the system's roots
//	    path: /etc/acme/truststore.p12
//	    password: changeit
//	app: # for NewApp
//	  appId: calendar
//	  privateKey:
//	    path: /run/secrets/app.pem
//	retry:
//	  maxAttempts: 6 # including the first one; -1 retries until the context ends
//	  initialIntervalMillis: 500
//	  maxIntervalMillis: 10000
//
// In the config of a Spring Boot bot, all of this is read below the key bdk.
//
// # Where requests go
//
// The scheme (default https), host, port and context (a path in front of all others) at
// the top of the file are for the pod, which also serves logins with a key, and for
// sessionAuth, which serves logins with a certificate. A section pod or sessionAuth
// overrides any of them, and also proxy, defaultHeaders, connectionTimeout and
// readTimeout, each as a whole. Without a proxy in the file, the proxy of the environment
// is used. The scheme http works for loopback only, unless [symphony.WithPlaintextHTTP]
// is among the options.
//
// # Keys, certificates and trust stores
//
// Each is a file (path; a relative one starts at the working directory) or text in the
// config (content: PEM, or base64). The older keys privateKeyPath, certificatePath,
// certificatePassword, trustStorePath and trustStorePassword are read too.
//
// A key is PEM, as [auth.ParseRSAPrivateKey] reads it. A certificate is PEM with its
// chain and its private key in any order, or PKCS#12. A trust store is PEM, DER or
// PKCS#12. PEM may have a byte-order mark, line breaks of any kind, indentation, and
// text around its blocks. Any other form is an error that says what it is and, where
// there is one, the command that converts it.
//
// # What is read, and what is not
//
// In a value, ${NAME} and ${NAME:-default} stand for an environment variable; the
// default applies if the variable is unset or empty. $${NAME} is the text ${NAME}
// itself. YAML requires quotes around such a value within { }.
//
// Keys that presence does not need are ignored, whatever their values: agent,
// keyManager, datafeed, commonJwt, retry.multiplier (a wait always doubles), the size of
// the connection pool, and unknown keys. What the file leaves out has this SDK's
// defaults. The BDK's defaults are different: ten attempts with waits of up to five
// minutes.
//
// # Errors
//
// [Load] returns what is wrong with a file, with its line and the key:
//
//	bdkconfig: config.yaml:12: proxy.port: 70000 is not a port (1 to 65535)
//
// A key in another spelling (private-key, privateKey.path as one key, the podHost of
// SDK 1) is an error that names the right one.
//
// An error shows nothing of the text of a file except keys, numbers, names of environment
// variables and subjects of certificates. It never shows a password or a private key, even
// if it stands in a wrong place.
//
// # Warnings
//
// Load ignores what cannot be used and is not essential, logs it with [slog.Default] at
// Warn, and keeps it for [Config.Warnings]: a certificate of a trust store that cannot be
// parsed, hop-by-hop headers among defaultHeaders (the BDK's own example has Connection:
// Keep-Alive), an invalid app section beside a valid bot, further YAML documents.
// A trust store without any certificate that can be used is an error.
package bdkconfig
