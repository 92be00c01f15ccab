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
// The client logs in by itself. The file may look like this, or say the same in JSON:
//
//	host: acme.symphony.com
//	connectionTimeout: 15000 # ms
//	readTimeout: 60000       # ms, for one try
//	defaultHeaders:
//	  X-Gateway: presence
//	proxy:
//	  host: proxy.acme.net
//	  port: 3128
//	  username: svc-presence
//	  password: ${PROXY_PASSWORD}
//	sessionAuth: # for the login with a certificate
//	  host: acme-api.symphony.com
//	  port: 8444
//	bot:
//	  username: presence-bot
//	  privateKey:
//	    path: /run/secrets/bot.pem # or content
//	  certificate: # used when there is no privateKey
//	    path: /run/secrets/bot.p12
//	    password: ${CERTIFICATE_PASSWORD:-changeit}
//	ssl:
//	  trustStore: # what is trusted besides the system's roots
//	    path: /etc/acme/truststore.p12
//	    password: changeit
//	retry:
//	  maxAttempts: 6 # the first one included; -1 is without limit
//	  initialIntervalMillis: 500
//	  maxIntervalMillis: 10000
//
// # Where requests go
//
// The scheme (https), host, port and context (a path in front of all others) at the
// top hold for the pod, which is also where the login with a key happens, and for
// sessionAuth, where the login with a certificate happens. The sections pod and
// sessionAuth override them one by one, and so they do with proxy, defaultHeaders,
// connectionTimeout and readTimeout, each as a whole. Without a proxy in the file the
// one from the environment is used. A scheme http works for loopback only, unless
// [symphony.WithPlaintextHTTP] is among the options of [Config.NewClient].
//
// # What is read, and what is not
//
// A private key, certificate or trust store is a file (path; a relative one starts at
// the working directory) or stands in the config (content: PEM text, or base64). A
// key is PEM, the other two PEM or PKCS#12. The older keys privateKeyPath,
// certificatePath, certificatePassword, trustStorePath and trustStorePassword are read
// too.
//
// In a value, ${NAME} and ${NAME:-default} stand for an environment variable; the
// default holds when it is unset or empty. $${NAME} is the text ${NAME} itself. YAML
// wants such a value quoted within { }.
//
// Keys that presence does not need are ignored, whatever their values: agent,
// keyManager, datafeed, app, retry.multiplier (a wait always doubles), the size of the
// connection pool, and all that are unknown. What the file does not say has this SDK's
// defaults, not those of the BDK, which tries ten times with waits of up to five
// minutes.
//
// # Errors
//
// What is wrong with a file is said by [Load], with its line and the key:
//
//	bdkconfig: config.yaml:12: proxy.port: 70000 is not a port (1 to 65535)
//
// An error shows no text of the file but keys, numbers and the names of environment
// variables; so neither do passwords and keys show that stand in a wrong place.
package bdkconfig
