package bdkconfig_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/bdkconfig"
)

// Each of these files is good but for one thing.
func TestWrongValues(t *testing.T) {
	t.Parallel()
	key := write(t, "key.pem", keyPEM())
	const bot = "\nbot: {username: bot, privateKey: {path: $PATH}}\n"
	for _, test := range []struct{ name, text, want string }{
		{"empty file", "", "config.yaml: host: it is missing, and so is pod.host"},
		{"no mapping", "- host", "config.yaml:1: it does not consist of keys with values"},
		{"no YAML", "host: acme\n" + secret + ": [", "config.yaml:2: it is neither YAML nor JSON: did not find expected node content"},
		{"unknown anchor", "host: acme\nport: *nothing", "config.yaml:2: it is neither YAML nor JSON: an alias (*) refers to an unknown anchor (&)"},
		{"a key twice", "host: acme\nhost: acme" + bot, "config.yaml:2: it has a key twice, in line 1 too"},
		{"section twice", "pod:\n  host: acme\n  host: acme" + bot, "config.yaml:3: pod: it has a key twice, in line 2 too"},
		{"section that is none", "host: acme\npod: " + secret + bot, "config.yaml:2: pod: it does not consist of keys with values"},
		{"merge of a list with a wrong value", "host: acme\nbase: &a {port: 1}\nother: &b [x]\npod:\n  <<: [*a, *b]" + bot, "config.yaml:3: pod: it does not consist of keys with values"},
		{"merge behind a list", "host: acme\nbase: &a {port: 1}\nother: &b [x]\npod:\n  <<: [*a]\n  <<: *b" + bot, "config.yaml:3: pod: it does not consist of keys with values"},
		{"merge with itself", "host: acme\npod: &a\n  <<: *a" + bot, "config.yaml:2: pod: it is merged (<<) into itself"},

		{"scheme", "host: acme\nscheme: " + secret + bot, "config.yaml:2: scheme: it is neither https nor http"},
		{"no host", "pod:\n  port: 443" + bot, "config.yaml: host: it is missing, and so is pod.host"},
		{"null host", "host:" + bot, "config.yaml:1: host: it is missing, and so is pod.host"},
		{"host with scheme", "host: https://u:" + secret + "@acme.symphony.com" + bot, "config.yaml:1: host: it is not a host name such as acme.symphony.com; scheme, port and path (context) have keys of their own"},
		{"host with port", "host: acme.symphony.com:443" + bot, "config.yaml:1: host: it is not a host name such as acme.symphony.com; scheme, port and path (context) have keys of their own"},
		{"host list", "host: [acme]" + bot, "config.yaml:1: host: it is not a single value"},
		{"port above range", "host: acme\nport: 70000" + bot, "config.yaml:2: port: 70000 is not a port (1 to 65535)"},
		{"port 0", "host: acme\npod: {port: 0}" + bot, "config.yaml:2: pod.port: 0 is not a port (1 to 65535)"},
		{"port that is no number", "host: acme\nsessionAuth:\n  port: " + secret + bot, "config.yaml:3: sessionAuth.port: it is not a number; it must be a port (1 to 65535)"},
		{"huge port", "host: acme\nport: 99999999999999999999" + bot, "config.yaml:2: port: it is not a number; it must be a port (1 to 65535)"},
		{"context", "host: acme\ncontext: a?" + secret + bot, "config.yaml:2: context: it is not a path such as /gateway"},
		{"context with a no-break space", "host: acme\ncontext: \"a\\u00a0b\"" + bot, "config.yaml:2: context: it is not a path such as /gateway"},
		{"context escape", "host: acme\ncontext: a%zz" + bot, "config.yaml:2: context: it is not a path such as /gateway"},

		{"timeout", "host: acme\nconnectionTimeout: -1" + bot, "config.yaml:2: connectionTimeout: -1 is not a number of milliseconds (1 to 2147483647)"},
		{"section timeout", "host: acme\npod: {readTimeout: 0}" + bot, "config.yaml:2: pod.readTimeout: 0 is not a number of milliseconds (1 to 2147483647)"},
		{"timeout with unit", "host: acme\nreadTimeout: 5s" + bot, "config.yaml:2: readTimeout: it is not a number; it must be a number of milliseconds (1 to 2147483647)"},

		{"proxy without host", "host: acme\nproxy:\n  port: 1" + bot, "config.yaml:3: proxy.host: it is missing"},
		{"proxy without port", "host: acme\npod:\n  proxy: {host: proxy}" + bot, "config.yaml:3: pod.proxy.port: it is missing"},
		{"proxy port", "host: acme\nproxy: {host: proxy, port: 70000, password: " + secret + "}" + bot, "config.yaml:2: proxy.port: 70000 is not a port (1 to 65535)"},
		{"proxy URL", "host: acme\nproxy: {host: 'http://u:" + secret + "@proxy', port: 1}" + bot, "config.yaml:2: proxy.host: it is not a host name such as acme.symphony.com; scheme, port and path (context) have keys of their own"},
		{"proxy password without username", "host: acme\nproxy: {host: proxy, port: 1, password: " + secret + "}" + bot, "config.yaml:2: proxy.username: it is missing"},
		{"proxy password list", "host: acme\nproxy: {host: proxy, port: 1, password: [" + secret + "]}" + bot, "config.yaml:2: proxy.password: it is not a single value"},

		{"header of the SDK", "host: acme\ndefaultHeaders:\n  sessionToken: " + secret + bot, "config.yaml:3: defaultHeaders.sessionToken: symphony: invalid WithHeader: Sessiontoken is set by the SDK itself"},
		{"header value", "host: acme\ndefaultHeaders:\n  X-A: \"" + secret + "\\n\"" + bot, "config.yaml:3: defaultHeaders.X-A: symphony: invalid WithHeader: the value of X-A holds a line break or another control character"},
		{"user agent", "host: acme\ndefaultHeaders:\n  User-Agent: \"" + secret + "\\n\"" + bot, "config.yaml:3: defaultHeaders.User-Agent: symphony: invalid WithUserAgent: it holds a line break or another control character"},
		{"header name", "host: acme\npod:\n  defaultHeaders: {'" + secret + "': x}" + bot, "config.yaml:3: pod.defaultHeaders: a name in it is not the name of a header"},
		{"header twice", "host: acme\ndefaultHeaders:\n  x-a: " + secret + "\n  X-A: b" + bot, "config.yaml:3: defaultHeaders.x-a: it is there twice: case does not matter in the name of a header"},
		{"header list", "host: acme\ndefaultHeaders: {X-A: [" + secret + "]}" + bot, "config.yaml:2: defaultHeaders.X-A: it is not a single value"},

		{"attempts", "host: acme\nretry: {maxAttempts: 0}" + bot, "config.yaml:2: retry.maxAttempts: 0 is not a number of attempts (1 or more, or -1 for no limit)"},
		{"intervals", "host: acme\nretry:\n  maxIntervalMillis: 100\n  initialIntervalMillis: 200" + bot, "config.yaml:4: retry.initialIntervalMillis: 200 is above retry.maxIntervalMillis (100)"},
		{"interval", "host: acme\nretry: {maxIntervalMillis: 1.5}" + bot, "config.yaml:2: retry.maxIntervalMillis: it is not a number; it must be a number of milliseconds (1 to 2147483647)"},

		{"no bot", "host: acme", "config.yaml: bot: it is missing; it needs a privateKey or a certificate, with a path or content"},
		{"no credentials", "host: acme\nbot: {username: bot, privateKey: {path: ''}}", "config.yaml:2: bot: it has neither a privateKey nor a certificate, with a path or content"},
		{"username with a line break", "host: acme\nbot:\n  privateKey: {path: $PATH}\n  username: \"b\\n\"", "config.yaml:4: bot.username: it begins or ends with a blank or a line break; was it read from a file without trimming?"},
		{"no username", "host: acme\nbot:\n  privateKey: {path: $PATH}", "config.yaml:3: bot.username: it is missing"},
		{"blank username", "host: acme\nbot:\n  privateKey: {path: $PATH}\n  username: ' '", "config.yaml:4: bot.username: it is missing"},
		{"two keys", "host: acme\nbot: {username: bot, privateKey: {path: $PATH, content: " + secret + "}}", "config.yaml:2: bot.privateKey.content: there is bot.privateKey.path already"},
		{"two forms", "host: acme\nbot: {username: bot, privateKey: {path: $PATH}, privateKeyPath: $PATH}", "config.yaml:2: bot.privateKeyPath: there is bot.privateKey.path already"},
		{"sessionAuth without host", "pod: {host: acme}\nbot: {certificate: {content: " + base64Of(pairPEM(t, systemCA)) + "}}", "config.yaml: host: it is missing, and so is sessionAuth.host"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "config.yaml", []byte(strings.ReplaceAll(test.text, "$PATH", key)))
			config, err := bdkconfig.Load(path)
			require.Nil(t, config)
			require.Error(t, err)
			require.Equal(t, "bdkconfig: "+test.want, strings.Replace(err.Error(), filepath.Dir(path)+"/", "", 1))
		})
	}
}

