package keyfile

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"strings"
)

// Format is the format of a file that is not PEM, in the words of an error.
type Format string

// The formats that are recognized.
const (
	Empty        Format = "empty"
	Base64PEM    Format = "PEM text in base64"
	Base64DER    Format = "base64 without BEGIN and END lines"
	PrivateKey   Format = "a private key in DER"
	EncryptedKey Format = "an encrypted private key in DER"
	PublicKey    Format = "a public key in DER"
	Certificate  Format = "a certificate in DER"
	PKCS7        Format = "PKCS#7"
	PKCS12       Format = "PKCS#12"
	BERPKCS12    Format = "PKCS#12 in BER"
	Keystore     Format = "a Java keystore (JKS)"
	PuTTY        Format = "a PuTTY key"
	SSHPublicKey Format = "an SSH public key"
	Unknown      Format = "in an unknown format"
)

var prefixes = []struct {
	prefix string
	format Format
}{
	{"\xFE\xED\xFE\xED", Keystore}, // JKS
	{"\xCE\xCE\xCE\xCE", Keystore}, // JCEKS
	{"PuTTY-User-Key-File-", PuTTY},
	{"ssh-", SSHPublicKey},
	{"---- BEGIN SSH2 PUBLIC KEY", SSHPublicKey},
	{"\x30\x80\x02\x01\x03", BERPKCS12},
	{"\x30\x80\x06", PKCS7},
}

// FormatOf returns the format of data that is not PEM.
func FormatOf(data []byte) Format {
	for _, p := range prefixes {
		if bytes.HasPrefix(data, []byte(p.prefix)) {
			return p.format
		}
	}
	if format := derFormat(data); format != Unknown {
		return format
	}
	text := strings.TrimSpace(Text(data))
	if text == "" {
		return Empty
	}
	switch decoded, err := decodeBase64(lineBreak.ReplaceAllString(text, "\n")); {
	case err != nil:
		return Unknown
	case IsPEM(decoded):
		return Base64PEM
	case derFormat(decoded) != Unknown:
		return Base64DER
	}
	return Unknown
}

// derFormat recognizes DER by the tags of the first elements of its sequence.
func derFormat(der []byte) Format {
	var sequence []asn1.RawValue
	if _, err := asn1.Unmarshal(der, &sequence); err != nil || len(sequence) < 2 {
		return Unknown
	}
	first, second := sequence[0], sequence[1]
	version := first.Tag == asn1.TagInteger && len(first.Bytes) == 1
	switch {
	case version && first.Bytes[0] == 3 && second.Tag == asn1.TagSequence:
		return PKCS12
	case version && (second.Tag == asn1.TagSequence || second.Tag == asn1.TagInteger && len(sequence) >= 9 || second.Tag == asn1.TagOctetString):
		return PrivateKey // PKCS#8, PKCS#1, SEC 1
	case first.Tag == asn1.TagInteger && second.Tag == asn1.TagInteger && len(sequence) == 2:
		return PublicKey // PKCS#1
	case first.Tag == asn1.TagOID:
		return PKCS7
	case first.Tag == asn1.TagSequence && second.Tag == asn1.TagBitString:
		return PublicKey
	case first.Tag == asn1.TagSequence && second.Tag == asn1.TagOctetString:
		return EncryptedKey
	case first.Tag == asn1.TagSequence && second.Tag == asn1.TagSequence && len(sequence) == 3:
		return Certificate
	}
	return Unknown
}

// DERBlocks returns the certificates in data, one after the other in DER, as blocks;
// nil if data is something else.
func DERBlocks(data []byte) []Block {
	if FormatOf(data) != Certificate {
		return nil
	}
	var blocks []Block
	for len(data) > 0 {
		var element asn1.RawValue
		rest, err := asn1.Unmarshal(data, &element)
		if err != nil {
			return append(blocks, Block{Type: "CERTIFICATE", Err: errors.New("it is not DER")})
		}
		blocks = append(blocks, Block{Type: "CERTIFICATE", Bytes: element.FullBytes})
		data = rest
	}
	return blocks
}
