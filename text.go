package symphony

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText    = 512 // bytes of a message and of an error's text
	maxTraceID = 64  // bytes of a trace id
)

// line makes one line of printable text of s, at most limit bytes long.
func line(s string, limit int) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = b.Len() > 0
			continue
		}
		if b.Len()+utf8.RuneLen(r)+1 > limit {
			return cut(b.String(), limit)
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cut ends s, of which more was to come, with an ellipsis within limit bytes.
func cut(s string, limit int) string {
	const ellipsis = "…"
	for len(s) > 0 && len(s)+len(ellipsis) > limit {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s + ellipsis
}

// errorLine is the text of an error: what is cut to fit are the words between,
// which are somebody else's.
func errorLine(before, words, after string) string {
	const share = maxText/2 - 16
	before, after = line(before, share), line(after, share)
	if words = line(words, maxText-len(before)-len(": ")-len(" ")-len(after)); words != "" {
		before += ": " + words
	}
	if after != "" {
		before += " " + after
	}
	return before
}

// redact takes the session token, and any JWT, out of text that came from elsewhere.
func redact(s, token string) string {
	if token != "" {
		s = strings.ReplaceAll(s, token, "[session token]")
	}
	return jwt.ReplaceAllString(s, "[JWT]")
}

// jwt is a JSON Web Token, whole or cut off: it begins with {" in base64.
var jwt = regexp.MustCompile(`eyJ[\w-]{8,}(\.[\w-]*)*`)

// redactError is err, unless its text shows the session token: then only the
// rest of the text is left of it.
func redactError(err error, token string) error {
	text := err.Error()
	if clean := redact(text, token); clean != text {
		return errors.New(clean)
	}
	return err
}

// readErrorBody takes an error's code and message out of a body: of the pod's
// {"code":…,"message":…}, of an HTML page's title, or an excerpt of anything else.
func readErrorBody(header http.Header, body []byte, token string) (code int, message string, isJSON bool) {
	var fields struct {
		Code    json.RawMessage `json:"code"`
		Message json.RawMessage `json:"message"`
	}
	isJSON = json.Unmarshal(body, &fields) == nil
	if isJSON {
		// Some gateways send the code as a string.
		code, _ = strconv.Atoi(string(bytes.Trim(fields.Code, `"`)))
		_ = json.Unmarshal(fields.Message, &message) // what is no string is left to the excerpt
	}
	switch {
	case message != "":
	case isJSON:
		message = plainJSON(body)
	case isHTML(header, body):
		message = pageTitle(string(body))
	default:
		message = string(body)
	}
	return code, line(redact(message, token), maxText), isJSON
}

// plainJSON is valid JSON without needless escapes, which could hide a token
// from redact.
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
	tags  = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>|<!--.*?-->|<[^>]*>`)
)

// pageTitle is the title of an HTML page, or the text of a page without one.
func pageTitle(page string) string {
	if m := title.FindStringSubmatch(page); m != nil {
		page = m[1]
	}
	return html.UnescapeString(tags.ReplaceAllString(page, " "))
}

// validHeaderName reports whether s is a token of RFC 9110.
func validHeaderName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("!#$%&'*+-.^_`|~", r) &&
			(r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
}

// validHeaderValue reports whether s can be sent as a header value as it is.
func validHeaderValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
