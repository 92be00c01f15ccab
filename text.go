package symphony

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
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
		size := utf8.RuneLen(r)
		if space {
			size++
		}
		if b.Len()+size > limit {
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
	const least = 32 // for the words
	before = line(before, maxText/2)
	after = line(after, maxText-len(before)-least)
	if words = line(words, maxText-len(before)-len(": ")-len(" ")-len(after)); words != "" {
		before += ": " + words
	}
	if after != "" {
		before += " " + after
	}
	return before
}

// secrets are the session tokens of a call: the one it was sent with, and one that
// was refused before.
type secrets [2]string

// minSecret is the length below which a token is no secret, but a word of a test that
// may well be in an error's text.
const minSecret = 6

var (
	// A JSON Web Token, whole or cut off: it begins with {" in base64.
	jwt = regexp.MustCompile(`eyJ[\w-]{8,}(\.[\w-]*)*`)
	// The user info of a URL, such as a proxy's.
	userInfo = regexp.MustCompile(`://[^/@\s]+@`)
)

// redact takes the session tokens, any JWT and any URL's user info out of text that
// came from elsewhere.
func (s secrets) redact(text string) string {
	for _, token := range s {
		if len(token) >= minSecret {
			text = strings.ReplaceAll(text, token, "[session token]")
			text = strings.ReplaceAll(text, url.QueryEscape(token), "[session token]")
		}
	}
	return userInfo.ReplaceAllString(jwt.ReplaceAllString(text, "[JWT]"), "://[user info]@")
}

// redactError is err, unless it or one of its causes shows a secret: then only the
// rest of its text is left of it.
func (s secrets) redactError(err error) error {
	if s.shown(err) {
		return errors.New(s.redact(err.Error()))
	}
	return err
}

// shown reports whether an error or one of its causes shows a secret.
func (s secrets) shown(err error) bool {
	if err == nil {
		return false
	}
	if text := err.Error(); s.redact(text) != text {
		return true
	}
	switch err := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() error }:
		return s.shown(err.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(err.Unwrap(), s.shown)
	}
	return false
}

// readErrorBody takes an error's code and message out of a body: of the pod's
// {"code":…,"message":…}, of an HTML page's title, or an excerpt of anything else.
func readErrorBody(header http.Header, body []byte, s secrets) (code int, message string, isJSON bool) {
	var fields struct {
		Code    json.RawMessage `json:"code"`
		Message json.RawMessage `json:"message"`
	}
	isJSON = json.Valid(body)
	if isJSON && json.Unmarshal(body, &fields) == nil {
		// Some gateways send the code as a string.
		if n, err := strconv.Atoi(string(bytes.Trim(fields.Code, `"`))); err == nil {
			code = n
		}
		_ = json.Unmarshal(fields.Message, &message) // what is no string is left to the excerpt
	}
	switch {
	case message != "":
	case isJSON:
		message = plainJSON(body)
	case isHTML(header, body):
		message = pageTitle(body)
	default:
		message = unescape(string(body))
	}
	return code, line(s.redact(message), maxText), isJSON
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

var escapes = regexp.MustCompile(`\\u00[0-7][0-9a-fA-F]|\\/`)

// unescape does what plainJSON does, for JSON that is cut off.
func unescape(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(escape string) string {
		if plain, err := strconv.Unquote(`"` + escape + `"`); err == nil {
			return plain
		}
		return escape[1:] // \/
	})
}

// isHTML reports whether a body is a page for people.
func isHTML(header http.Header, body []byte) bool {
	return strings.Contains(header.Get("Content-Type"), "html") ||
		strings.HasPrefix(http.DetectContentType(body), "text/html")
}

var (
	title = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)
	// What is not closed goes on to the end, so that no text is searched twice.
	tags = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)\s*>|\z)|<!--.*?(-->|\z)|<[^>]*>`)
)

// pageTitle is the title of an HTML page, or the text of a page without one.
func pageTitle(body []byte) string {
	page := string(body[:min(len(body), maxErrorBody)])
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
