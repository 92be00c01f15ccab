package sheet_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"

	"github.com/symphony-go/symphony/examples/internal/sheet"
)

var columns = sheet.Columns{
	Order:    []string{"id", "name"},
	Headers:  map[string]string{"id": "id", "theid": "id", "name": "name"},
	Required: [][]string{{"id"}},
}

// read returns the rows as text: the line, and the two cells or what else is to say.
func read(t *testing.T, input io.Reader) (rows []string, err error) {
	t.Helper()
	reader := sheet.NewReader(input, columns)
	for {
		row, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return rows, err
		case row.Blank:
			rows = append(rows, fmt.Sprintf("%d blank", row.Line))
		case row.Err != nil:
			rows = append(rows, fmt.Sprintf("%d %v", row.Line, row.Err))
		default:
			rows = append(rows, fmt.Sprintf("%d %s|%s", row.Line, row.Cell("id"), row.Cell("name")))
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	const broken = `the quotes in the lines 1 to 2 do not match: extraneous or missing " in quoted-field`
	for _, test := range []struct {
		name, text string
		rows       []string
	}{
		{"empty", "", nil},
		{"a byte-order mark alone", "\ufeff", nil},
		{"no header", "1,a\n2,b", []string{"1 1|a", "2 2|b"}},
		{"header in another order", "x,Name,The ID\n,a,1\n", []string{"2 1|a"}},
		{"short and long rows", "id,name\n1\n2,b,c,d\n", []string{"2 1|", "3 2|b"}},
		{"mixed line ends", "id,name\r\n1,a\r2,b\n3,c\r\n\r\r4,d", []string{"2 1|a", "3 2|b", "4 3|c", "5 blank", "6 blank", "7 4|d"}},
		{"CR at the end", "1,a\r", []string{"1 1|a"}},
		{"tabs with empty cells", "id\tx\tname\n1\t\ta\n\t\t\n", []string{"2 1|a", "3 blank"}},
		{"blanks around cells", "id, name\n 1 , a \n", []string{"2 1|a"}},
		{"semicolons win by the header", "x, y, z;id;name\n1, 2, 3;1;a\n", []string{"2 1|a"}},
		{"a comma within quotes", "\"id\";\"x,y\";name\n1;\"x,y\";a\n", []string{"2 1|a"}},
		{"sep in quotes", "\"sep=;\"\n1;a\n", []string{"2 1|a"}},
		{"sep of a tab", "sep=\t\nid\tname\n1\ta\n", []string{"3 1|a"}},
		{"line breaks in quotes", "id,name\r\n1,\"a\r\nb\"\r\n2,c\r\n", []string{"2 1|a\nb", "4 2|c"}},
		{"blank lines before the header", "\n\nid,name\n\n1,a\n", []string{"1 blank", "2 blank", "4 blank", "5 1|a"}},
		{"blank line in quotes is none", "1,\"a\n\nb\"\n2,c\n", []string{"1 1|a\n\nb", "4 2|c"}},
		{"quote within a cell", "1,5\" a\n2,b\n", []string{`1 this is not CSV: bare " in non-quoted-field`, "2 2|b"}},
		{"quote not closed", "1,\"a\n2,b", []string{"1 " + broken, "2 " + broken}},
		{"Windows-1252", "1,M\xfcller \x80\n2,\xa0\n", []string{"1 1|Müller €", "2 2|"}},
		{"UTF-8 with a bad byte", "1,Müller\n2,M\xfcller\n", []string{"1 1|Müller", "2 2|Müller"}},
		{"half a character at the end", "1,a\xc3", []string{"1 1|aÃ"}},
		{"blanks of no width", "\u200b1\u200b,\ufeffa\u2007\u202f\n\u00a0,\u2007\n\x1a", []string{"1 1|a", "2 blank", "3 blank"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rows, err := read(t, strings.NewReader(test.text))
			require.NoError(t, err)
			require.Equal(t, test.rows, rows)
			rows, err = read(t, iotest.OneByteReader(strings.NewReader(test.text)))
			require.NoError(t, err)
			require.Equal(t, test.rows, rows, "byte by byte")
		})
	}
}

func TestUTF16(t *testing.T) {
	t.Parallel()
	for _, endian := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		for _, bom := range []unicode.BOMPolicy{unicode.UseBOM, unicode.IgnoreBOM} {
			text, err := unicode.UTF16(endian, bom).NewEncoder().String("id,name\r\n1,Müller 😀\r\n")
			require.NoError(t, err)
			rows, err := read(t, strings.NewReader(text))
			require.NoError(t, err)
			require.Equal(t, []string{"2 1|Müller 😀"}, rows)
		}
	}
}

func TestSheetsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	failed := errors.New("the disk has gone")
	for _, test := range []struct {
		name  string
		input io.Reader
		text  string
		rows  int // before the error
	}{
		{"new workbook", strings.NewReader("PK\x03\x04..."), "this is a workbook", 0},
		{"old workbook", strings.NewReader("\xd0\xcf\x11\xe0..."), "this is a workbook", 0},
		{"NUL", strings.NewReader("1,a\n2,\x00\n"), "this is not text", 1},
		{"missing column", strings.NewReader("name,x\na,1\n"), `the header ["name" "x"] names no column id`, 0},
		{"same column", strings.NewReader("id,The-ID\n1,1\n"), `the headers "id" and "The-ID" both name the column id`, 0},
		{"endless first row", strings.NewReader(strings.Repeat("x", 1<<20)), "the first row has more than 65536 bytes", 0},
		{"endless quote in the first row", strings.NewReader("\"" + strings.Repeat("x\n", 1<<20)), "the first row has more than 65536 bytes", 0},
		{"endless row", strings.NewReader("1,a\n" + strings.Repeat("x", 3<<20)), "line 2: a row has more than 1048576 bytes; is a quote not closed?", 1},
		{"endless quote", strings.NewReader("1,a\n\"" + strings.Repeat("x\n", 2<<20)), "line 2: a row has more than 1048576 bytes; is a quote not closed?", 1},
		{"bad separator", strings.NewReader("sep=\ufffd\nid\n"), "invalid field or comment delimiter", 0},
		{"input that fails at once", iotest.ErrReader(failed), failed.Error(), 0},
		{"input that fails later", io.MultiReader(strings.NewReader("1,a\n2,b\n3"), iotest.ErrReader(failed)), failed.Error(), 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rows, err := read(t, test.input)
			require.ErrorContains(t, err, test.text)
			require.Len(t, rows, test.rows)
		})
	}
}

// FuzzReader: whatever the input, each line is part of a row at most, and none is
// returned twice.
func FuzzReader(f *testing.F) {
	for _, text := range []string{"id,name\n1,\"a\nb\"\n\n,\n", "sep=;\r1;\"\r2;3", "\xff\xfe1\x00,\x00", "\"\n\n1,a\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		reader := sheet.NewReader(strings.NewReader(string(content)), columns)
		before := 0
		for {
			row, err := reader.Read()
			if err != nil {
				return
			}
			if row.Line <= before {
				t.Fatalf("line %d after line %d", row.Line, before)
			}
			before = row.Line
		}
	})
}
