package symphonytest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/symphony-go/symphony"
)

// presenceEndpoints are the presence calls, by pattern.
func (a api) presenceEndpoints() map[string]endpoint {
	return map[string]endpoint{
		"POST " + basePod + "/v3/user/presence":          a.setUserPresence,
		"POST " + basePod + "/v2/user/presence":          a.setPresence,
		"GET " + basePod + "/v2/user/presence":           a.getPresence,
		"GET " + basePod + "/v3/user/{user}/presence":    a.getUserPresence,
		"GET " + basePod + "/v2/users/presence":          a.listPresences,
		"POST " + basePod + "/v1/user/presence/register": a.registerInterest,
		"POST " + basePod + "/v1/presence/feed/create":   a.createFeed,
		// Some clients do not escape the slash in a feed's id.
		"GET " + basePod + "/v1/presence/feed/{feed...}":  a.readFeed,
		"POST " + basePod + "/v1/presence/feed/{feed...}": a.deleteFeed,
	}
}

// setUserPresence sets the presence of a user. A service user with the entitlement may
// set that of any user, a session on behalf of a user only that user's own.
func (a api) setUserPresence(r *http.Request) (any, error) {
	caller, err := a.caller(r)
	if err != nil {
		return nil, err
	}
	soft, _, err := boolParameter(r, "soft")
	if err != nil {
		return nil, err
	}
	var category symphony.PresenceCategory
	var userID int64
	if err := readObject(r, map[string]any{"category": &category, "userId": &userID}); err != nil {
		return nil, err
	}
	if err := checkCategory(category); err != nil {
		return nil, err
	}
	if userID == 0 {
		return nil, badRequest("The userId is missing")
	}
	if caller.user != userID && !a.mayProvision(caller) {
		return nil, forbidden()
	}
	presence, ok := a.set(userID, category, soft)
	if !ok {
		return nil, notFound(userID)
	}
	return presence, nil
}

// setPresence sets the presence of the session's own user.
func (a api) setPresence(r *http.Request) (any, error) {
	caller, err := a.caller(r)
	if err != nil {
		return nil, err
	}
	soft, _, err := boolParameter(r, "soft")
	if err != nil {
		return nil, err
	}
	var category symphony.PresenceCategory
	if err := readObject(r, map[string]any{"category": &category}); err != nil {
		return nil, err
	}
	if err := checkCategory(category); err != nil {
		return nil, err
	}
	self := a.self(caller)
	presence, ok := a.set(self, category, soft)
	if !ok {
		return nil, notFound(self)
	}
	return presence, nil
}

func checkCategory(category symphony.PresenceCategory) error {
	if !category.Known() {
		return badRequest("Invalid presence category %.40q", category)
	}
	return nil
}

func (a api) getPresence(r *http.Request) (any, error) {
	caller, err := a.caller(r)
	if err != nil {
		return nil, err
	}
	self := a.self(caller)
	presence, ok := a.presence(caller, self, true)
	if !ok {
		return nil, notFound(self)
	}
	return presence, nil
}

func (a api) getUserPresence(r *http.Request) (any, error) {
	caller, err := a.caller(r)
	if err != nil {
		return nil, err
	}
	local, _, err := boolParameter(r, "local")
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(r.PathValue("user"), 10, 64)
	if err != nil {
		return nil, badRequest("The user id is not a number")
	}
	presence, ok := a.presence(caller, id, local)
	if !ok {
		return nil, notFound(id)
	}
	return presence, nil
}

// listPresences returns a page of the active users. The user lastUserId is on it, as
// the published description of the API says.
func (a api) listPresences(r *http.Request) (any, error) {
	caller, err := a.caller(r)
	if err != nil {
		return nil, err
	}
	if !a.mayProvision(caller) {
		return nil, forbidden()
	}
	last, err := intParameter(r, "lastUserId", 0)
	if err != nil {
		return nil, err
	}
	limit, err := intParameter(r, "limit", 1000)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > 5000 {
		return nil, badRequest("The parameter limit is not between 1 and 5000")
	}
	return a.page(last, int(limit)), nil
}

func (a api) registerInterest(r *http.Request) (any, error) {
	caller, err := a.caller(r)
	if err != nil {
		return nil, err
	}
	var ids []int64
	if err := readJSON(r, &ids); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, badRequest("The request body is not a list of user ids")
	}
	a.register(caller, ids)
	return map[string]string{"format": "TEXT", "message": "OK"}, nil
}

func (a api) createFeed(r *http.Request) (any, error) {
	if _, err := a.caller(r); err != nil {
		return nil, err
	}
	return map[string]string{"id": a.feeds.create()}, nil
}

func (a api) readFeed(r *http.Request) (any, error) {
	if _, err := a.caller(r); err != nil {
		return nil, err
	}
	id, ok := strings.CutSuffix(r.PathValue("feed"), "/read")
	if !ok {
		return nil, noRoute()
	}
	userIDs, ok := a.feeds.read(id)
	if !ok {
		return nil, noFeed()
	}
	return a.presences(userIDs), nil
}

func (a api) deleteFeed(r *http.Request) (any, error) {
	if _, err := a.caller(r); err != nil {
		return nil, err
	}
	id, ok := strings.CutSuffix(r.PathValue("feed"), "/delete")
	if !ok {
		return nil, noRoute()
	}
	if !a.feeds.remove(id) {
		return nil, noFeed()
	}
	return map[string]string{"id": id}, nil
}

func noFeed() error { return badRequest("There is no such presence feed") }

func noRoute() error {
	return &failure{http.StatusNotFound, http.StatusNotFound, "There is no such endpoint"}
}
