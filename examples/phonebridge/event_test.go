package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseEvent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		want       person
		err        string
	}{
		{"user id", `{"call":"a","userId":9007199254740993,"state":"answered"}`, "9007199254740993", ""},
		{"email", `{"call":"a","email":"Ann@Acme.com","state":"ended"}`, "ann@acme.com", ""},
		{"more fields", `{"call":"a","userId":1,"state":"ended","queue":"sales"}`, "1", ""},
		{"not JSON", `call=a`, "", "not the JSON of an event"},
		{"a list", `[]`, "", "not the JSON of an event"},
		{"two events", `{"call":"a","userId":1,"state":"ended"}{}`, "", "one event at a time"},
		{"no call", `{"userId":1,"state":"ended"}`, "", "call has 0 bytes"},
		{"long call", `{"call":"` + strings.Repeat("x", 255) + `","userId":1,"state":"ended"}`, "", "call has 255 bytes"},
		{"no state", `{"call":"a","userId":1}`, "", `state is ""; it must be "answered" or "ended"`},
		{"nobody", `{"call":"a","state":"ended"}`, "", "exactly one of email and userId"},
		{"both", `{"call":"a","email":"a@b","userId":1,"state":"ended"}`, "", "exactly one of email and userId"},
		{"negative", `{"call":"a","userId":-1,"state":"ended"}`, "", "userId is -1"},
		{"fraction", `{"call":"a","userId":1.5,"state":"ended"}`, "", "not the JSON of an event"},
		{"no address", `{"call":"a","email":"ann","state":"ended"}`, "", "email has 3 bytes"},
		{"two addresses", `{"call":"a","email":"a@b,c@d","state":"ended"}`, "", "email has 7 bytes"},
		{"line break", `{"call":"a","email":"a@b\n","state":"ended"}`, "", "email has 4 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, err := parseEvent([]byte(test.body))
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, e.person())
		})
	}
}
