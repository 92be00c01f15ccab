package keyfile

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

const byteOrderMark = "\ufeff"

// Text returns data as UTF-8 without byte-order marks. UTF-16 is recognized by its
// byte-order mark, or by the zero byte in its first character.
func Text(data []byte) string {
	if order := utf16Order(data); order != nil {
		units := make([]uint16, len(data)/2)
		for i := range units {
			units[i] = order.Uint16(data[2*i:])
		}
		data = []byte(string(utf16.Decode(units)))
	}
	return strings.ReplaceAll(string(data), byteOrderMark, "")
}

// utf16Order returns the byte order of UTF-16 text, nil if data is something else.
func utf16Order(data []byte) binary.ByteOrder {
	switch {
	case len(data) < 2:
		return nil
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}), data[0] == 0 && data[1] != 0:
		return binary.BigEndian
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), data[0] != 0 && data[1] == 0:
		return binary.LittleEndian
	}
	return nil
}
