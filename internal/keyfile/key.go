package keyfile

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// IsPrivateKey reports whether a block holds a private key of some kind.
func (b Block) IsPrivateKey() bool { return strings.Contains(b.Type, "PRIVATE KEY") }

// PrivateKey returns the private key in a block: PKCS#1, PKCS#8 or SEC 1, under any
// label. The error says what the block is instead, and how to convert it.
func (b Block) PrivateKey() (crypto.Signer, error) {
	switch {
	case b.Encrypted || b.Type == "ENCRYPTED PRIVATE KEY":
		return nil, errEncrypted
	case b.Err != nil:
		return nil, fmt.Errorf("its %s is broken: %w", b.Type, b.Err)
	case b.Type == "OPENSSH PRIVATE KEY":
		return nil, errors.New("it is an OpenSSH key (ssh-keygen -p -m PEM -f key converts it in place)")
	case b.Type == "PGP PRIVATE KEY BLOCK":
		return nil, errors.New("it is a PGP key")
	}
	for _, parse := range []func([]byte) (any, error){
		x509.ParsePKCS8PrivateKey,
		func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
		func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) },
	} {
		key, err := parse(b.Bytes)
		if signer, ok := key.(crypto.Signer); err == nil && ok {
			return signer, nil
		}
	}
	// The parsers' own errors may show a part of the key.
	switch format := derFormat(b.Bytes); format {
	case EncryptedKey:
		return nil, errEncrypted
	case PrivateKey, Unknown:
		return nil, fmt.Errorf("its %s is broken", b.Type)
	default:
		return nil, fmt.Errorf("its %s is broken: it holds %s", b.Type, format)
	}
}

var errEncrypted = errors.New("it is encrypted (openssl pkey -in encrypted.pem -out key.pem decrypts it)")

// Types lists the types of blocks, each once: "CERTIFICATE, PUBLIC KEY".
func Types(blocks []Block) string {
	var types []string
	for _, b := range blocks {
		if !slices.Contains(types, b.Type) {
			types = append(types, b.Type)
		}
	}
	return strings.Join(types, ", ")
}
