package cli

// Environment describes the environment variables of the programs, for a usage text.
const Environment = `
Environment (without any SYMPHONY_ variable and without -config: a pod in memory):
  SYMPHONY_POD_URL           the pod, https://acme.symphony.com/pod
  SYMPHONY_USERNAME          the service user; it needs the "User Provisioning" entitlement
  SYMPHONY_PRIVATE_KEY       its RSA key: PEM text or a file; or
  SYMPHONY_CERTIFICATE       its certificate and key: a PEM file; or
  SYMPHONY_SESSION_TOKEN     a session opened elsewhere
  SYMPHONY_LOGIN_URL         default: the pod's URL with /login in place of /pod
  SYMPHONY_SESSION_AUTH_URL  default: the pod's URL with /sessionauth in place of /pod
  HTTPS_PROXY, NO_PROXY      a proxy, and the hosts to reach without it
  SSL_CERT_FILE              a PEM file with CA certificates, instead of the system's
`
