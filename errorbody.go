package symphony

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// errorBody is what the body of a response says about an error.
type errorBody struct {
	code    int    // 0 if there is none
	message string // one line
	isJSON  bool
	isPod   bool // has the shape of the pod's errors, {"code":…,"message":…}
}

// readErrorBody reads an error in the pod's shape, the title of an HTML page, or an
// excerpt of anything else.
func readErrorBody(header http.Header, body []byte, s secrets) errorBody {
	var fields struct {
		Code    json.RawMessage `json:"code"`
		Message json.RawMessage `json:"message"`
	}
	body = trimBOM(body)
	e := errorBody{isJSON: json.Valid(body)}
	if e.isJSON && json.Unmarshal(body, &fields) == nil {
		// Some gateways send the code as a string.
		if n, err := strconv.Atoi(string(bytes.Trim(fields.Code, `"`))); err == nil {
			e.code = n
		}
		_ = json.Unmarshal(fields.Message, &e.message) // anything but a string is left to the excerpt
	}
	e.isPod = e.code != 0 && e.message != ""
	switch {
	case e.message != "":
	case e.isJSON:
		e.message = plainJSON(body)
	case isHTML(header, body):
		e.message = pageTitle(body)
	default:
		e.message = string(body)
	}
	e.message = line(s.redact(e.message), maxText)
	return e
}

// trimBOM returns a body without a UTF-8 byte-order mark.
func trimBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// plainJSON returns valid JSON without needless escapes.
func plainJSON(body []byte) string {
	var value any
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if json.Unmarshal(body, &value) != nil || encoder.Encode(value) != nil {
		return ""
	}
	return b.String()
}

// isHTML reports whether a body is a page for people.
func isHTML(header http.Header, body []byte) bool {
	return strings.Contains(header.Get("Content-Type"), "html") ||
		strings.HasPrefix(http.DetectContentType(body), "text/html")
}

var (
	title = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)
	// An element or comment that is not closed extends to the end, so that no text is searched twice.
	tags = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)\s*>|\z)|<!--.*?(-->|\z)|<[^>]*>`)
)

// pageTitle returns the title of an HTML page, or the text of a page without a title.
func pageTitle(body []byte) string {
	page := string(body[:min(len(body), maxErrorBody)])
	if m := title.FindStringSubmatch(page); m != nil {
		page = m[1]
	}
	return html.UnescapeString(tags.ReplaceAllString(page, " "))
}
