package cli

// Environment describes the environment variables of the programs, for a usage text.
const Environment = `
Environment:
  SYMPHONY_POD_URL        the pod, as in https://acme.symphony.com/pod; without it, and without -config, a pod in memory
  SYMPHONY_SESSION_TOKEN  a session token; or log in with the two below
  SYMPHONY_USERNAME       the name of the service user
  SYMPHONY_PRIVATE_KEY    the file of its RSA key
  HTTPS_PROXY, NO_PROXY   a proxy, and the hosts that are reached without it
  SSL_CERT_FILE           a PEM file with the CA certificates to trust, where the system's do not do
`
