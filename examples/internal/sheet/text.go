package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

var (
	errWorkbook = errors.New("this is a workbook, not text; save it as CSV (File, Save as, CSV UTF-8)")
	errNotText  = errors.New("this is not text: it contains NUL characters")
)

// newText returns the text of r in UTF-8 without a byte-order mark, each line ended by
// a single \n.
func newText(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(r)
	head, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	decoder := transform.Transformer(utf8OrWindows1252{})
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return nil, errWorkbook
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err = buffered.Discard(3)
		if err != nil {
			return nil, err
		}
	case bytes.HasPrefix(head, []byte("\xff\xfe")), areZero(head, 1):
		decoder = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	case bytes.HasPrefix(head, []byte("\xfe\xff")), areZero(head, 0):
		decoder = unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()
	}
	return transform.NewReader(buffered, transform.Chain(decoder, lineEnds{})), nil
}

// areZero reports whether the bytes at odd (1) or even (0) places are zero, and the
// others are not: two ASCII characters in UTF-16.
func areZero(head []byte, parity int) bool {
	for i, b := range head {
		if (b == 0) != (i%2 == parity) {
			return false
		}
	}
	return len(head) == 4
}

// utf8OrWindows1252 decodes UTF-8. A byte that is no part of UTF-8 is a character of
// Windows-1252. Text in Windows-1252 practically never happens to be valid UTF-8, and
// this way the input need not be read twice.
type utf8OrWindows1252 struct{ transform.NopResetter }

func (utf8OrWindows1252) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		r, size := utf8.DecodeRune(src[nSrc:])
		if r == utf8.RuneError && size == 1 {
			if !atEOF && !utf8.FullRune(src[nSrc:]) {
				return nDst, nSrc, transform.ErrShortSrc
			}
			r = charmap.Windows1252.DecodeByte(src[nSrc])
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += size
	}
	return nDst, nSrc, nil
}

// lineEnds replaces \r\n and \r by \n.
type lineEnds struct{ transform.NopResetter }

func (lineEnds) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		b, size := src[nSrc], 1
		switch b {
		case 0:
			return nDst, nSrc, errNotText
		case '\r':
			switch {
			case nSrc+1 < len(src) && src[nSrc+1] == '\n':
				size = 2
			case nSrc+1 == len(src) && !atEOF:
				return nDst, nSrc, transform.ErrShortSrc
			}
			b = '\n'
		}
		if nDst == len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		dst[nDst] = b
		nDst++
		nSrc += size
	}
	return nDst, nSrc, nil
}