func TestEnvironment(t *testing.T) {
	pod := start(t)
	t.Setenv("BDK_HOST", "127.0.0.1")
	t.Setenv("BDK_EMPTY", "")
	t.Setenv("BDK_YAML", "bot, privateKey: {path: /none}")
	t.Setenv("BDK_CHAIN", "${BDK_HOST}")
	client := newClient(t, `
scheme: ${BDK_SCHEME:-http}
host: ${BDK_HOST}
port: ${BDK_PORT:-$PORT}
context: ${BDK_EMPTY}
defaultHeaders:
  X-Default: a${BDK_EMPTY:-b}c
  X-Literal: $${BDK_HOST} ${} $BDK_HOST ${1}
  X-Yaml: ${BDK_YAML}
  X-Chain: ${BDK_CHAIN}
  X-Empty: ${BDK_NONE:-}
bot: {username: bot, privateKey: {path: $PATH}}`, "$PORT", port(t, pod.URL()), "$PATH", write(t, "key.pem", keyPEM()))
	require.NoError(t, set(t, client))
	header := pod.Requests()[0].Header
	require.Equal(t, "abc", header.Get("X-Default"))
	require.Equal(t, "${BDK_HOST} ${} $BDK_HOST ${1}", header.Get("X-Literal"))
	require.Equal(t, "bot, privateKey: {path: /none}", header.Get("X-Yaml"))
	require.Equal(t, "${BDK_HOST}", header.Get("X-Chain"))
	require.Empty(t, header.Get("X-Empty"))

	for text, want := range map[string]string{
		"host: a.${BDK_NONE}.b":                                   "config.yaml:1: host: the environment variable BDK_NONE is not set and has no default; with one it is ${BDK_NONE:-default}",
		"host: a\nproxy: {host: b, port: 1, password: '${NONE}'}": "config.yaml:2: proxy.password: the environment variable NONE is not set and has no default; with one it is ${NONE:-default}",
		"host: a\nproxy: {host: b, port: 1, password: 'p${a}ss'}": "config.yaml:2: proxy.password: an environment variable in it is not set; the text ${ is written $${",
		"host: ${BDK_HOST:acme}":                                  "config.yaml:1: host: the default of an environment variable is written ${NAME:-default}",
		"host: a\nproxy: {host: b, port: 1, password: '${a:b}'}":  "config.yaml:2: proxy.password: the default of an environment variable is written ${NAME:-default}; the text ${ is written $${",
		"host: a\ndefaultHeaders: {X: 'Bearer ${a}'}":             "config.yaml:2: defaultHeaders.X: an environment variable in it is not set; the text ${ is written $${",
	} {
		_, err := load(t, text)
		require.ErrorContains(t, err, want)
	}
}

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"host: acme\nbot: {username: bot, privateKey: {path: /none/key.pem}}",
		"host: acme\nbot: {certificatePath: /none/key.pem}",
		"host: acme\nssl: {trustStore: {path: /none/key.pem}}",
	} {
		_, err := load(t, text)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.NotContains(t, err.Error(), "none", "it may be a key that stands there")
		require.Regexp(t, `^bdkconfig: \S+/config.yaml:2: \S+: the file cannot be read`, err)
	}
}

