package auth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/auth"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return der
}

// utf16 encodes ASCII text with a byte-order mark.
func utf16(text []byte, littleEndian bool) []byte {
	encoded := []byte{0xFE, 0xFF}
	for _, b := range text {
		encoded = append(encoded, 0, b)
	}
	if littleEndian {
		for i := 0; i < len(encoded); i += 2 {
			encoded[i], encoded[i+1] = encoded[i+1], encoded[i]
		}
	}
	return encoded
}

// command runs a program on input, as its standard input and in a FILE, and skips the
// test where the program is not installed.
func command(t *testing.T, input []byte, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(name + " is not installed")
	}
	path := filepath.Join(t.TempDir(), "input")
	require.NoError(t, os.WriteFile(path, input, 0o600))
	for i, arg := range args {
		if arg == "FILE" {
			args[i] = path
		}
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = t.Output()
	output, err := cmd.Output()
	require.NoError(t, err, "%s %v", name, args)
	return output
}

func TestParseRSAPrivateKey(t *testing.T) {
	t.Parallel()
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()))
	der8 := pkcs8(t, rsaKey())
	breaks := func(with string) []byte { return bytes.ReplaceAll(pkcs1, []byte("\n"), []byte(with)) }
	openssl := func(args ...string) func(*testing.T) []byte {
		return func(t *testing.T) []byte { t.Helper(); return command(t, pkcs1, "openssl", args...) }
	}
	iconv := func(encoding string) func(*testing.T) []byte {
		return func(t *testing.T) []byte {
			t.Helper()
			return command(t, pkcs1, "iconv", "-f", "UTF-8", "-t", encoding)
		}
	}
	for _, test := range []struct {
		name string
		text []byte
		make func(*testing.T) []byte // in place of text
	}{
		{name: "PKCS#1", text: pkcs1},
		{name: "PKCS#8", text: block("PRIVATE KEY", der8)},
		{name: "PKCS#1 labelled PKCS#8", text: block("PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()))},
		{name: "PKCS#8 labelled PKCS#1", text: block("RSA PRIVATE KEY", der8)},
		{name: "UTF-8 byte-order mark", text: append([]byte("\ufeff"), pkcs1...)},
		{name: "UTF-16, big endian", text: utf16(pkcs1, false)},
		{name: "UTF-16, little endian", text: utf16(pkcs1, true)},
		{name: "CR", text: breaks("\r")},
		{name: "CRLF", text: breaks("\r\n")},
		{name: "blanks for line breaks", text: breaks(" ")},
		{name: "no line breaks", text: breaks("")},
		{name: "literal line breaks", text: breaks(`\n`)},
		{name: "literal line breaks, escaped", text: breaks(`\\n`)},
		{name: "literal CRLF", text: breaks(`\r\n`)},
		{name: "literal CRLF, escaped", text: breaks(`\\r\\n`)},
		{name: "literal and real line breaks", text: breaks("\\n\n")},
		{name: "JSON string with escaped slashes", text: []byte(`"` + strings.ReplaceAll(string(breaks(`\n`)), "/", `\/`) + `"`)},
		{name: "double quotes", text: []byte(`"` + string(pkcs1) + `"`)},
		{name: "single quotes", text: []byte("'" + string(breaks(`\n`)) + "'")},
		{name: "each line quoted", text: []byte(`"` + string(breaks("\"\n\"")) + `"`)},
		{name: "indented", text: breaks("\n    ")},
		{name: "indented by tabs", text: breaks("\n\t")},
		{name: "blank lines", text: breaks("\n\n")},
		{name: "behind a certificate", text: append(block("CERTIFICATE", []byte("x")), pkcs1...)},
		{name: "behind a block that is cut off", text: append([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n"), pkcs1...)},
		{name: "with text around", text: append(append([]byte("Bag Attributes\n"), pkcs1...), "more"...)},
		{name: "with a header", text: bytes.Replace(pkcs1, []byte("\n"), []byte("\nComment: bot\n\n"), 1)},
		{name: "openssl pkey", make: openssl("pkey")},
		{name: "openssl rsa -traditional", make: openssl("rsa", "-traditional")},
		{name: "openssl pkey -text", make: openssl("pkey", "-text")},
		{name: "iconv UTF-16", make: iconv("UTF-16")},
		{name: "iconv UTF-16LE, no byte-order mark", make: iconv("UTF-16LE")},
		{name: "iconv UTF-16BE, no byte-order mark", make: iconv("UTF-16BE")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := test.text
			if test.make != nil {
				text = test.make(t)
			}
			key, err := auth.ParseRSAPrivateKey(text)
			require.NoError(t, err)
			require.True(t, key.Equal(rsaKey()))

			path := filepath.Join(t.TempDir(), "key.pem")
			require.NoError(t, os.WriteFile(path, text, 0o600))
			key, err = auth.LoadRSAPrivateKey(path)
			require.NoError(t, err)
			require.True(t, key.Equal(rsaKey()))
		})
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(ec)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	require.NoError(t, err)
	der := x509.MarshalPKCS1PrivateKey(rsaKey())
	for _, test := range []struct {
		name string
		text []byte
		says string
	}{
		{"empty", nil, "not PEM but empty"},
		{"byte-order mark only", []byte("\ufeff"), "not PEM but empty"},
		{"a path", []byte("/run/secrets/key.pem"), "not PEM"},
		{"DER", der, "not PEM but a private key in DER (openssl pkey -inform DER -in key.der -out key.pem converts it)"},
		{"DER, PKCS#8", pkcs8(t, rsaKey()), "not PEM but a private key in DER"},
		{"DER, EC", sec1, "not PEM but a private key in DER"},
		{"DER, public", public, "not PEM but a public key in DER"},
		{"DER, PKCS#1 public", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey), "not PEM but a public key in DER"},
		{"DER, certificate", selfSigned(t).Certificate[0], "not PEM but a certificate in DER"},
		{"base64 of PEM", []byte(base64.StdEncoding.EncodeToString(block("PRIVATE KEY", der))), "not PEM but PEM text in base64 (base64 -d"},
		{"base64 without BEGIN and END", []byte(base64.StdEncoding.EncodeToString(der)), "not PEM but base64 without BEGIN and END lines (openssl base64 -d"},
		{"JKS", []byte("\xFE\xED\xFE\xED\x00\x00\x00\x02"), "not PEM but a Java keystore (JKS) (keytool -importkeystore"},
		{"PuTTY", []byte("PuTTY-User-Key-File-3: ssh-rsa\n"), "not PEM but a PuTTY key (puttygen"},
		{"SSH public", []byte("ssh-rsa AAAA"), "not PEM but an SSH public key"},
		{"OpenSSH", block("OPENSSH PRIVATE KEY", der), "OpenSSH key (ssh-keygen -p -m PEM"},
		{"PGP", block("PGP PRIVATE KEY BLOCK", der), "PGP key"},
		{"unknown label", block("MIIEpAIBAAKCAQEA", der), "it holds unknown and no private key"},
		{"not base64", []byte("-----BEGIN PRIVATE KEY-----\nMII$\n-----END PRIVATE KEY-----"), "its PRIVATE KEY is broken: the text between its BEGIN and END lines is not base64"},
		{"cut off", block("RSA PRIVATE KEY", der)[:300], "not PEM"},
		{"public", block("PUBLIC KEY", public), "PUBLIC KEY and no private key"},
		{"certificate", block("CERTIFICATE", public), "CERTIFICATE"},
		{"many certificates", bytes.Repeat(block("CERTIFICATE", public), 150), "it holds CERTIFICATE and no private key"},
		{"EC, SEC 1", block("EC PRIVATE KEY", sec1), "EC PRIVATE KEY"},
		{"EC, PKCS#8", block("PRIVATE KEY", pkcs8(t, ec)), "ecdsa"},
		{"encrypted, PKCS#8", block("ENCRYPTED PRIVATE KEY", der), "encrypted"},
		{"encrypted, PKCS#1", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der, Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}}), "encrypted"},
		{"broken PKCS#1", block("RSA PRIVATE KEY", der[:len(der)/2]), "broken"},
		{"public labelled private", block("PRIVATE KEY", public), "its PRIVATE KEY is broken: it holds a public key in DER"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			key, err := auth.ParseRSAPrivateKey(test.text)
			require.Nil(t, key)
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, "PKCS#8", "what is needed")
			require.LessOrEqual(t, len(err.Error()), 512)
			for line := range strings.Lines(string(test.text)) {
				if line = strings.TrimSpace(line); len(line) > 40 && !strings.HasPrefix(line, "-") {
					require.NotContains(t, err.Error(), line[:20])
				}
			}
			var invalid *symphony.InvalidArgumentError
			require.ErrorAs(t, err, &invalid)

			path := filepath.Join(t.TempDir(), "key.pem")
			require.NoError(t, os.WriteFile(path, test.text, 0o600))
			_, err = auth.LoadRSAPrivateKey(path)
			require.ErrorContains(t, err, path)
			require.ErrorAs(t, err, &invalid)
		})
	}
	_, err = auth.LoadRSAPrivateKey(filepath.Join(t.TempDir(), "none.pem"))
	require.ErrorIs(t, err, fs.ErrNotExist)

	// Part of a key may be given as the path of one.
	text := string(block("RSA PRIVATE KEY", der))
	for _, path := range []string{text, strings.ReplaceAll(text, "\n", `\n`), base64.StdEncoding.EncodeToString(der)} {
		_, err = auth.LoadRSAPrivateKey(path)
		require.ErrorContains(t, err, "ParseRSAPrivateKey")
		require.NotContains(t, err.Error(), "MIIE")
	}
}

