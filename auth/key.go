package auth

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"github.com/symphony-go/symphony"
)

const wantedKey = `wanted is an RSA private key in PEM, PKCS#1 ("BEGIN RSA PRIVATE KEY") or PKCS#8 ("BEGIN PRIVATE KEY")`

// LoadRSAPrivateKey reads a key from a file, as [ParseRSAPrivateKey] does from text.
func LoadRSAPrivateKey(path string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("symphony: private key: %w", err)
	}
	key, err := ParseRSAPrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("symphony: private key %s: %w", path, err)
	}
	return key, nil
}

// ParseRSAPrivateKey reads a key from PEM, PKCS#1 or PKCS#8, also where the line
// breaks are written as \n, as in an environment variable. Of several blocks it is
// the first private key. Anything else is an [*symphony.InvalidArgumentError] that
// says what it is, without showing it.
func ParseRSAPrivateKey(text []byte) (*rsa.PrivateKey, error) {
	text = bytes.ReplaceAll(text, []byte(`\r`), nil)
	text = bytes.ReplaceAll(text, []byte(`\n`), []byte("\n"))
	var found []string
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return parseBlock(block)
		}
		found = append(found, block.Type)
	}
	if len(found) == 0 {
		return nil, refuseKey("it is not PEM")
	}
	return nil, refuseKey("it holds " + strings.Join(found, ", ") + " and no private key")
}

// parseBlock reads a block that is a private key of some kind.
func parseBlock(block *pem.Block) (*rsa.PrivateKey, error) {
	var key any
	var err error
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return nil, refuseKey("it is encrypted (openssl pkey -in encrypted.pem -out key.pem decrypts it)")
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, refuseKey("it is an " + block.Type)
	}
	if err != nil { // whose text may show some of the key
		return nil, refuseKey("its " + block.Type + " is broken")
	}
	if key, ok := key.(*rsa.PrivateKey); ok {
		return key, nil
	}
	return nil, refuseKey(fmt.Sprintf("it is a %T", key))
}

func refuseKey(reason string) error {
	return &symphony.InvalidArgumentError{Argument: "private key", Reason: reason + "; " + wantedKey}
}
