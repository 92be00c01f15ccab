package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// State is what happened to a call.
type state string

const (
	answered state = "answered"
	ended    state = "ended"
)

// event is the body of POST /calls: somebody answered a call, or a call ended.
type event struct {
	Call   string `json:"call"` // the telephone system's name of the call
	Email  string `json:"email,omitempty"`
	UserID int64  `json:"userId,omitempty"`
	State  state  `json:"state"`
}

// parseEvent reads an event. Its error is for the telephone system.
func parseEvent(body []byte) (event, error) {
	var e event
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&e); err != nil {
		return e, fmt.Errorf("the body is not the JSON of an event: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return e, errors.New("the body goes on after the JSON of an event; send one event at a time")
	}
	return e, e.check()
}

func (e event) check() error {
	const maxText = 254 // as long as an e-mail address can be
	switch {
	case e.Call == "" || len(e.Call) > maxText:
		return fmt.Errorf("call has %d bytes; it must have 1 to %d", len(e.Call), maxText)
	case e.State != answered && e.State != ended:
		return fmt.Errorf("state is %.20q; it must be %q or %q", e.State, answered, ended)
	case (e.Email == "") == (e.UserID == 0):
		return errors.New("exactly one of email and userId must say whose call it is")
	case e.UserID < 0:
		return fmt.Errorf("userId is %d; it must be above 0", e.UserID)
	case e.Email != "" && !isEmail(e.Email, maxText):
		return fmt.Errorf("email has %d bytes; it must be one address, with an @ and without blanks and commas, of at most %d bytes", len(e.Email), maxText)
	}
	return nil
}

func isEmail(s string, maxLength int) bool {
	return len(s) <= maxLength && strings.Contains(s, "@") && !strings.ContainsFunc(s, func(r rune) bool {
		return r == ',' || unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar
	})
}

// person is whose call it is: a user id in decimal, or an e-mail address whose user id has
// yet to be looked up.
type person string

func personWithID(userID int64) person { return person(strconv.FormatInt(userID, 10)) }

func personWithEmail(email string) person { return person(strings.ToLower(email)) }

// person returns whose call an event is about.
func (e event) person() person {
	if e.UserID != 0 {
		return personWithID(e.UserID)
	}
	return personWithEmail(e.Email)
}

// userID returns the user id of a person, or false if it has yet to be looked up.
func (p person) userID() (int64, bool) {
	id, err := strconv.ParseInt(string(p), 10, 64)
	return id, err == nil
}
