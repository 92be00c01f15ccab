package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
)

// failures is the CSV file of the rows that failed, each with the reason in a further
// column. It can be used as input. It is created with the first row.
type failures struct {
	path    string
	resumed bool // an earlier run may have begun the file
	file    *os.File
	csv     *csv.Writer
	columns []string
}

// add writes a row at once.
func (f *failures) add(r row, withEmail bool, reason error) error {
	if f.file == nil {
		if err := f.open(withEmail); err != nil {
			return fmt.Errorf("failures: %w", err)
		}
	}
	record := make([]string, 0, len(f.columns)+1)
	for _, column := range f.columns {
		record = append(record, r.cells[column])
	}
	return f.write(append(record, reason.Error()))
}

func (f *failures) open(withEmail bool) error {
	f.columns = []string{"user_id", "category", "soft"}
	if withEmail {
		f.columns = []string{"user_id", "email", "category", "soft"}
	}
	file, err := openLocked(f.path)
	if err != nil {
		return err
	}
	f.file, f.csv = file, csv.NewWriter(file)
	if !f.resumed {
		if err := file.Truncate(0); err != nil {
			return err
		}
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil && size == 0 {
		err = f.write(append(slices.Clip(f.columns), "reason"))
	}
	return err
}

func (f *failures) write(record []string) error {
	if err := f.csv.Write(record); err != nil {
		return err
	}
	f.csv.Flush()
	return f.csv.Error()
}

func (f *failures) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
