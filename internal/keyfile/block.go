package keyfile

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"unicode"
)

// Block is a PEM block.
type Block struct {
	Type      string // "RSA PRIVATE KEY"; "unknown" for a label that is not in use
	Bytes     []byte // nil with an Err
	Encrypted bool   // by a DEK-Info header
	Err       error  // why the block cannot be decoded
}

var (
	beginLine = regexp.MustCompile(`-----BEGIN ([^-\r\n]{1,64})-----`)
	// lineBreak is a line break in the notation of JSON, shell and properties
	// files, with the backslash escaped any number of times.
	lineBreak = regexp.MustCompile(`\\+[nrt]`)
)

// IsPEM reports whether data has the first line of a PEM block.
func IsPEM(data []byte) bool { return beginLine.MatchString(Text(data)) }

// Blocks returns the PEM blocks in data, also those that cannot be decoded. Line
// breaks may be of any kind, written as \n, or blanks; lines may be indented or
// quoted; there may be text around the blocks.
func Blocks(data []byte) []Block {
	text := Text(data)
	begins := beginLine.FindAllStringSubmatchIndex(text, -1)
	blocks := make([]Block, len(begins))
	for i, m := range begins {
		end := len(text)
		if i+1 < len(begins) {
			end = begins[i+1][0]
		}
		label := text[m[2]:m[3]]
		body, _, closed := strings.Cut(text[m[1]:end], "-----END "+label+"-----")
		blocks[i] = decode(knownLabel(label), body, closed)
	}
	return blocks
}

func decode(label, body string, closed bool) Block {
	block := Block{Type: label, Encrypted: strings.Contains(body, "DEK-Info")}
	if !closed {
		block.Err = errors.New("it is not PEM to its end: it has no END line")
		return block
	}
	var base64Text strings.Builder
	for line := range strings.Lines(lineBreak.ReplaceAllString(strings.ReplaceAll(body, "\r", "\n"), "\n")) {
		if !strings.Contains(line, ":") { // a header
			base64Text.WriteString(line)
		}
	}
	var err error
	if block.Bytes, err = decodeBase64(base64Text.String()); err != nil || len(block.Bytes) == 0 {
		block.Bytes, block.Err = nil, errors.New("the text between its BEGIN and END lines is not base64")
	}
	return block
}

// decodeBase64 decodes base64 in lines that may be indented or quoted.
func decodeBase64(text string) ([]byte, error) {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune(`"'\,>`, r) {
			return -1
		}
		return r
	}, text)
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

// knownLabel returns a label that is in use, and "unknown" for any other: part of a key
// may stand in place of a label.
func knownLabel(label string) string {
	switch label {
	case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST", "X509 CRL",
		"PUBLIC KEY", "RSA PUBLIC KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY",
		"ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "PGP PUBLIC KEY BLOCK",
		"EC PARAMETERS", "DH PARAMETERS", "PKCS7", "PKCS #7 SIGNED DATA", "CMS", "PKCS12":
		return label
	}
	return "unknown"
}
