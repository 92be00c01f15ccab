package bdkconfig

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// file is a config file that is being read. It keeps the first error: the code that
// reads goes on as if there were none.
type file struct {
	name     string
	err      error
	warnings []string
	lookups  []lookup
	sections []value // the mappings with the keys that were looked up
}

// lookup is a key that was looked up in a section.
type lookup struct{ section, name string }

// value is what a file has at a key, if anything.
//
// Its errors show no text of the file, even if it is no secret: a password may stand
// in a wrong place.
type value struct {
	file *file
	key  string     // with dots: "proxy.port"
	line int        // of the value, else of the section where it is missing; 0 if that is the file
	node *yaml.Node // nil for nothing, or null
}

// open parses the content of a file.
func (f *file) open(data []byte) value {
	top := value{file: f}
	node, more, err := parseFile(f.name, data)
	if syntax, ok := errors.AsType[*syntaxError](err); ok {
		top.line = syntax.line
	}
	if err != nil {
		top.fail("it is neither YAML nor JSON: %w", err)
		return top
	}
	if more {
		top.warn("only the first document is read, up to the line ---")
	}
	top.put(node)
	if bdk := top.at("bdk"); bdk.node != nil { // of a Spring Boot bot
		return bdk
	}
	return top
}

// put makes node the value.
func (v *value) put(node *yaml.Node) {
	if node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node != nil && node.Tag != "!!null" {
		v.node = node
	}
}

// at returns the value at a key of a mapping.
func (v value) at(name string) value {
	child := v.child(name)
	v.file.lookups = append(v.file.lookups, lookup{v.key, name})
	if node, ok := v.fields()[name]; ok {
		child.line = node.Line
		child.put(node)
	}
	return child
}

// child returns an empty value for a key of a mapping.
func (v value) child(name string) value {
	child := value{file: v.file, key: name, line: v.line}
	if v.key != "" {
		child.key = v.key + "." + name
	}
	return child
}

// fields returns the values in a mapping, with those that are merged into it (<<).
func (v value) fields() map[string]*yaml.Node {
	if v.node == nil {
		return nil
	}
	if !slices.ContainsFunc(v.file.sections, func(s value) bool { return s.key == v.key }) {
		v.file.sections = append(v.file.sections, v)
	}
	fields := map[string]*yaml.Node{}
	if problem, line := merge(fields, v.node, map[*yaml.Node]bool{}); problem != "" {
		v.line = line
		v.fail("%s", problem)
		return nil
	}
	return fields
}

// merge adds the values in a mapping to those that override them. Merged has the
// mappings that were added: true while one is. The problem is what is wrong with the
// mapping, "" if nothing is.
func merge(fields map[string]*yaml.Node, mapping *yaml.Node, merged map[*yaml.Node]bool) (problem string, line int) {
	if mapping.Kind == yaml.AliasNode {
		mapping = mapping.Alias
	}
	if mapping.Kind != yaml.MappingNode {
		return "it does not consist of keys with values", mapping.Line
	}
	if unfinished, ok := merged[mapping]; unfinished {
		return "it is merged (<<) into itself", mapping.Line
	} else if ok {
		return "", 0
	}
	merged[mapping] = true
	defer func() { merged[mapping] = false }()
	own := map[string]int{}
	var bases []*yaml.Node
	for i := 0; i < len(mapping.Content); i += 2 {
		key, node := mapping.Content[i], mapping.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			return "it has a key that is not a name", key.Line
		case key.Tag == "!!merge":
			bases = append(bases, node)
			continue
		case own[key.Value] > 0:
			return fmt.Sprintf("it has a key twice, in line %d too", own[key.Value]), key.Line
		}
		own[key.Value] = key.Line
		if _, ok := fields[key.Value]; !ok {
			fields[key.Value] = node
		}
	}
	for _, base := range bases {
		if base.Kind == yaml.SequenceNode {
			for _, b := range base.Content {
				if problem, line := merge(fields, b, merged); problem != "" {
					return problem, line
				}
			}
			continue
		}
		if problem, line := merge(fields, base, merged); problem != "" {
			return problem, line
		}
	}
	return "", 0
}

// text returns a value as a string, "" if there is none.
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

// required returns the text of a value that must be there.
func (v value) required() string {
	text := v.text()
	if strings.TrimSpace(text) == "" {
		v.fail("it is missing")
	}
	return text
}

// number returns a value between least and most, 0 if there is none; what says which
// numbers these are.
func (v value) number(least, most int, what string) int {
	text := strings.TrimSpace(v.text())
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		v.fail("it is not a number; it must be %s", what)
		return 0
	}
	if n < least || n > most {
		v.fail("%d is not %s", n, what)
		return 0
	}
	return n
}

// millis returns a number of milliseconds, 0 if there is none.
func (v value) millis() time.Duration {
	return time.Duration(v.number(1, math.MaxInt32, "a number of milliseconds (1 to 2147483647)")) * time.Millisecond
}

var (
	reference = regexp.MustCompile(`\$?\$\{([A-Za-z_][\w.]*)(:-?([^}]*))?\}`)
	secretKey = regexp.MustCompile(`(?i)(password|content)$|defaultHeaders\.`)
)

// expand replaces ${NAME} and ${NAME:-default} in the text of a value.
func (v value) expand(text string) string {
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		if strings.HasPrefix(ref, "$$") {
			return ref[1:]
		}
		m := reference.FindStringSubmatch(ref)
		set, ok := os.LookupEnv(m[1])
		switch {
		case m[2] != "" && !strings.HasPrefix(m[2], ":-"):
			v.fail("the default of an environment variable is written ${NAME:-default}; the text ${ is written $${")
		case set == "" && m[2] != "":
			return m[3]
		case ok:
		case ref != text && secretKey.MatchString(v.key): // the name may be a part of the secret
			v.fail("an environment variable in it is not set; the text ${ is written $${")
		default:
			v.fail("the environment variable %s is not set and has no default; with one it is ${%[1]s:-default}", m[1])
		}
		return set
	})
}

// fail reports that something is wrong with the value, as the file's error if it is the first.
func (v value) fail(format string, args ...any) {
	if v.file.err == nil {
		v.file.err = v.errorf(format, args...)
	}
}

// warn is like fail, for what is no reason to refuse the file.
func (v value) warn(format string, args ...any) {
	v.file.warn(v.errorf(format, args...))
}

func (v value) errorf(format string, args ...any) error {
	return fmt.Errorf("bdkconfig: %s: %w", v.place(), fmt.Errorf(format, args...))
}

func (f *file) warn(err error) {
	f.warnings = append(f.warnings, err.Error())
	slog.Warn(err.Error())
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
