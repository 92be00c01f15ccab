// Package symphony is a client for the presence calls of the Symphony Pod API. Its main use:
// an admin service sets the presence of other users.
//
// # Getting started
//
// A [Client] calls one pod. It needs the API's base URL and a provider of session tokens:
//
//	client, err := symphony.NewClient("https://acme.symphony.com/pod", symphony.StaticSessionToken(token))
//	if err != nil {
//		return err
//	}
//	presence, err := client.SetUserPresence(ctx, 7078106126503, symphony.PresenceOnThePhone, true)
//
// The package [github.com/symphony-go/symphony/auth] makes a client that logs in.
//
// To set another user's presence the caller must be a service user with the "User
// Provisioning" entitlement.
//
// A Client is immutable and safe for concurrent use; make one and share it. It reuses
// its connections, and what one call learns about the pod's limits applies to all of its
// calls.
//
// # Authentication
//
// Every call carries a session token from the client's [SessionTokenProvider]. The providers
// in package auth log in, with an RSA key, a certificate, or on behalf of users.
// [StaticSessionToken] is for scripts, and [SessionTokenFunc] for a token that is renewed
// elsewhere. When the pod returns 401, a provider that is a [SessionTokenRefresher] is asked
// for a new token, and the call is sent again with it. Any other provider is asked once more,
// and the call is sent again if the token has changed.
//
// A token is a password. It never appears in an error, a log record or the output of fmt.
// Redirects are not followed, and http:// to a host other than loopback is refused unless
// [WithPlaintextHTTP] allows it.
//
// # Errors
//
// Any response other than 2xx is an [*APIError], which errors.As and errors.AsType find. The
// status decides its exact type: [*BadRequestError] (400), [*UnauthorizedError] (401),
// [*ForbiddenError] (403), [*NotFoundError] (404), [*RateLimitError] (429), [*ServerError]
// (5xx); other statuses are an *APIError itself.
//
//	if notFound, ok := errors.AsType[*symphony.NotFoundError](err); ok {
//		log.Printf("no such user: %s (trace id %s)", notFound.Message, notFound.TraceID)
//	}
//
// An invalid argument is an [*InvalidArgumentError]; nothing was sent. A 2xx
// response that is not what the API promises is a [*DecodeError], never a zero value. Errors
// of the network and of the context keep their causes: errors.Is(err, context.Canceled) and
// errors.As with a *net.OpError work.
//
// [IsCredentialError] reports whether every other call would fail too, because the
// credentials are not accepted.
//
// # Retries
//
// Retried: connection errors, an attempt that timed out, a 2xx response whose body breaks off,
// the statuses 408, 421, 425, 429, 500, 502, 503 and 504, and the statuses 520 to 524, 529 and
// 530, which some gateways use. This applies to all calls of a Client, except a POST or PATCH by
// [Client.Do] without Retryable. Not retried: any other status, a certificate that one side
// rejects, a TLS alert, a host name that does not exist.
//
// By default a call is sent at most 4 times (and once more if the last response is a 401 and
// there is a new token), and an attempt takes at most 30 s ([WithAttemptTimeout]). The waits
// between attempts double from 250 ms up to 5 s, each randomly shortened by up to half
// ([WithRetryPolicy]). A Retry-After of up to 30 s is respected. If the pod asks for more, or the
// context's deadline comes before the wait ends, the call returns the last attempt's error at
// once. If the context ends during a wait, the call returns an error whose causes are the
// context's error and the last attempt's.
//
// A call that may be sent only once (a POST or PATCH by [Client.Do] without Retryable, or any
// call with MaxAttempts 1) reaches the server at most once, whatever the connection does. It is
// sent again only after a 401, with a new token.
//
// # Rate limits
//
// A pod limits the requests a second from one source address and, under load, the requests in
// flight at one endpoint. The limits are not known beforehand; above them the pod returns 429.
// All calls of a client share what each of them learns:
//
//   - A single 429 delays its own call only, by its Retry-After.
//   - Many 429s pause the client, which then sends at a lower rate. The rate rises again while
//     requests succeed.
//   - Failures in a row (5xx, no response) reduce the number of requests in flight, down to one
//     that is sent from time to time. Every other response increases the number again.
//   - Calls wait for their turn in order of arrival, except that single calls are sent before
//     the calls of bulk runs, and that of either kind those that received a 429 are sent first.
//     A call whose turn would come after its context's deadline fails at once with a
//     [*RateLimitError] for which errors.Is(err, context.DeadlineExceeded) holds.
//
// [WithRateLimit] sets a limit that is known. [Client.Limits] returns what the client knows.
// Clients do not share what they learn: use one client for each pod.
//
// # Many users
//
// [Client.SetUserPresences] sets the presence of many users, several at a time, and keeps the
// order of the updates of each user. [Client.AllPresences] reads all presences.
//
// # Users by e-mail
//
// The presence calls take user ids. [Client.UsersByEmail] and [Client.UsersByUsername] find
// the ids of any number of people, 100 a request, and yield one result for each address or
// name, in the order of the source. The error of a result is [ErrUserNotFound] if there is no
// such active user.
//
// # Setting a presence for a while
//
// A presence does not expire. [Client.ChangeUserPresence] reads a user's presence and then sets a
// new one. [Client.RevertUserPresence] restores the presence that it read, unless the user has
// chosen another in the meantime. Store the [PresenceChange] until it is reverted: a service that
// loses it leaves the user ON_THE_PHONE, for example. [Client.ChangeUserPresences] and
// [Client.RevertUserPresences] do the same for many users.
//
// # Observing
//
// [WithLogger] logs each attempt of a call. [WithObserver] calls a function after each
// attempt, with its operation, status, error and waits, and whether another attempt follows.
// [WithMiddleware] puts a RoundTripper around each attempt, in which [AttemptFromContext] returns
// the attempt. [Client.Limits] returns what the client knows of the pod's limits. Module
// symphonyotel reports attempts, calls and limits to OpenTelemetry.
//
// # Testing
//
// The package [github.com/symphony-go/symphony/symphonytest] has a pod in memory that behaves
// like a real one, can be told to fail, and reports what it received. A plain httptest server
// works too: its URL is a base URL, with handlers on paths such as /v3/user/presence.
//
// This package is not affiliated with Symphony.
package symphony
