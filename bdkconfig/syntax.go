package bdkconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/symphony-go/symphony/internal/keyfile"
)

// syntaxError is why a file is neither YAML nor JSON. Its reason quotes no value.
type syntaxError struct {
	line   int // 0 if unknown
	reason string
}

func (e *syntaxError) Error() string { return e.reason }

// parseFile returns the content of a file as a tree, nil if it is empty, and whether
// more documents follow, which YAML allows.
func parseFile(name string, data []byte) (node *yaml.Node, more bool, err error) {
	defer recoverTo(&err)
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(keyfile.Text(data))
	if strings.EqualFold(filepath.Ext(name), ".json") || json.Valid([]byte(text)) {
		node, err = parseJSON(text)
		return node, false, err
	}
	return parseYAML(text)
}

// recoverTo turns a panic into an error, without the panic's value: it may quote the
// file. With GODEBUG=fips140=only, algorithms that are not allowed panic.
func recoverTo(err *error) {
	if recover() != nil {
		*err = errors.New("the parser panicked; with GODEBUG=fips140=only it does so at an algorithm that is not allowed")
	}
}

func parseYAML(text string) (node *yaml.Node, more bool, err error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, false, nil
	case err != nil:
		return nil, false, yamlError(text, err)
	case len(document.Content) == 0:
		return nil, false, nil
	}
	var next yaml.Node
	err = decoder.Decode(&next)
	more = err == nil && len(next.Content) > 0 && next.Content[0].Tag != "!!null" || err != nil && !errors.Is(err, io.EOF)
	return document.Content[0], more, nil
}

var yamlPrefix = regexp.MustCompile(`^yaml: (line (\d+): )?`)

// yamlError returns the library's reason, unless that may quote a value, and the line
// of the error.
func yamlError(text string, err error) error {
	m := yamlPrefix.FindStringSubmatch(err.Error())
	if m == nil {
		return &syntaxError{reason: "the parser failed"}
	}
	e := &syntaxError{reason: err.Error()[len(m[0]):]}
	switch {
	case strings.HasPrefix(e.reason, "unknown anchor"):
		e.reason = "an alias (*) refers to an unknown anchor (&)"
	case strings.HasPrefix(e.reason, "anchor "):
		e.reason = "the value of an anchor (&) contains itself"
	case strings.ContainsAny(e.reason, "`\n\""):
		e.reason = "the parser failed"
	}
	if e.line = firstBadLine(text); e.line == 0 {
		e.line, _ = strconv.Atoi(m[2])
	}
	return e
}

// firstBadLine returns the line from which on the text is not YAML, 0 for a text that
// is too long to find out. The library's own line is often that of the construct
// before.
func firstBadLine(text string) int {
	lines := strings.SplitAfter(text, "\n")
	const maxWork = 4 << 20 // bytes to parse, at most
	if int64(len(lines))*int64(len(text)) > maxWork {
		return 0
	}
	for n := len(lines) - 1; n > 0; n-- {
		if yaml.Unmarshal([]byte(strings.Join(lines[:n], "")), new(yaml.Node)) == nil {
			return n + 1
		}
	}
	return 1
}

// parseJSON returns JSON as a tree of YAML, with its line numbers.
func parseJSON(text string) (*yaml.Node, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), new(any)); err != nil {
		return nil, jsonError(text, err)
	}
	p := &jsonParser{decoder: json.NewDecoder(strings.NewReader(text)), text: text, line: 1}
	p.decoder.UseNumber()
	return p.value()
}

var quoted = regexp.MustCompile(`'.*' `)

func jsonError(text string, err error) error {
	e := &syntaxError{reason: "it is not JSON"}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		e.reason = quoted.ReplaceAllString(syntax.Error(), "")
		e.line = 1 + strings.Count(text[:min(max(int(syntax.Offset)-1, 0), len(text))], "\n")
	}
	return e
}

// jsonParser makes a tree of the tokens of valid JSON.
type jsonParser struct {
	decoder *json.Decoder
	text    string
	offset  int // up to which line is counted
	line    int
}

func (p *jsonParser) value() (*yaml.Node, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, err
	}
	end := int(p.decoder.InputOffset())
	p.line += strings.Count(p.text[p.offset:end], "\n")
	p.offset = end
	node := &yaml.Node{Kind: yaml.ScalarNode, Line: p.line}
	switch token := token.(type) {
	case json.Delim:
		return node, p.children(node, token)
	case nil:
		node.Tag = "!!null"
	case string:
		node.Tag, node.Value = "!!str", token
	default: // json.Number, bool
		node.Value = fmt.Sprint(token)
	}
	return node, nil
}

// children reads the values in an object or array, with its end.
func (p *jsonParser) children(node *yaml.Node, begin json.Delim) error {
	node.Kind = yaml.SequenceNode
	if begin == '{' {
		node.Kind = yaml.MappingNode
	}
	for p.decoder.More() {
		child, err := p.value()
		if err != nil {
			return err
		}
		node.Content = append(node.Content, child)
	}
	_, err := p.decoder.Token()
	return err
}
