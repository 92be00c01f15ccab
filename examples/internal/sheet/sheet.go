// Package sheet reads spreadsheets that were saved as text: CSV as Excel, LibreOffice,
// Numbers and Google Sheets write it, in any of their encodings and dialects.
//
// The encoding is UTF-8, with or without a byte-order mark, UTF-16, or Windows-1252. A line
// ends with \n, \r\n or \r. The cells are separated by commas, semicolons or tabs, or by
// what a first line such as "sep=|" names. A header may name the columns in any order.
package sheet

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	maxHead = 64 << 10 // bytes of the first row
	maxRow  = 1 << 20  // bytes of any other
)

// Row is a row of a sheet that is not its header.
type Row struct {
	Line  int   // the line that it begins in, from 1
	Blank bool  // all cells are empty
	Err   error // why it cannot be read; the cells are then only a guess

	cells  []string
	places map[string]int
}

// Cell returns the text of a column, without surrounding blanks; "" if the row has no such
// cell.
func (r Row) Cell(column string) string {
	if i, ok := r.places[column]; ok && i < len(r.cells) {
		return r.cells[i]
	}
	return ""
}

// Reader reads the rows of a sheet. It holds one row at a time.
type Reader struct {
	columns Columns
	input   io.Reader

	csv    *csv.Reader // nil before the first row
	tape   *tape
	line   int            // the next line
	places map[string]int // nil before the header, or the first row of a sheet without one
	rows   []Row          // read and not yet returned
}

// NewReader returns a Reader of the given columns.
func NewReader(input io.Reader, columns Columns) *Reader {
	return &Reader{columns: columns, input: input, line: 1}
}

// Has reports whether the sheet has the column. It is known after the first Read.
func (r *Reader) Has(column string) bool {
	_, ok := r.places[column]
	return ok
}

// Read returns the next row, and io.EOF after the last. Any other error ends the sheet too.
// A row that is not CSV is returned with its Err, and is followed by the next.
func (r *Reader) Read() (Row, error) {
	for len(r.rows) == 0 {
		if err := r.fill(); err != nil {
			return Row{}, err
		}
	}
	row := r.rows[0]
	r.rows = r.rows[1:]
	if row.Blank {
		return row, nil
	}
	if r.places == nil {
		if row.Err == nil && r.columns.known(row.cells) > 0 {
			var err error
			if r.places, err = r.columns.places(row.cells); err != nil {
				return Row{}, err
			}
			return r.Read()
		}
		r.places = r.columns.inOrder()
	}
	row.places = r.places
	return row, nil
}

// fill reads the next record of the CSV, and the empty lines before it.
func (r *Reader) fill() error {
	if r.csv == nil {
		if err := r.begin(); err != nil {
			return err
		}
	}
	before := r.csv.InputOffset()
	cells, err := r.csv.Read()
	raw := r.tape.next(r.csv.InputOffset() - before)
	record := bytes.TrimLeft(raw, "\n")
	for range len(raw) - len(record) {
		r.add(nil, 1, nil)
	}
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		r.addBroken(string(record), broken.Err)
	case err == nil:
		r.add(cells, bytes.Count(record, []byte("\n")), nil)
	case errors.Is(err, io.EOF) && len(r.rows) > 0: // and again with the next call
	case errors.Is(err, io.EOF):
		return io.EOF
	default:
		return fmt.Errorf("line %d: %w", r.line, err)
	}
	return nil
}

// add adds a row of so many lines.
func (r *Reader) add(cells []string, lines int, err error) {
	row := Row{Line: r.line, Blank: true, Err: err, cells: make([]string, len(cells))}
	for i, cell := range cells {
		row.cells[i] = trim(cell)
		row.Blank = row.Blank && row.cells[i] == ""
	}
	r.line += lines
	r.rows = append(r.rows, row)
}

