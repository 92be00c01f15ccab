package symphony

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	pathUsers       = "/v3/users"
	maxLookupKeys   = 100  // the API's limit for a request
	maxLookupQuery  = 4000 // bytes; proxies and Tomcat refuse request lines of about 8 KB
	onlyActiveUsers = "&local=true&active=true"
)

// UserResult is the result of looking up one key. Exactly one of User and Err is set.
type UserResult struct {
	Index int    // position in the source, from 0
	Key   string // what was looked up, as in the source
	User  *User
	Err   error
}

// UsersByEmail looks up the active users of the pod with these e-mail addresses: GET
// /v3/users. The API documents no entitlement that the caller needs. Nothing is sent
// until the sequence is ranged over. Ranging over it again asks the pod again.
//
//	for result := range client.UsersByEmail(ctx, slices.Values(emails)) {
//		if errors.Is(result.Err, symphony.ErrUserNotFound) {
//			log.Printf("%s has left", result.Key)
//		}
//	}
//
// Every address that is pulled from the source yields exactly one result, in the order
// of the source. Addresses are compared without regard to case and to spaces around
// them. If two active users have the same address, the result is the first one that the
// pod lists.
//
// The Err of a result is
//   - [ErrUserNotFound] if no active user has the address,
//   - an [*InvalidArgumentError] for an address that is empty, contains a comma or a
//     control character, is not valid UTF-8, or is too long for a request (it is not sent),
//   - a [*DecodeError] if the pod returned the user without an id,
//   - [ErrLookupRejected] with the pod's reason, such as "invalid.format", if the pod rejected
//     the address,
//   - the error of the request that contained the address.
//
// A request contains at most 100 addresses and 4,000 bytes of query. There is one
// request at a time, because the pod limits the number of concurrent searches. A
// request is sent when it is full or the source has ended, so at most the addresses of
// one request are pulled ahead. The source runs on the caller's goroutine.
//
// After a failed request the sequence goes on with the next one, except when every
// later request would fail too: the credentials or the token provider failed
// ([IsCredentialError]), the caller may not look up users ([*ForbiddenError]), the
// request could not be sent before ctx's deadline, or ctx has ended. Then the addresses
// that were pulled come back with that error, and the sequence ends.
//
// A nil ctx or source is an [*InvalidArgumentError] in a single result.
//
// Source: Pod API 20.17.1, "Users Lookup",
// https://rest-api.symphony.com/main/users/users-lookup-v3.
func (c *Client) UsersByEmail(ctx context.Context, emails iter.Seq[string]) iter.Seq[UserResult] {
	return c.lookUp(ctx, emails, lookupField{
		operation: "UsersByEmail",
		parameter: "email",
		source:    "emails",
		of:        func(user *User) string { return user.EmailAddress },
	})
}

// UsersByUsername looks up the active users of the pod with these user names: GET
// /v3/users. Everything else is as described at [Client.UsersByEmail].
//
// Source: Pod API 20.17.1, "Users Lookup".
func (c *Client) UsersByUsername(ctx context.Context, usernames iter.Seq[string]) iter.Seq[UserResult] {
	return c.lookUp(ctx, usernames, lookupField{
		operation: "UsersByUsername",
		parameter: "username",
		source:    "usernames",
		of:        func(user *User) string { return user.Username },
	})
}

// lookupField is the field that users are looked up by.
type lookupField struct {
	operation string
	parameter string // of the query
	source    string // the name of the argument, for errors
	of        func(*User) string
}

func (c *Client) lookUp(ctx context.Context, keys iter.Seq[string], field lookupField) iter.Seq[UserResult] {
	return func(yield func(UserResult) bool) {
		if err := checkSource(ctx, keys, field.source); err != nil {
			yield(UserResult{Err: err})
			return
		}
		if ctx.Err() != nil {
			return
		}
		run := newLookupRun(c, field)
		index := 0
		for key := range keys {
			result := UserResult{Index: index, Key: key, Err: field.check(key)}
			index++
			if !run.hasRoom(result) && !run.flush(ctx, yield) {
				return
			}
			run.add(result)
			if !run.isFull() && !run.isOver(ctx) {
				continue
			}
			if !run.flush(ctx, yield) || run.isOver(ctx) {
				return
			}
		}
		run.flush(ctx, yield)
	}
}

// check refuses a key that cannot be looked up.
func (f lookupField) check(key string) error {
	reason := ""
	switch {
	case !utf8.ValidString(key):
		reason = "is not valid UTF-8"
	case strings.ContainsFunc(key, unicode.IsControl):
		reason = "contains a control character, such as a tab or a line break"
	case strings.TrimSpace(key) == "":
		reason = "is empty"
	case strings.Contains(key, ","):
		reason = "contains a comma, which separates the keys of a request"
	case len(f.parameter+"="+encodeKey(key)+onlyActiveUsers) > maxLookupQuery:
		reason = fmt.Sprintf("does not fit a query of %d bytes", maxLookupQuery)
	default:
		return nil
	}
	return &InvalidArgumentError{f.parameter, quoteKey(key) + " " + reason}
}

func encodeKey(key string) string { return url.QueryEscape(strings.TrimSpace(key)) }

// foldKey returns the form in which keys are compared: two keys have the same form where
// [strings.EqualFold] reports true.
func foldKey(key string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, strings.TrimSpace(key))
}

// quoteKey returns a key for the text of an error.
func quoteKey(key string) string { return strconv.Quote(line(key, maxText/4)) }

