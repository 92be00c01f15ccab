package auth

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/internal/keyfile"
)

const wantedKey = `an RSA private key in PEM is needed, PKCS#1 ("BEGIN RSA PRIVATE KEY") or PKCS#8 ("BEGIN PRIVATE KEY")`

// LoadRSAPrivateKey reads a key from a file, as [ParseRSAPrivateKey] does from text.
func LoadRSAPrivateKey(path string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("symphony: private key: %w", hideKey(path, err))
	}
	key, err := ParseRSAPrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("symphony: private key %s: %w", path, err)
	}
	return key, nil
}

// keyForPath matches a path that looks like a key.
var keyForPath = regexp.MustCompile(`-----|[\r\n]|^[A-Za-z0-9+/=\\\s]{200,}$`)

// hideKey returns an error for a path, without the path if it may be a key.
func hideKey(path string, err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok && keyForPath.MatchString(path) {
		return &symphony.InvalidArgumentError{Argument: "path", Reason: fmt.Sprintf("it seems to be a key and not the path of one (%v); ParseRSAPrivateKey reads a key", pathError.Err)}
	}
	return err
}

// ParseRSAPrivateKey reads a key from PEM, PKCS#1 or PKCS#8 under either label. The
// text may begin with a byte-order mark, UTF-8 or UTF-16. Its line breaks may be LF,
// CR LF or CR, written as \n or \\n, or blanks. It may be quoted or indented. Of
// several blocks it takes the first private key.
//
// Anything else is an [*symphony.InvalidArgumentError] that says what the text is and,
// where there is one, the command that converts it. The error never shows key material.
func ParseRSAPrivateKey(text []byte) (*rsa.PrivateKey, error) {
	blocks := keyfile.Blocks(text)
	for _, block := range blocks {
		if block.IsPrivateKey() {
			return rsaKey(block)
		}
	}
	if len(blocks) > 0 {
		return nil, refuseKey("it holds " + keyfile.Types(blocks) + " and no private key")
	}
	format := keyfile.FormatOf(text)
	return nil, refuseKey(fmt.Sprintf("it is not PEM but %s%s", format, format.ToKey()))
}

func rsaKey(block keyfile.Block) (*rsa.PrivateKey, error) {
	key, err := block.PrivateKey()
	if err != nil {
		return nil, refuseKey(err.Error())
	}
	if key, ok := key.(*rsa.PrivateKey); ok {
		return key, nil
	}
	return nil, refuseKey(fmt.Sprintf("its %s is not RSA but a %T", block.Type, key))
}

func refuseKey(reason string) error {
	return &symphony.InvalidArgumentError{Argument: "private key", Reason: reason + "; " + wantedKey}
}