// What openssl and keytool make is named, and the command in the error converts it.
func TestKeyConversions(t *testing.T) {
	t.Parallel()
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()))
	both := append(block("CERTIFICATE", selfSigned(t).Certificate[0]), pkcs1...)
	for _, test := range []struct {
		name    string
		input   []byte
		make    []string // a command, from input
		says    string
		convert []string // the command of the error, from what make made
	}{
		{
			"encrypted PKCS#8", pkcs1,
			[]string{"openssl", "pkcs8", "-topk8", "-passout", "pass:changeit"},
			"encrypted (openssl pkey -in",
			[]string{"openssl", "pkey", "-passin", "pass:changeit"},
		},
		{
			"encrypted PKCS#1", pkcs1,
			[]string{"openssl", "rsa", "-traditional", "-aes256", "-passout", "pass:changeit"},
			"encrypted (openssl pkey -in",
			[]string{"openssl", "pkey", "-passin", "pass:changeit"},
		},
		{
			"encrypted DER", pkcs1,
			[]string{"openssl", "pkcs8", "-topk8", "-outform", "DER", "-passout", "pass:changeit"},
			"an encrypted private key in DER (openssl pkey -inform DER",
			[]string{"openssl", "pkey", "-inform", "DER", "-passin", "pass:changeit"},
		},
		{
			"DER", pkcs1,
			[]string{"openssl", "pkey", "-outform", "DER"},
			"a private key in DER (openssl pkey -inform DER",
			[]string{"openssl", "pkey", "-inform", "DER"},
		},
		{
			"PKCS#12", both,
			[]string{"openssl", "pkcs12", "-export", "-in", "FILE", "-passout", "pass:changeit"},
			"PKCS#12 (openssl pkcs12",
			[]string{"openssl", "pkcs12", "-nocerts", "-nodes", "-passin", "pass:changeit"},
		},
		{
			"PKCS#7", both,
			[]string{"openssl", "crl2pkcs7", "-nocrl", "-certfile", "FILE"},
			"it holds PKCS7 and no private key", nil,
		},
		{
			"PKCS#7 in DER", both,
			[]string{"openssl", "crl2pkcs7", "-nocrl", "-outform", "DER", "-certfile", "FILE"},
			"not PEM but PKCS#7", nil,
		},
		{"PKCS#12 without a key", both, []string{"openssl", "pkcs12", "-export", "-nokeys", "-in", "FILE", "-passout", "pass:changeit"}, "PKCS#12 (openssl pkcs12", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := command(t, test.input, test.make[0], test.make[1:]...)
			_, err := auth.ParseRSAPrivateKey(text)
			require.ErrorContains(t, err, test.says)
			require.LessOrEqual(t, len(err.Error()), 512)
			if test.convert == nil {
				return
			}
			key, err := auth.ParseRSAPrivateKey(command(t, text, test.convert[0], test.convert[1:]...))
			require.NoError(t, err)
			require.True(t, key.Equal(rsaKey()))
		})
	}
}
