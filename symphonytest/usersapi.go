package symphonytest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxUserKeys is how many users one search may be for.
const maxUserKeys = 100

// usersEndpoints are the calls about users, by pattern.
func (a api) usersEndpoints() map[string]endpoint {
	return map[string]endpoint{"GET " + basePod + "/v3/users": a.searchUsers}
}

// foundUser is a user as a search returns it: schema UserV2.
type foundUser struct {
	ID           int64  `json:"id"`
	EmailAddress string `json:"emailAddress,omitzero"`
	DisplayName  string `json:"displayName,omitzero"`
	Username     string `json:"username,omitzero"`
	AccountType  string `json:"accountType"`
}

func newFoundUser(a account) foundUser {
	found := foundUser{a.ID, a.EmailAddress, a.DisplayName, a.Username, "NORMAL"}
	if a.service {
		found.AccountType = "SYSTEM"
	}
	return found
}

// userError is a key of a search that cannot be searched for: schema UserError.
type userError struct {
	Error string `json:"error"`
	Email string `json:"email,omitzero"`
	ID    string `json:"id,omitzero"`
}

// search is what a request asks for.
type search struct {
	by   string // uid, email or username
	keys []string
	// Without local, users of other pods are searched too. Without activity, active and
	// inactive users are searched.
	local            bool
	activity, active bool
}

// searchUsers returns the users that one of three lists names, in the order of the
// list. No user and no error is a 204.
func (a api) searchUsers(r *http.Request) (any, error) {
	if _, err := a.caller(r); err != nil {
		return nil, err
	}
	search, err := newSearch(r)
	if err != nil {
		return nil, err
	}
	result := struct {
		Users  []foundUser `json:"users"`
		Errors []userError `json:"errors,omitempty"`
	}{Users: []foundUser{}}
	wanted := map[string]bool{}
	for _, key := range search.keys {
		wanted[normal(key)] = true
	}
	byKey := map[string][]account{}
	for _, found := range a.find(func(u User) bool { return search.includes(u) && wanted[search.key(u)] }) {
		key := search.key(found.User)
		byKey[key] = append(byKey[key], found)
	}
	for _, key := range search.keys {
		if wrong, ok := search.check(key); ok {
			result.Errors = append(result.Errors, wrong)
			continue
		}
		for _, found := range byKey[normal(key)] {
			result.Users = append(result.Users, newFoundUser(found))
		}
		delete(byKey, normal(key)) // a key that occurs twice finds its users once
	}
	if len(result.Users) == 0 && len(result.Errors) == 0 {
		return nil, nil //nolint:nilnil // a 204
	}
	return result, nil
}

func newSearch(r *http.Request) (s search, err error) {
	for _, by := range []string{"uid", "email", "username"} {
		keys := r.URL.Query().Get(by)
		switch {
		case keys == "":
		case s.by != "":
			return s, badRequest("Only one of uid, email and username can be searched for at a time")
		default:
			s.by, s.keys = by, strings.Split(keys, ",")
		}
	}
	s.keys = slices.DeleteFunc(s.keys, func(key string) bool { return normal(key) == "" })
	switch {
	case len(s.keys) == 0:
		return s, badRequest("One of uid, email and username is required")
	case len(s.keys) > maxUserKeys:
		return s, badRequest("The list %s has %d elements, more than %d", s.by, len(s.keys), maxUserKeys)
	}
	if s.local, _, err = boolParameter(r, "local"); err != nil {
		return s, err
	}
	s.active, s.activity, err = boolParameter(r, "active")
	return s, err
}

// includes reports whether a user is among those that are searched.
func (s search) includes(u User) bool {
	return (!s.local || !u.External) && (!s.activity || s.active != u.Inactive)
}

// key returns the normal form of the key that finds a user.
func (s search) key(u User) string {
	switch s.by {
	case "uid":
		return strconv.FormatInt(u.ID, 10)
	case "email":
		return normal(u.EmailAddress)
	default:
		return normal(u.Username)
	}
}

// check returns what is wrong with a key. Any text can be a username.
func (s search) check(key string) (wrong userError, ok bool) {
	const invalid = "invalid.format"
	switch s.by {
	case "uid":
		_, err := strconv.ParseInt(normal(key), 10, 64)
		return userError{Error: invalid, ID: key}, err != nil
	case "email":
		local, domain, _ := strings.Cut(normal(key), "@")
		return userError{Error: invalid, Email: key}, local == "" || domain == ""
	default:
		return userError{}, false
	}
}

// normal returns what keys are compared by: neither case nor surrounding blanks matter.
func normal(key string) string { return strings.ToLower(strings.TrimSpace(key)) }
