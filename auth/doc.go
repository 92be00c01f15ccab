// Package auth has session-token providers that log in to a pod: with an RSA key
// ([RSA]), with a certificate ([Certificate]), and on behalf of users ([App]).
//
// # Getting started
//
// [NewClient] makes a client that logs in:
//
//	key, err := auth.LoadRSAPrivateKey("/run/secrets/bot.pem")
//	if err != nil {
//		return err
//	}
//	client, err := auth.NewClient(auth.Config{
//		PodURL:   "https://acme.symphony.com/pod",
//		Username: "presence-bot",
//		Key:      key,
//	})
//
// [ConfigFromEnv] takes the Config from SYMPHONY_… environment variables. Package
// bdkconfig, a module of its own, takes it from the config.yaml of a BDK bot.
//
// # When a login happens
//
// The first call logs in. So does a call whose token the pod rejected with 401,
// because a pod does not say how long a session lasts. One login runs at a time. The
// calls that need it wait for it, each as long as its own context lasts; a call that
// gives up does not stop the login. A login takes at most 60 s, retries included. Its
// context has the values of the context of the call that started it, so its spans and
// log lines belong to that call.
//
// If a login fails, all calls that waited for it return its error. A login that the
// pod refuses with 401 or 403 is not repeated for 5 s: until then, other calls return
// the same error. After any other failure the next call logs in.
//
// If a signer panics or hangs, the login that called it fails, and nothing else.
//
// To fail fast when a program starts, ask a provider for a token:
//
//	if _, err := tokens.SessionToken(ctx); err != nil {
//		return err
//	}
//
// # On behalf of users
//
// An [App] logs in once for all of its users. A user's 401 means that the session of
// the app has ended, or that the user has not installed the app. The app then logs in
// again, and the user's login is repeated. If that did not help, a user's 401 causes
// no other login of the app for 30 s.
//
// # Options
//
// The constructors take the options of [symphony.NewClient]. Pass the same proxy and
// trust store to a login as to the client. A login has its own retries: they are not
// multiplied by the retries of the call that needs it.
//
// # Errors
//
// A login that the pod refuses is a [*symphony.UnauthorizedError] or
// [*symphony.ForbiddenError] with the path of the login. All other errors are those of
// package symphony. An argument that cannot work is a
// [*symphony.InvalidArgumentError].
package auth
