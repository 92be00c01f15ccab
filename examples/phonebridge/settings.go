package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/symphony-go/symphony/auth"
)

const usage = `Usage: phonebridge [flags]

Environment:
  PHONEBRIDGE_SECRET         the secret shared with the telephone system, at least 32 bytes
  SYMPHONY_POD_URL           the pod, https://acme.symphony.com/pod
  SYMPHONY_USERNAME          the service user; it needs the "User Provisioning" entitlement
  SYMPHONY_PRIVATE_KEY       its RSA key: PEM text or a file; or
  SYMPHONY_CERTIFICATE       its certificate and key: a PEM file; or
  SYMPHONY_SESSION_TOKEN     a session opened elsewhere
  SYMPHONY_LOGIN_URL         default: the pod's URL with /login in place of /pod
  SYMPHONY_SESSION_AUTH_URL  default: the pod's URL with /sessionauth in place of /pod
  SSL_CERT_FILE              CA certificates other than the system's
  HTTPS_PROXY, NO_PROXY      a proxy
Without any PHONEBRIDGE_ and SYMPHONY_ variable it runs a rehearsal on this machine.

Exit codes: 0 ended as asked, 1 failed, 2 wrong usage or configuration, 130 interrupted rehearsal.

Flags:
`

// settings are what the flags and the environment say.
type settings struct {
	signer      signer
	listen      string
	database    string
	longestCall time.Duration
	queue       int
	concurrency int
	attached    bool
	seed        uint64
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("phonebridge", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&s.listen, "listen", ":8080", "the `address` to serve")
	flags.StringVar(&s.database, "database", "phonebridge.db", "the SQLite `file` with the calls in progress")
	flags.DurationVar(&s.longestCall, "longest-call", 4*time.Hour, "a call that has not ended after this time counts as ended")
	flags.IntVar(&s.queue, "queue", 1000, "how many `people` may wait for the pod before new events are refused with 503")
	flags.IntVar(&s.concurrency, "concurrency", 8, "how many presences are set at a time")
	flags.BoolVar(&s.attached, "attached", false, "end when stdin ends")
	flags.Uint64Var(&s.seed, "seed", 0, "repeat the rehearsal that printed this `number`")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("%q is not a flag", flags.Arg(0))
	case s.longestCall <= 0 || s.queue < 1 || s.concurrency < 1:
		return s, errors.New("-longest-call, -queue and -concurrency must be above 0")
	case s.database == "":
		return s, errors.New("-database must name a file")
	}
	return s, nil
}

// configure reads the environment. It reports false if nothing is set.
func configure(s *settings, getenv func(string) string) (config auth.Config, configured bool, err error) {
	secret := getenv(envSecret)
	configured = secret != ""
	config, err = auth.ConfigFromEnv(func(name string) string {
		value := getenv(name)
		configured = configured || value != ""
		return value
	})
	if !configured {
		return config, false, nil
	}
	if err != nil {
		return config, true, err
	}
	s.signer, err = newSigner(secret)
	return config, true, err
}
