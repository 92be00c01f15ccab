package bdkconfig

import (
	"crypto/rsa"
	"crypto/tls"
	"errors"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
)

// identity is who logs in, a bot or an app, and with what.
type identity struct {
	name        string
	key         *rsa.PrivateKey // nil for a login with the certificate
	certificate tls.Certificate
	err         error // why it cannot log in
}

// identity reads a section: with a key, if there is one, and the name at nameKey; else
// with a certificate, which needs the host of sessionAuth, or the one at the key host.
// What is wrong is the identity's error, and not that of the file.
func (v value) identity(nameKey string, sessionAuth server, host value) (id identity) {
	before := v.file.err
	v.file.err = nil
	defer func() { id.err, v.file.err = v.file.err, before }()

	name, key := v.at(nameKey), v.material("privateKey")
	if key.node != nil {
		id.name, id.key = name.required(), key.rsaKey()
		// The login itself knows which names it takes.
		_, err := auth.NewRSA("https://localhost", id.name, id.key)
		if invalid, ok := errors.AsType[*symphony.InvalidArgumentError](err); ok {
			name.fail("%s", invalid.Reason)
		}
		return id
	}
	certificate := v.material("certificate")
	switch {
	case v.node == nil:
		v.fail("it is missing; it needs a privateKey or a certificate, with a path or content")
	case certificate.node == nil:
		v.fail("it has neither a privateKey nor a certificate, with a path or content")
	case sessionAuth.host == "":
		host.fail("it is missing, and so is sessionAuth.host")
	default:
		id.certificate = certificate.keyPair()
	}
	return id
}

// rsaKey returns the material as the key of a login.
func (m material) rsaKey() *rsa.PrivateKey {
	key, err := auth.ParseRSAPrivateKey(m.data)
	if err != nil {
		m.fail("%w", err)
	}
	return key
}
