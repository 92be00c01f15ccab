package symphonytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/symphony-go/symphony"
)

// presenceRoutes are the calls under /pod.
func (p *Pod) presenceRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST "+basePod+"/v3/user/presence", p.setUserPresence)
}

func (p *Pod) setUserPresence(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.provisioner(w, r) {
		return
	}
	soft, ok := boolParameter(w, r, "soft")
	if !ok {
		return
	}
	var body struct {
		Category symphony.PresenceCategory `json:"category"`
		UserID   int64                     `json:"userId"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		badRequest(w, "The request body is not valid")
		return
	}
	if !body.Category.Known() {
		badRequest(w, fmt.Sprintf("Invalid presence category %.40q", body.Category))
		return
	}
	user, ok := p.users[body.UserID]
	if !ok {
		// The real pod's 404 carries this code.
		writeError(w, http.StatusNotFound, http.StatusForbidden, fmt.Sprintf("User %d does not exist", body.UserID))
		return
	}
	user.set(body.Category, soft)
	writeJSON(w, http.StatusOK, user.presence())
}

// caller is whose session token a request carries; without one it is answered with
// 401.
func (p *Pod) caller(w http.ResponseWriter, r *http.Request) (session, bool) {
	caller, ok := p.sessions[r.Header.Get("sessionToken")]
	if !ok || caller.app != "" {
		unauthorized(w, "Invalid session")
		return session{}, false
	}
	return caller, true
}

// provisioner reports whether a request comes from a service user with the User
// Provisioning entitlement; any other is answered with 401 or 403.
func (p *Pod) provisioner(w http.ResponseWriter, r *http.Request) bool {
	caller, ok := p.caller(w, r)
	if ok && !p.serviceUsers[caller.serviceUser].UserProvisioning {
		writeError(w, http.StatusForbidden, http.StatusForbidden, "The user lacks the required entitlement to perform this operation")
		return false
	}
	return ok
}

// boolParameter reads a query parameter as the clients of a pod write it, true or
// True; it is false when absent.
func boolParameter(w http.ResponseWriter, r *http.Request, name string) (value, ok bool) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, true
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		badRequest(w, fmt.Sprintf("The parameter %s is not a boolean", name))
	}
	return value, err == nil
}

func badRequest(w http.ResponseWriter, message string) {
	writeError(w, http.StatusBadRequest, http.StatusBadRequest, message)
}

// writeError answers with an error in the API's form.
func writeError(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{code, message})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client went away
}
