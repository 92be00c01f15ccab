package symphony

import (
	"net"
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

	maxRedacted = 8 << 10 // bytes of a text that are searched for secrets; at most maxText of them are shown

	maxErrorBody = 64 << 10 // bytes read of a response that is an error, or whose body is not needed
)

// line returns s as one line of printable text, at most limit bytes long.
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
			return shorten(b.String(), limit)
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// shorten marks s as incomplete by an ellipsis, within limit bytes.
func shorten(s string, limit int) string {
	const ellipsis = "…"
	for len(s) > 0 && len(s)+len(ellipsis) > limit {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s + ellipsis
}

// secrets are the session tokens of a call.
type secrets struct {
	token    string   // sent last
	rejected string   // refused with 401 before that
	earlier  []string // sent by earlier attempts, before the provider renewed it
}

// all returns the tokens.
func (s secrets) all() []string { return append([]string{s.token, s.rejected}, s.earlier...) }

// longest returns the length of the longest spelling of a token.
func (s secrets) longest() (n int) {
	for _, token := range s.all() {
		n = max(n, 6*len(token))
	}
	return n
}

// minSecret is the length of the shortest token that is redacted. Shorter tokens occur
// only in tests, where they may be ordinary words of an error's text.
const minSecret = 6

// jwt matches a JSON Web Token, also a truncated one: it begins with {" in base64.
var jwt = regexp.MustCompile(`eyJ[\w-]{8,}(\.[\w-]*)*`)

// redact replaces the session tokens, JSON Web Tokens and the user info of URLs in text
// from elsewhere.
func (s secrets) redact(text string) string {
	if longest := s.longest(); len(text) > maxRedacted+longest {
		text = s.redact(text[:maxRedacted+longest])
		return text[:max(0, len(text)-longest)] // what is cut off may be within a token
	}
	for _, token := range s.all() {
		text = redactToken(text, token)
	}
	return redactUserInfo(jwt.ReplaceAllString(text, "[JWT]"))
}

// redactToken replaces a token, in any of its escaped spellings.
func redactToken(text, token string) string {
	if len(token) < minSecret {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if n := matchEscaped(text[i:], token); n > 0 {
			b.WriteString("[session token]")
			i += n
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// matchEscaped returns the length of the token that text begins with, 0 if it begins
// with something else.
func matchEscaped(text, token string) (n int) {
	for i := range len(token) {
		if n >= len(text) {
			return 0
		}
		size := 1
		if text[n] != token[i] {
			var c byte
			if c, size = unescape(text[n:]); c != token[i] {
				return 0
			}
		}
		n += size
	}
	return n
}

var escape = regexp.MustCompile(`^(?:%(?:25)*([0-9A-Fa-f]{2})|\\+u00([0-9A-Fa-f]{2})|\\+x([0-9A-Fa-f]{2})|&#[xX]0*([0-9A-Fa-f]{1,2});|&#0*([0-9]{1,3});|&(amp|lt|gt|quot|apos);|\\+([^ux\\]))`)

var entities = map[string]byte{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\''}

// unescape returns the character that text begins with as it is spelled in a URL, in
// JSON, in a Go string or in HTML, escaped once or more, and the length of that spelling.
func unescape(text string) (c byte, size int) {
	if text[0] != '%' && text[0] != '\\' && text[0] != '&' {
		return 0, 1
	}
	m := escape.FindStringSubmatch(text)
	if m == nil {
		return 0, 1
	}
	for i, base := range []int{1: 16, 2: 16, 3: 16, 4: 16, 5: 10} {
		if base == 0 || m[i] == "" {
			continue
		}
		n, _ := strconv.ParseUint(m[i], base, 8) // a number above 255 is no byte of a token
		return byte(n), len(m[0])
	}
	if m[6] != "" {
		return entities[m[6]], len(m[0])
	}
	return m[7][0], len(m[0])
}

var (
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	// The user info of a URL: up to the last @ in the word, and with blanks where a user
	// name, a colon and a password are in sight.
	userInfo       = regexp.MustCompile(`://\S*@`)
	blankUserInfo  = regexp.MustCompile(`://[^\s/@]*:[^@\n]*@`)
	quotedUserInfo = regexp.MustCompile(`://.*@`)
	// net/url's own error, whose reason may quote a part of the password.
	parsedUserInfo = regexp.MustCompile(`parse "(?:[^"\\]|\\.)*@(?:[^"\\]|\\.)*".*`)
)

// redactUserInfo replaces the user info of URLs, such as a proxy's.
func redactUserInfo(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	text = parsedUserInfo.ReplaceAllString(text, `parse "[user info]"`)
	const replacement = "://[user info]@"
	text = quoted.ReplaceAllStringFunc(text, func(quote string) string {
		return quotedUserInfo.ReplaceAllString(quote, replacement)
	})
	text = userInfo.ReplaceAllString(text, replacement)
	return blankUserInfo.ReplaceAllStringFunc(text, func(match string) string {
		if match == replacement {
			return match
		}
		return replacement
	})
}

// redactError returns err, or, if err or one of its causes shows a secret, an error with
// the same text and causes without the secrets.
func (s secrets) redactError(err error) error {
	if !s.shown(err) {
		return err
	}
	if op, ok := err.(*net.OpError); ok { //nolint:errorlint // the tree is rebuilt node by node
		redacted := *op
		redacted.Err = s.redactError(op.Err)
		if !s.shown(&redacted) {
			return &redacted
		}
	}
	redacted := &redactedError{text: s.redact(err.Error())}
	failed, ok := err.(*url.Error) //nolint:errorlint // likewise
	switch {
	case ok && failed.Op == "parse":
		// The cause may quote a part of a password.
	case ok:
		return &url.Error{Op: s.redact(failed.Op), URL: s.redact(failed.URL), Err: s.redactError(failed.Err)}
	default:
		for _, cause := range causes(err) {
			redacted.causes = append(redacted.causes, s.redactError(cause))
		}
	}
	return redacted
}

// redactedError is an error whose text, or that of a cause, contained a secret.
type redactedError struct {
	text   string
	causes []error
}

func (e *redactedError) Error() string   { return e.text }
func (e *redactedError) Unwrap() []error { return e.causes }

// shown reports whether an error or one of its causes shows a secret.
func (s secrets) shown(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return s.redact(text) != text || slices.ContainsFunc(causes(err), s.shown)
}

// causes returns what err wraps.
func causes(err error) []error {
	switch err := err.(type) { //nolint:errorlint // one level of the tree
	case interface{ Unwrap() error }:
		if cause := err.Unwrap(); cause != nil {
			return []error{cause}
		}
	case interface{ Unwrap() []error }:
		return slices.DeleteFunc(slices.Clone(err.Unwrap()), func(cause error) bool { return cause == nil })
	}
	return nil
}
