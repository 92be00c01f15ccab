package bdkconfig

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/symphony-go/symphony/internal/keyfile"
)

// material is a key, a certificate or a trust store.
type material struct {
	value    // where the file names it
	data     []byte
	password value
}

// material reads what a section names, as NAME.path or NAME.content, or in the older
// form as NAMEPath or NAMEContent.
func (v value) material(name string) material {
	section := v.at(name)
	m := material{password: section.at("password")}
	for _, source := range []struct {
		value
		read func(value, string) []byte
	}{
		{section.at("path"), value.readFile},
		{section.at("content"), value.decode},
		{v.at(name + "Path"), value.readFile},
		{v.at(name + "Content"), value.decode},
	} {
		text := source.text()
		if text == "" {
			continue
		}
		if m.node != nil {
			source.fail("there is %s already", m.key)
			break
		}
		m.value, m.data = source.value, source.read(source.value, text)
	}
	if old := v.at(name + "Password"); section.node == nil {
		m.password = old
	}
	return m
}

// readFile reads the file that the value names. The error does not show the path: a key
// may stand in its place.
func (v value) readFile(path string) []byte {
	data, err := os.ReadFile(path) //nolint:gosec // the config names the file
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	if err != nil {
		v.fail("the file cannot be read (a relative path starts at the working directory): %w", err)
	}
	return data
}

// decode takes PEM text as it is, and anything else as base64.
func (v value) decode(content string) []byte {
	if keyfile.IsPEM([]byte(content)) {
		return []byte(content)
	}
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.Join(strings.Fields(content), ""), "="))
	if err != nil {
		v.fail("it is neither PEM nor base64")
	}
	return data
}
