package symphonytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
)

// endpoint serves one call of the API. It returns what is sent as JSON (nil for a 204),
// or a *failure. It has no access to the connection, so that a client that does not read
// cannot block it while it holds a lock.
type endpoint func(r *http.Request) (any, error)

func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := e(r)
	if err != nil {
		writeError(w, err)
		return
	}
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

// failure is an error response of the API.
type failure struct {
	status  int
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

func badRequest(format string, args ...any) error {
	return &failure{http.StatusBadRequest, http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func unauthorized(message string) error {
	return &failure{http.StatusUnauthorized, http.StatusUnauthorized, message}
}

func forbidden() error {
	return &failure{http.StatusForbidden, http.StatusForbidden, "The user lacks the required entitlement to perform this operation"}
}

// notFound is the 404 of a real pod, which carries the code 403.
func notFound(userID int64) error {
	return &failure{http.StatusNotFound, http.StatusForbidden, fmt.Sprintf("User %d does not exist", userID)}
}

func writeError(w http.ResponseWriter, err error) {
	found, ok := errors.AsType[*failure](err)
	if !ok {
		found = &failure{http.StatusInternalServerError, http.StatusInternalServerError, err.Error()}
	}
	writeJSON(w, found.status, found)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // an error means that the client has gone
}

// readJSON decodes the body of a request into out. A body of another media type is
// refused with 415.
func readJSON(r *http.Request, out any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return badRequest("The request body cannot be read")
	}
	contentType := r.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(contentType); len(body) > 0 && (err != nil || media != "application/json") {
		return &failure{
			http.StatusUnsupportedMediaType, http.StatusUnsupportedMediaType,
			fmt.Sprintf("The Content-Type %.60q is not application/json", contentType),
		}
	}
	if json.Unmarshal(body, out) != nil {
		return badRequest("The request body is not valid")
	}
	return nil
}

// readObject decodes the JSON object in the body of a request into the variables that
// fields points to. A field that is not among them is refused, also one that differs
// only in case.
func readObject(r *http.Request, fields map[string]any) error {
	var object map[string]json.RawMessage
	if err := readJSON(r, &object); err != nil {
		return err
	}
	for name, value := range object {
		out, ok := fields[name]
		if !ok {
			return badRequest("Unrecognized field %.40q in the request body", name)
		}
		if json.Unmarshal(value, out) != nil {
			return badRequest("The field %q of the request body is not valid", name)
		}
	}
	return nil
}

// hasBody reports whether a request has a body, and puts it back.
func hasBody(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err != nil || len(body) > 0
}

// boolParameter reads a query parameter that is true or false, in any case; ok is false
// when it is absent.
func boolParameter(r *http.Request, name string) (value, ok bool, err error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, false, nil
	}
	value, err = strconv.ParseBool(text)
	if err != nil {
		return false, false, badRequest("The parameter %s is not a boolean", name)
	}
	return value, true, nil
}

// intParameter reads a query parameter that is a number.
func intParameter(r *http.Request, name string, absent int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return absent, nil
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, badRequest("The parameter %s is not a number", name)
	}
	return value, nil
}