// FuzzParse reads files of any content: it neither panics nor shows a secret.
func FuzzParse(f *testing.F) {
	const keyLine = "c2VjcmV0IGtleQ=="
	const key = "-----BEGIN PRIVATE KEY-----\n      " + keyLine + "\n      -----END PRIVATE KEY-----"
	for _, seed := range []string{
		"",
		"host: acme\nproxy: {host: p, port: 1, username: u, password: " + secret + "}\nbot: {username: bot, privateKeyContent: " + keyLine + "}",
		"pod: &p {host: '::1', port: *x, password: &x " + secret + "}\nsessionAuth: {<<: *p, context: '${A:-b}/${" + secret + "}'}",
		"defaultHeaders: {X-A: \"" + secret + "\", \"" + secret + "\": *b}\nbot:\n  privateKey: &b\n    content: |\n      " + key,
		`{"host": "a", "ssl": {"trustStore": {"content": "` + base64Of([]byte("\xFE\xED\xFE\xED"+secret)) + `", "password": "` + secret + `"}}}`,
		"retry: {maxAttempts: -1, initialIntervalMillis: 5, maxIntervalMillis: 4}\n? [" + secret + "]\n: ~",
		"host: a\nscheme: http\nbot: {certificate: {path: cert.pem, password: " + secret + "}}",
		"host: acme\nport: 443\ncontext: gateway\nbot: {username: bot, privateKey: {content: " + base64Of(keyPEM()) + "}}",
		"host: acme\nssl: {trustStore: {content: " + base64Of(pemOf(systemCA)) + "}}\nbot: {certificateContent: MIIB, certificatePassword: " + secret + "}",
		"bdk:\n  host: acme\n  app: {appId: a, private-key: {content: " + keyLine + "}}\n",
		"podHost: acme\nbotPrivateKeyPath: " + secret + "\n",
		"{\"host\": \"acme\",\n\"" + secret + "\": \"" + secret + "\\/\" \"x\"}",
		"\ufeffhost: acme\nssl: {trustStore: {content: \"" + strings.ReplaceAll(string(pemOf(systemCA)), "\n", "\\n") + "\"}}\napp: {appId: a, certificate: {content: MIIB}}\n",
		"host: acme\n\tport: " + secret + "\n",
		"a: &a [*a]\nhost: &h\n  <<: *h\npod: !!binary AAAA\n--- x\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(string(data), "/dev/") || strings.Contains(string(data), "/proc/") {
			t.Skip("what is read there may have no end")
		}
		var texts []string
		for _, name := range []string{"config.yaml", "config.json"} {
			config, err := bdkconfig.Parse(name, data)
			if err == nil {
				texts = append(texts, config.Warnings()...)
				_, appErr := config.NewApp()
				_, err = config.NewClient()
				err = errors.Join(err, appErr)
			}
			if err != nil {
				texts = append(texts, strings.Split(err.Error(), "\nbdkconfig")...)
			}
		}
		for i, text := range texts {
			require.Regexp(t, `^(bdkconfig)?: .+$`, text, i)
			require.NotContains(t, text, secret)
			require.NotContains(t, text, "\n")
			require.NotContains(t, text, keyLine)
		}
	})
}
