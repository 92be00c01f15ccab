package symphony

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// Request is a call of the Pod API for [Client.Do].
type Request struct {
	Method    string     // GET when empty
	Path      string     // below the base URL and in escaped form, "/v3/user/presence"
	Query     url.Values // nil for none
	Body      any        // sent as JSON; nil sends none
	Retryable bool       // a POST or PATCH that may safely be sent twice; GET, HEAD, OPTIONS, PUT and DELETE always may
	Operation string     // a name with few values, for observers and logs; method and path when empty
}

// Do makes any call of the Pod API, with the same token, retries and errors as the presence
// calls. The response is decoded from JSON into out, a non-nil pointer; with a nil out any
// 2xx is accepted and its body is ignored.
//
// A Path that does not begin with "/", is not in escaped form, or holds "?", "#" or a "."
// or ".." segment is refused with an [*InvalidArgumentError]. So are a Body that is an
// io.Reader or a []byte, and an out that is an io.Writer: JSON that is already encoded is
// sent and received as a json.RawMessage.
//
// A POST or PATCH without Retryable reaches the server at most once, whatever the
// connection does; after a 401 it is sent once more with a new session token.
func (c *Client) Do(ctx context.Context, req Request, out any) error {
	if req.Method == "" {
		req.Method = http.MethodGet
	}
	retryable := req.Retryable
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		retryable = true
	case http.MethodPost, http.MethodPatch:
	default:
		return &InvalidArgumentError{"req.Method", fmt.Sprintf("%.20q is none of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE", req.Method)}
	}
	if err := checkPath(req.Path); err != nil {
		return err
	}
	if err := checkBody(req.Body); err != nil {
		return err
	}
	if err := checkOut(out); err != nil {
		return err
	}
	if req.Operation == "" {
		req.Operation = req.Method + " " + req.Path
	}
	return c.do(ctx, request{
		operation: req.Operation,
		method:    req.Method,
		path:      req.Path,
		query:     req.Query.Encode(),
		body:      req.Body,
		retryable: retryable,
	}, out)
}

// checkPath refuses a path that would lead elsewhere than it seems to.
func checkPath(path string) error {
	refuse := func(reason string) error { return &InvalidArgumentError{"req.Path", reason} }
	plain, err := url.PathUnescape(path)
	switch {
	case !strings.HasPrefix(path, "/"):
		return refuse(`it does not begin with "/"`)
	case strings.ContainsAny(path, "?#"):
		return refuse(`it holds "?" or "#": parameters go into Query, and a value in the path is escaped by url.PathEscape`)
	case err != nil || (&url.URL{Path: plain, RawPath: path}).EscapedPath() != path:
		return refuse("it is not in escaped form: url.PathEscape escapes a value in it")
	}
	for segment := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
		segment, _, _ = strings.Cut(segment, ";") // Tomcat drops what follows a semicolon
		if segment == "." || segment == ".." {
			return refuse(fmt.Sprintf("it holds a %q segment", segment))
		}
	}
	return nil
}

// checkBody refuses a body that encoding/json would send as something else than its content.
func checkBody(body any) error {
	switch body.(type) {
	case io.Reader, []byte:
		return &InvalidArgumentError{"req.Body", fmt.Sprintf("a %T is not sent as it is; use a json.RawMessage for JSON that is already encoded", body)}
	}
	return nil
}

// checkOut refuses an out that encoding/json cannot fill, or would fill with nothing.
func checkOut(out any) error {
	if out == nil {
		return nil
	}
	if v := reflect.ValueOf(out); v.Kind() != reflect.Pointer || v.IsNil() {
		return &InvalidArgumentError{"out", fmt.Sprintf("a %T is not a non-nil pointer", out)}
	}
	if _, ok := out.(io.Writer); ok {
		return &InvalidArgumentError{"out", fmt.Sprintf("a %T is not written to; use a *json.RawMessage for the JSON as it is", out)}
	}
	return nil
}

// checkSource checks the arguments of a call that takes a sequence.
func checkSource[Item any](ctx context.Context, source iter.Seq[Item], name string) error {
	switch {
	case ctx == nil:
		return &InvalidArgumentError{"ctx", "it is nil"}
	case source == nil:
		return &InvalidArgumentError{name, "it is nil"}
	}
	return nil
}
