package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/sheet"
)

// columns are those that the program reads.
var columns = sheet.Columns{
	Order: []string{"user_id", "category", "soft"},
	Headers: map[string]string{
		"userid": "user_id", "uid": "user_id", "symphonyid": "user_id", "symphonyuserid": "user_id",
		"email": "email", "mail": "email", "emailaddress": "email",
		"category": "category", "presence": "category", "presencecategory": "category",
		"soft": "soft",
	},
	Required: [][]string{{"user_id", "email"}, {"category"}},
}

// row is a row of the input: an update of the user who has the id or the e-mail address.
type row struct {
	line  int    // that it begins in
	email string // "" for a row with a user id
	symphony.PresenceUpdate
	shown symphony.PresenceCategory // before the update; "" if not known
	cells map[string]string         // for the file of failures
}

// who names the user in a line for a person.
func (r row) who() string {
	if r.email == "" {
		return fmt.Sprintf("user %d", r.UserID)
	}
	return fmt.Sprintf("user %d (%s)", r.UserID, r.email)
}

// parseRow reads a row. The error says what is wrong with which value.
func parseRow(cells sheet.Row) (row, error) {
	r := row{line: cells.Line, cells: map[string]string{}}
	for _, column := range []string{"user_id", "email", "category", "soft"} {
		r.cells[column] = cells.Cell(column)
	}
	err := cells.Err
	if err == nil {
		err = r.parseUser()
	}
	if err == nil {
		err = r.parsePresence()
	}
	return r, err
}

// rounded is a number as spreadsheets show one with many digits.
var rounded = regexp.MustCompile(`^\d+([.,]\d+)?[eE]\+?\d+$`)

// parseUser reads whom the row is about. The user id counts if there is an e-mail address
// too. A sheet without a header may have addresses in its first column.
func (r *row) parseUser() error {
	id, email := r.cells["user_id"], r.cells["email"]
	switch {
	case id == "" && email == "":
		return errors.New("the row has no user_id and no email")
	case id == "" || strings.Contains(id, "@"):
		r.email = cmp.Or(id, email)
		return nil
	case rounded.MatchString(id):
		return fmt.Errorf("%.40q is a user id that the spreadsheet has rounded; format the column as text, enter the ids again and export it", id)
	}
	var err error
	if r.UserID, err = strconv.ParseInt(id, 10, 64); err != nil || r.UserID < 1 {
		return fmt.Errorf("%.40q is not a user id", id)
	}
	return nil
}

func (r *row) parsePresence() (err error) {
	if r.cells["category"] == "" {
		return errors.New("the row has no category")
	}
	if r.Category, err = symphony.ParsePresenceCategory(r.cells["category"]); err != nil {
		return err
	}
	switch strings.ToLower(r.cells["soft"]) {
	case "true", "1":
		r.Soft = true
	case "", "false", "0":
	default:
		return fmt.Errorf("soft is %.40q; it can be true, false, 1 or 0", r.cells["soft"])
	}
	return nil
}
