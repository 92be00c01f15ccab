package symphonytest

import "time"

// config is what the options of a pod set.
type config struct {
	tls          bool
	noNetwork    bool
	users        []User
	serviceUsers []ServiceUser
	apps         []App
	now          func() time.Time
	rate         *bucket
	concurrency  *concurrency
	logSize      int
}

// Option sets up a [Pod].
type Option func(*config)

// WithUsers starts the pod with these users; see [Pod.AddUser].
func WithUsers(users ...User) Option {
	return func(c *config) { c.users = append(c.users, users...) }
}

// WithServiceUsers starts the pod with these service users; see [Pod.AddServiceUser].
func WithServiceUsers(serviceUsers ...ServiceUser) Option {
	return func(c *config) { c.serviceUsers = append(c.serviceUsers, serviceUsers...) }
}

// WithApps starts the pod with these apps; see [Pod.AddApp].
func WithApps(apps ...App) Option {
	return func(c *config) { c.apps = append(c.apps, apps...) }
}

// WithRateLimit makes the pod respond with 429 and "Retry-After: 1" to requests above
// perSecond a second. At most burst requests may come at once.
func WithRateLimit(perSecond float64, burst int) Option {
	return func(c *config) { c.rate = newBucket(perSecond, burst) }
}

// WithConcurrencyLimit makes the pod respond with 429 to requests above n in flight at
// the same time (n below 1 means 1). The response carries retryAfter in whole seconds,
// rounded up, as its Retry-After; with zero it carries none. A delay of a [Fault] counts
// as time in flight.
func WithConcurrencyLimit(n int, retryAfter time.Duration) Option {
	return func(c *config) { c.concurrency = &concurrency{most: max(1, n), retryAfter: retryAfter} }
}

// WithTLS makes the pod speak HTTPS, over HTTP/2 too, with a certificate that only
// [Pod.Client] trusts. The pod asks for a client certificate, but only the login with a
// certificate requires one.
func WithTLS() Option {
	return func(c *config) { c.tls = true }
}

// WithoutNetwork makes a pod that does not listen: [Pod.Client] reaches it through
// memory, and reaches nothing else. Clients must use it:
//
//	symphony.NewClient(pod.URL(), tokens, symphony.WithHTTPClient(pod.Client()))
//
// A client without it fails with an error that names the omission. The pod works inside
// a [testing/synctest] bubble if it is made there: waits of any length, such as a
// Retry-After of 20 s, then take no time. It speaks HTTPS, so that logins with a
// certificate work; HTTP/2 is spoken with [WithTLS].
func WithoutNetwork() Option {
	return func(c *config) { c.noNetwork = true }
}

// WithClock sets the pod's clock: it dates presences and requests, decides whether a JWT
// has expired, and refills the rate limit. The default is [time.Now], which in a
// [testing/synctest] bubble is the bubble's clock. It does not measure the Delay of a
// [Fault].
func WithClock(now func() time.Time) Option {
	return func(c *config) {
		if now != nil {
			c.now = now
		}
	}
}

// WithRequestLog sets how many of the newest requests [Pod.Requests] returns; the
// default is 100,000. The pod remembers at most 64 MiB of requests in any case.
func WithRequestLog(size int) Option {
	return func(c *config) { c.logSize = size }
}
