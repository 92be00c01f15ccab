package sheet

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Columns describes the columns that a program reads. Others are ignored.
type Columns struct {
	Order    []string          // the columns of a sheet without a header
	Headers  map[string]string // the column for each header, which is in lower case and holds only letters and digits
	Required [][]string        // of each group, a header must name one column at least
}

// named returns the column that a header names, "" for an unknown one.
func (c Columns) named(header string) string {
	letters := func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}
	return c.Headers[strings.Map(letters, header)]
}

// known counts the cells that name a column.
func (c Columns) known(cells []string) (n int) {
	for _, cell := range cells {
		if c.named(cell) != "" {
			n++
		}
	}
	return n
}

// places returns at which place of a row each column is, from the header.
func (c Columns) places(header []string) (map[string]int, error) {
	places := map[string]int{}
	for i, cell := range header {
		name := c.named(cell)
		if first, twice := places[name]; twice {
			return nil, fmt.Errorf("the headers %.40q and %.40q both name the column %s; remove one of them", header[first], cell, name)
		}
		if name != "" {
			places[name] = i
		}
	}
	for _, group := range c.Required {
		if !slices.ContainsFunc(group, func(name string) bool { _, ok := places[name]; return ok }) {
			return nil, fmt.Errorf("the header %.120q names no column %s", header, strings.Join(group, " or "))
		}
	}
	return places, nil
}

// inOrder returns the places of the columns of a sheet without a header.
func (c Columns) inOrder() map[string]int {
	places := map[string]int{}
	for i, name := range c.Order {
		places[name] = i
	}
	return places
}
