package bdkconfig

import (
	"cmp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// sdk1 has the keys of SDK 1, the kit before the BDK, that differ from those of the
// BDK by more than their spelling.
var sdk1 = map[string]string{ //nolint:gosec // names of keys, no credentials
	"botprivatekeyname":  "bot.privateKey.path",
	"botcertpath":        "bot.certificate.path",
	"botcertname":        "bot.certificate.path",
	"botcertpassword":    "bot.certificate.password",
	"appcertpath":        "app.certificate.path",
	"appcertname":        "app.certificate.path",
	"appcertpassword":    "app.certificate.password",
	"truststorepath":     "ssl.trustStore.path",
	"truststorename":     "ssl.trustStore.path",
	"truststorepassword": "ssl.trustStore.password",
	"proxyurl":           "proxy.host",
	"podproxyurl":        "pod.proxy.host",
	"podproxyusername":   "pod.proxy.username",
	"podproxypassword":   "pod.proxy.password",
}

// nearMiss returns an error for the first key that is meant as one of those that were
// looked up, nil if there is none. It comes before the error of a file: the key that is
// missing is often there in another spelling.
func (f *file) nearMiss() error {
	known := map[lookup]bool{}
	spellings := map[string]string{}
	for _, l := range f.lookups {
		known[l] = true
		key := strings.TrimPrefix(l.section+"."+l.name, ".")
		if s := simplify(key); spellings[s] == "" {
			spellings[s] = key
		}
	}
	for _, section := range f.sections {
		if section.node.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i < len(section.node.Content); i += 2 {
			node := section.node.Content[i]
			if known[lookup{section.key, node.Value}] {
				continue
			}
			key := section.child(node.Value)
			simple := simplify(strings.TrimPrefix(key.key, "bdk."))
			right := cmp.Or(spellings[simplify(key.key)], spellings[simple], sdk1[simple])
			if right != "" {
				key.line = node.Line
				return key.errorf("there is no such key; the right spelling is %s, that is, %s", right, nested(right))
			}
		}
	}
	return nil
}

// simplify takes the case and the separators out of a key.
func simplify(key string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "-", "", "_", "").Replace(key))
}

// nested writes a key with dots as mappings: "bot: {privateKey: {path: ...}}".
func nested(key string) string {
	parts := strings.Split(key, ".")
	return strings.Join(parts, ": {") + ": ..." + strings.Repeat("}", len(parts)-1)
}
