package bdkconfig_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony/bdkconfig"
)

// The line of an error is that of the mistake, in YAML and in JSON.
func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	const bot = "bot: {username: bot, privateKey: {path: $PATH}}\n"
	for _, test := range []struct{ name, file, text, want string }{
		{"tab", "c.yaml", "host: acme\nproxy:\n  host: p\n\tport: 1\n" + bot, "c.yaml:4: it is neither YAML nor JSON: found a tab character that violates indentation"},
		{"tab in the first line", "c.yaml", "\thost: acme\n", "c.yaml:1: it is neither YAML nor JSON: found character that cannot start any token"},
		{"indentation", "c.yaml", "host: acme\nproxy:\n    host: p\n  port: 1\n" + bot, "c.yaml:4: it is neither YAML nor JSON: did not find expected"},
		{"colon in a value", "c.yaml", "host: acme\nport: 1\ncontext: a: " + secret + "\n", "c.yaml:3: it is neither YAML nor JSON: mapping values are not allowed in this context"},
		{"quote that is not closed", "c.yaml", "host: acme\ncontext: \"a\nport: 1\n" + bot, "c.yaml:2: it is neither YAML nor JSON: found unexpected end of stream"},
		{"unknown anchor", "c.yaml", "host: acme\nport: 1\ncontext: *" + secret[:6] + "\n", "c.yaml:3: it is neither YAML nor JSON: an alias (*) refers to an unknown anchor (&)"},
		{"tab in a long file, at the library's line", "c.yaml", "host: acme\nproxy:\n  host: p\n\tport: 1\n" + strings.Repeat("# a comment\n", 1000), "c.yaml:3: it is neither YAML nor JSON: found a tab character"},
		{"CR LF", "c.yaml", "host: acme\r\nproxy:\r\n  host: p\r\n\tport: 1\r\n", "c.yaml:4: it is neither"},
		{"CR", "c.yaml", "host: acme\rport: 70000\r" + bot, "c.yaml:2: port: 70000 is not a port"},
		{"a key twice", "c.yaml", "host: acme\n" + bot + "\nhost: acme\n", "c.yaml:4: it has a key twice, in line 1 too"},
		{"key that is a list", "c.yaml", "host: acme\n? [" + secret + "]\n: x\n", "c.yaml:2: it has a key that is not a name"},

		{"JSON value", "c.yaml", "{\n\"host\": \"acme\",\n\"port\": 70000\n}", "c.yaml:3: port: 70000 is not a port"},
		{"JSON value in a section", "c.json", "{\n\"host\": \"acme\",\n\"proxy\": {\n\n\"port\": -1, \"host\": \"p\"}\n}", "c.json:5: proxy.port: -1 is not a port"},
		{"JSON, missing", "c.json", "{\n\"host\": \"acme\",\n\"proxy\": {\n\"port\": 1}\n}", "c.json:3: proxy.host: it is missing"},
		{"JSON, a key twice", "c.json", "{\n\"host\": \"acme\",\n\"host\": \"acme\"}", "c.json:3: it has a key twice, in line 2 too"},
		{"JSON, comma missing", "c.json", "{\n\"host\": \"acme\"\n\"" + secret + "\": 1\n}", "c.json:3: it is neither YAML nor JSON: invalid character after object key:value pair"},
		{"JSON, cut off", "c.json", "{\n\"host\": \"acme\",\n", "c.json:2: it is neither YAML nor JSON: unexpected end of JSON input"},
		{"JSON, more than one", "c.json", "{}\n{}", "c.json:2: it is neither YAML nor JSON: invalid character after top-level value"},
		{"JSON, a list", "c.json", "[]", "c.json:1: it does not consist of keys with values"},
		{"JSON, empty", "c.json", "", "c.json: host: it is missing"},
		{"YAML in .json", "c.json", "host: acme\n", "c.json:1: it is neither YAML nor JSON: invalid character looking for beginning of value"},
		{"empty", "c.yaml", "# nothing\n", "c.yaml: host: it is missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, test.file, []byte(strings.ReplaceAll(test.text, "$PATH", write(t, "key.pem", keyPEM()))))
			_, err := bdkconfig.Load(path)
			require.ErrorContains(t, err, "bdkconfig: "+filepath.Dir(path)+"/"+test.want)
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, err.Error(), secret[:6])
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// utf16LE encodes ASCII text, as Windows editors save it.
func utf16LE(text string) []byte {
	encoded := []byte{0xFF, 0xFE}
	for _, b := range []byte(text) {
		encoded = append(encoded, b, 0)
	}
	return encoded
}

func TestFileEncodings(t *testing.T) {
	t.Parallel()
	pod := start(t)
	key := write(t, "key.pem", keyPEM())
	yaml := strings.NewReplacer("$PORT", port(t, pod.URL()), "$PATH", key).Replace("scheme: http\nhost: 127.0.0.1\nport: $PORT\nbot:\n  username: bot\n  privateKey: {path: $PATH}\n")
	encoded, err := json.Marshal(map[string]any{
		"scheme": "http", "host": "127.0.0.1", "port": json.Number(port(t, pod.URL())),
		"bot": map[string]any{"username": "bot", "privateKey": map[string]any{"path": key}},
	})
	require.NoError(t, err)
	escaped := strings.ReplaceAll(string(encoded), "/", `\/`) // as PHP writes it
	for _, test := range []struct {
		name, file string
		data       []byte
	}{
		{"byte-order mark", "c.yaml", []byte("\ufeff" + yaml)},
		{"UTF-16", "c.yaml", utf16LE(yaml)},
		{"CR LF", "c.yaml", []byte(strings.ReplaceAll(yaml, "\n", "\r\n"))},
		{"CR", "c.yaml", []byte(strings.ReplaceAll(yaml, "\n", "\r"))},
		{"JSON with escaped slashes", "c.json", []byte(escaped)},
		{"JSON in .yaml", "c.yaml", []byte(escaped)},
		{"JSON, upper case", "C.JSON", encoded},
		{"JSON with a byte-order mark", "c.json", []byte("\ufeff" + escaped)},
		{"JSON in UTF-16", "c.json", utf16LE(escaped)},
		{"JSON below bdk", "c.json", []byte(`{"bdk": ` + escaped + `}`)},
		{"below bdk", "application.yaml", []byte("server:\n  port: x\nbdk:\n  " + strings.ReplaceAll(yaml, "\n", "\n  "))},
		{"begin of document", "c.yaml", []byte("---\n" + yaml + "---\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config, err := bdkconfig.Load(write(t, test.file, test.data))
			require.NoError(t, err)
			require.Empty(t, config.Warnings())
			client, err := config.NewClient()
			require.NoError(t, err)
			t.Cleanup(client.CloseIdleConnections)
			require.NoError(t, set(t, client))
		})
	}
	config, err := bdkconfig.Load(write(t, "c.yaml", []byte(yaml+"---\nspring: {config: x}\n")))
	require.NoError(t, err)
	require.Len(t, config.Warnings(), 1)
	require.Contains(t, config.Warnings()[0], "c.yaml: only the first document is read")
}