// lookupRun is one loop over the results of a lookup.
type lookupRun struct {
	client  *Client
	field   lookupField
	pending []UserResult        // pulled and not yielded yet: the keys of one request
	query   []byte              // of that request, without onlyActiveUsers
	asked   map[string]struct{} // the keys in it, folded
	end     error               // the error that ended the run
}

func newLookupRun(client *Client, field lookupField) *lookupRun {
	return &lookupRun{client: client, field: field, query: []byte(field.parameter + "="), asked: map[string]struct{}{}}
}

// hasRoom reports whether the request has room for a key.
func (r *lookupRun) hasRoom(result UserResult) bool {
	more := len(",") + len(encodeKey(result.Key)) + len(onlyActiveUsers)
	return result.Err != nil || len(r.query)+more <= maxLookupQuery
}

func (r *lookupRun) isFull() bool { return len(r.pending) == maxLookupKeys }

// isOver reports whether nothing more is sent or pulled.
func (r *lookupRun) isOver(ctx context.Context) bool { return r.end != nil || ctx.Err() != nil }

// add adds a key to the request. A key that occurs twice is sent once.
func (r *lookupRun) add(result UserResult) {
	r.pending = append(r.pending, result)
	key := foldKey(result.Key)
	if _, asked := r.asked[key]; asked || result.Err != nil {
		return
	}
	if len(r.asked) > 0 {
		r.query = append(r.query, ',')
	}
	r.query = append(r.query, encodeKey(result.Key)...)
	r.asked[key] = struct{}{}
}

// flush sends the request and yields the results of its keys. It reports whether the
// loop goes on.
func (r *lookupRun) flush(ctx context.Context, yield func(UserResult) bool) bool {
	found, err := r.send(ctx)
	for _, result := range r.pending {
		switch {
		case result.Err != nil:
		case err != nil:
			result.Err = err
		default:
			result.User, result.Err = found.user(r.field, result.Key)
		}
		if !yield(result) {
			return false
		}
	}
	r.pending = r.pending[:0]
	r.query = append(r.query[:0], r.field.parameter+"="...)
	clear(r.asked)
	return true
}

func (r *lookupRun) send(ctx context.Context) (foundUsers, error) {
	if r.end != nil || len(r.asked) == 0 {
		return foundUsers{}, r.end
	}
	var list userList
	err := r.client.do(ctx, request{
		operation: r.field.operation,
		route:     pathUsers,
		method:    http.MethodGet,
		path:      pathUsers,
		query:     string(r.query) + onlyActiveUsers,
		retryable: true,
	}, &list)
	if is[*ForbiddenError](err) || endsRun(err) {
		r.end = err
	}
	return list.index(r.field), err
}

// userList is the pod's response to a lookup.
type userList struct {
	Users  []User        `json:"users"`
	Errors []lookupError `json:"errors"`

	decodeError func(error) error // returns the error of this response
}

// lookupError is the pod's reason to reject a key, which one of the other members names.
type lookupError struct {
	Error    looseText `json:"error"`
	Email    looseText `json:"email"`
	ID       looseText `json:"id"`
	Username looseText `json:"username"`
}

func (l *userList) validate() error {
	if l.Users == nil && l.Errors == nil {
		return errors.New("a response without a list of users")
	}
	return nil
}

// received prepares what becomes an error of one key.
func (l *userList) received(call *call, resp response) {
	for i := range l.Errors {
		l.Errors[i].Error = looseText(call.secrets.redact(string(l.Errors[i].Error)))
	}
	l.decodeError = func(err error) error { return call.decodeError(resp, err) }
}

// acceptsNoContent marks a response that may be 204: the pod found no one.
func (l *userList) acceptsNoContent() {}

// looseText is a JSON string or number, and empty for any other JSON value.
type looseText string

// UnmarshalJSON accepts any value.
func (t *looseText) UnmarshalJSON(data []byte) error {
	var text string
	var number json.Number
	if json.Unmarshal(data, &text) != nil && json.Unmarshal(data, &number) == nil {
		text = number.String()
	}
	*t = looseText(text)
	return nil
}

// foundUsers is a response by its keys, folded.
type foundUsers struct {
	users    map[string]User
	rejected map[string]string // with the pod's reason

	decodeError func(error) error
}

func (l *userList) index(field lookupField) foundUsers {
	found := foundUsers{map[string]User{}, map[string]string{}, l.decodeError}
	for _, user := range l.Users {
		key := foldKey(field.of(&user))
		if _, ok := found.users[key]; !ok {
			found.users[key] = user
		}
	}
	for _, err := range l.Errors {
		for _, key := range []looseText{err.Email, err.ID, err.Username} {
			found.rejected[foldKey(string(key))] = string(err.Error)
		}
	}
	return found
}

// user returns the user who has a key.
func (f foundUsers) user(field lookupField, key string) (*User, error) {
	user, found := f.users[foldKey(key)]
	reason, rejected := f.rejected[foldKey(key)]
	switch {
	case found && user.ID >= 1:
		return &user, nil
	case found:
		return nil, f.decodeError(fmt.Errorf("the user with the %s %s has no id", field.parameter, quoteKey(key)))
	case rejected:
		text := errorLine(where(http.MethodGet, pathUsers)+": "+field.parameter+" "+quoteKey(key)+" was rejected", reason, "")
		return nil, &callError{text: text, causes: []error{ErrLookupRejected}}
	}
	return nil, fmt.Errorf("%w: no active user has the %s %s", ErrUserNotFound, field.parameter, quoteKey(key))
}
