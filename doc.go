// Package symphony is a client for the presence calls of the Symphony Pod API.
//
// # Getting started
//
// A [Client] calls one pod. It needs the API's base URL and something that gives
// session tokens:
//
//	client, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.StaticSessionToken(token))
//	if err != nil {
//		return err
//	}
//	presence, err := client.SetUserPresence(ctx, 7078106126503, symphony.PresenceOnThePhone, true)
//
// To set another user's presence the caller must be a service user with the "User
// Provisioning" entitlement.
//
// # Authentication
//
// Every call carries a session token from the client's [SessionTokenProvider]:
// those of package auth log in, with an RSA key, a certificate, or on behalf of users;
// [StaticSessionToken] is for a script, a [SessionTokenFunc] for a token that
// something else keeps fresh. When the pod answers 401, a provider that is a
// [SessionTokenRefresher] is asked for a new token, any other is asked once more,
// and the call is sent again with the new one.
//
// A token is a password. This package puts it in no error, no log line and no fmt
// verb's output, follows no redirect, and refuses http:// to a host other than
// loopback unless [WithPlaintextHTTP] allows it.
//
// # Errors
//
// Any answer but 2xx is an [*APIError], found by errors.As or errors.AsType. The
// status decides its exact type: [*BadRequestError] (400), [*UnauthorizedError]
// (401), [*ForbiddenError] (403), [*NotFoundError] (404), [*RateLimitError] (429),
// [*ServerError] (5xx); other statuses are an *APIError itself.
//
//	if notFound, ok := errors.AsType[*symphony.NotFoundError](err); ok {
//		log.Printf("no such user: %s (trace id %s)", notFound.Message, notFound.TraceID)
//	}
//
// An argument that cannot be right is an [*InvalidArgumentError]; nothing was sent.
// A 2xx answer that is not what the API promises is a [*DecodeError], never a zero
// value. What the network or the context says is kept: errors.Is(err,
// context.Canceled) and errors.As with a *net.OpError work.
//
// # Retries
//
// Tried again are: connection errors, an attempt that timed out, a 2xx answer whose
// body breaks off, and the statuses 429, 500, 502, 503 and 504; for the presence
// calls, which may be applied twice with the same result, and for [Client.Do] with
// a method other than POST and PATCH, or with Retryable. Not tried again are: any
// other status, a certificate that is refused, a TLS alert, a host name that does
// not exist.
//
// By default a call is sent at most 4 times, each try bounded to 30 s
// ([WithAttemptTimeout]). The wait in between is random, at least 250 ms and at
// most 500 ms, 1 s, 2 s and so on up to 5 s ([WithRetryPolicy]). A Retry-After is
// waited for, up to 30 s. When the pod asks for more, or the context's deadline
// comes before the wait ends, the call returns at once with the pod's answer as its
// error. A context that ends meanwhile ends the call, with an error that is both
// the context's and the last answer's.
//
// # Throttling
//
// A pod that is asked too often answers 429; its limit is not known beforehand, and
// holds for all calls of the client. After a 429 no call is sent before the time that
// the pod asked for (at most MaxRetryAfter of the [RetryPolicy]). From then on the
// client paces its calls, retries included. It begins with 50 a second, doubles that
// every tenth of a second until the next 429, and keeps just under the limit that this
// shows. After 20 s the pace rises again, until the next 429; one that has risen to
// 10,000 a second is forgotten. A 429 while the pace is kept lowers it to seven tenths.
// The slowest pace is one call a second.
//
// This is for a pod that counts. One that refuses now and then by its own load stops all
// calls of the client for as long as it asks each time.
//
// Calls wait for their turn in the order in which they came, until their context ends.
// One whose turn would come after its context's deadline fails at once with a
// [*RateLimitError]: beside a bulk run of 64 workers at 50 calls a second a turn is more
// than a second away. [WithRateLimit] sets a limit that is known. Two clients share a
// pod's limit only by the 429s that each of them gets: use one for a pod.
//
// # Observing
//
// [WithObserver] is told of each attempt of a call: operation, status, error, waits, and
// whether another attempt follows. [Client.Limits] says what is known of the pod's limits.
// Module symphonyotel makes OpenTelemetry traces and metrics of them. [WithMiddleware] puts
// a RoundTripper around each attempt, which [AttemptFromContext] tells which one it is.
//
// # Many users
//
// [Client.SetUserPresences] sets the presence of many users, several at once, and
// keeps the order of the updates of each. [Client.AllPresences] reads them all.
//
// # Concurrency
//
// A Client is immutable and safe for concurrent use; make one and share it. Its
// connections are kept and used again.
//
// # Testing
//
// Package symphonytest has a pod in memory that behaves like a real one, can be
// told to fail, and reports what it received. A plain httptest server will do too:
// its URL is a base URL, with handlers on paths such as /v3/user/presence. In a
// testing/synctest bubble, make the client inside the bubble.
//
// This package is not affiliated with Symphony.
package symphony