// addBroken adds each line of a record that is not CSV as a row that cannot be read: a
// missing quote may have joined many rows.
func (r *Reader) addBroken(record string, cause error) {
	lines := strings.Split(strings.TrimSuffix(record, "\n"), "\n")
	err := fmt.Errorf("this is not CSV: %w", cause)
	if len(lines) > 1 {
		err = fmt.Errorf("the quotes in the lines %d to %d do not match: %w", r.line, r.line+len(lines)-1, cause)
	}
	for _, line := range lines {
		r.add(strings.Split(line, string(r.csv.Comma)), 1, err)
	}
}

// begin finds out the dialect of the sheet, from its first row.
func (r *Reader) begin() error {
	text, err := newText(r.input)
	if err != nil {
		return err
	}
	buffered := bufio.NewReaderSize(text, maxHead)
	head, err := firstRow(buffered)
	if err != nil {
		return err
	}
	comma, found := separator(head)
	if found {
		r.line++
		if head, err = firstRow(buffered); err != nil {
			return err
		}
	} else {
		comma = r.likelyComma(head)
	}
	r.tape = &tape{input: io.MultiReader(strings.NewReader(head), buffered)}
	r.csv = csv.NewReader(r.tape)
	r.csv.Comma = comma
	r.csv.FieldsPerRecord = -1
	r.csv.TrimLeadingSpace = comma != '\t' // it would trim the tabs between empty cells too
	return nil
}

// firstRow returns the first row that is not blank, with the lines before it. At the end of
// the input it returns what is there.
func firstRow(text *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := text.ReadSlice('\n')
		head.Write(line)
		switch {
		case errors.Is(err, io.EOF):
			return head.String(), nil
		case errors.Is(err, bufio.ErrBufferFull) || head.Len() > maxHead:
			return "", fmt.Errorf("the first row has more than %d bytes; is a quote not closed?", maxHead)
		case err != nil:
			return "", err
		}
		if strings.Count(head.String(), `"`)%2 == 0 && trim(head.String()) != "" {
			return head.String(), nil
		}
	}
}

// separator reads a first line such as "sep=;".
func separator(line string) (comma rune, found bool) {
	line = strings.Trim(strings.TrimRight(line, "\n"), `"`)
	if len(line) < 5 || !strings.EqualFold(line[:4], "sep=") {
		return 0, false
	}
	comma, _ = utf8.DecodeRuneInString(line[4:])
	return comma, true
}

// likelyComma returns what separates the cells of the first row: the character with which
// most of its cells are known headers, and of several the one with most cells.
func (r *Reader) likelyComma(head string) (likely rune) {
	best := -1
	for _, comma := range ",;\t" {
		reader := csv.NewReader(strings.NewReader(head))
		reader.Comma, reader.LazyQuotes = comma, true
		cells, _ := reader.Read()
		if score := r.columns.known(cells)*maxHead + len(cells); score > best {
			likely, best = comma, score
		}
	}
	return likely
}

// blanks are characters that show as nothing: non-breaking and zero-width blanks, stray
// byte-order marks, and the Ctrl-Z that ends a file of DOS.
var blanks = strings.NewReplacer("\u00a0", " ", "\u2007", " ", "\u202f", " ", "\u200b", "", "\ufeff", "", "\x1a", "")

func trim(cell string) string { return strings.TrimSpace(blanks.Replace(cell)) }

// tape keeps what the CSV reader has read ahead of the row that it returned.
type tape struct {
	input io.Reader
	read  bytes.Buffer
}

func (t *tape) Read(p []byte) (int, error) {
	if t.read.Len() > maxRow {
		return 0, fmt.Errorf("a row has more than %d bytes; is a quote not closed?", maxRow)
	}
	n, err := t.input.Read(p)
	t.read.Write(p[:n])
	return n, err
}

// next returns the bytes of the next row. They are valid until the next Read.
func (t *tape) next(n int64) []byte { return t.read.Next(int(n)) }
