package bdkconfig

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// file is a config file that is being read. It keeps the first error, so that the
// code that reads can go on as if there were none.
type file struct {
	name string
	err  error
}

// value is what stands at a key of a file, if anything does.
//
// Its errors show no text of the file, also not of a value that is no secret: a
// password may stand in a wrong place.
type value struct {
	file *file
	key  string     // with dots: "proxy.port"
	line int        // of what stands there, else of where it should; 0 when that is the file
	node *yaml.Node // nil when nothing, or null, stands there
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+):`)

// parse is the value that a file consists of. JSON is YAML too.
func (f *file) parse(data []byte) value {
	top := value{file: f}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			top.line, _ = strconv.Atoi(m[1])
		}
		top.fail("it is neither YAML nor JSON") // in our own words: see value
		return top
	}
	if len(document.Content) > 0 {
		top.put(document.Content[0])
	}
	return top
}

// put makes node what stands there.
func (v *value) put(node *yaml.Node) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Tag != "!!null" {
		v.node = node
	}
}

// at is the value at a key of a mapping.
func (v value) at(name string) value {
	child := value{file: v.file, key: name, line: v.line}
	if v.key != "" {
		child.key = v.key + "." + name
	}
	if node, ok := v.fields()[name]; ok {
		child.line = node.Line
		child.put(&node)
	}
	return child
}

// fields are what stands in a mapping, with what is merged into it (<<).
func (v value) fields() map[string]yaml.Node {
	if v.node == nil {
		return nil
	}
	fields := map[string]yaml.Node{}
	if v.node.Kind != yaml.MappingNode || v.node.Decode(&fields) != nil {
		v.fail("it does not consist of keys with values, each key once")
		return nil
	}
	return fields
}

// text is a value as a string, "" when there is none.
func (v value) text() string {
	if v.node == nil {
		return ""
	}
	if v.node.Kind != yaml.ScalarNode {
		v.fail("it is not a single value")
		return ""
	}
	return v.expand(v.node.Value)
}

// required is the text of a value that must be there.
func (v value) required() string {
	text := v.text()
	if strings.TrimSpace(text) == "" {
		v.fail("it is missing")
	}
	return text
}

// number is a value between least and most, 0 when there is none; what says which
// numbers these are.
func (v value) number(least, most int, what string) int {
	text := strings.TrimSpace(v.text())
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		v.fail("it is not a number; wanted is %s", what)
		return 0
	}
	if n < least || n > most {
		v.fail("%d is not %s", n, what)
		return 0
	}
	return n
}

// millis is a number of milliseconds, 0 when there is none.
func (v value) millis() time.Duration {
	return time.Duration(v.number(1, math.MaxInt32, "a number of milliseconds (1 to 2147483647)")) * time.Millisecond
}

var (
	reference = regexp.MustCompile(`\$?\$\{([A-Za-z_][\w.]*)(:-([^}]*))?\}`)
	secretKey = regexp.MustCompile(`(?i)(password|content)$|defaultHeaders\.`)
)

// expand replaces ${NAME} and ${NAME:-default} in a value's text.
func (v value) expand(text string) string {
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		if strings.HasPrefix(ref, "$$") {
			return ref[1:]
		}
		m := reference.FindStringSubmatch(ref)
		set, ok := os.LookupEnv(m[1])
		switch {
		case set == "" && m[2] != "":
			return m[3]
		case ok:
		case ref != text && secretKey.MatchString(v.key): // then the name may be a part of the secret
			v.fail("an environment variable in it is not set; the text ${ is written $${")
		default:
			v.fail("the environment variable %s is not set and has no default; with one it is ${%[1]s:-default}", m[1])
		}
		return set
	})
}

// fail makes it the file's error that something is wrong with the value.
func (v value) fail(format string, args ...any) {
	if v.file.err == nil {
		v.file.err = fmt.Errorf("bdkconfig: %s: %w", v.place(), fmt.Errorf(format, args...))
	}
}

// place says where the value stands: "config.yaml:12: proxy.port".
func (v value) place() string {
	place := v.file.name
	if v.line > 0 {
		place += ":" + strconv.Itoa(v.line)
	}
	if v.key != "" {
		place += ": " + v.key
	}
	return place
}
