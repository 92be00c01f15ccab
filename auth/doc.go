// Package auth has session-token providers that log in to a pod: with an RSA key
// ([RSA]), with a certificate ([Certificate]), and on behalf of users ([App]).
//
//	key, err := auth.LoadRSAPrivateKey("/run/secrets/bot.pem")
//	if err != nil {
//		return err
//	}
//	tokens, err := auth.NewRSA("https://acme.symphony.com/login", "presence-bot", key)
//	if err != nil {
//		return err
//	}
//	client, err := symphony.NewClient("https://acme.symphony.com/pod", tokens)
//
// # When a login happens
//
// The first call logs in, and so does a call whose token the pod refused with 401:
// a pod does not say how long a session lasts. One login runs at a time. The calls
// that need it wait for it, each as long as its own context lasts; none of them
// stops it by leaving. It takes at most 60 s, with the retries that the options
// say. When it fails, all who waited for it get its error, and none of them tries
// again; the next call does.
//
// To fail fast at the start of a program, ask for a token then:
//
//	if _, err := tokens.SessionToken(ctx); err != nil {
//		return err
//	}
//
// # Options
//
// The options are those of [symphony.NewClient]: give a login the same proxy, trust
// store and retries as the client. Its errors are the same too: a login that the pod
// refuses is a [*symphony.UnauthorizedError] or [*symphony.ForbiddenError] for the
// path of the login.
package auth
