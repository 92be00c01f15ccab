package main

import (
	"bytes"
	"encoding/csv"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/examples/internal/cli"
)

var update = flag.Bool("update", false, "write the spreadsheets in testdata")

// spreadsheet is a file in testdata, how it is made, and what becomes of it. The pod has the
// users 1 to 9, all of them AVAILABLE.
type spreadsheet struct {
	name     string
	text     string
	encoding encoding.Encoding // nil for UTF-8
	crlf     bool              // each \n of the text becomes \r\n

	code     int
	summary  string
	show     map[int64]symphony.PresenceCategory // of the users who change
	failures []string                            // parts of the rows of failures, in their order; nil for no file
}

const (
	busy = symphony.PresenceBusy
	away = symphony.PresenceAway
)

var spreadsheets = []spreadsheet{
	{
		name: "excel-utf8.csv", text: "\ufeffUser ID,Category,Soft\n1,In a meeting,FALSE\n2,BUSY,TRUE\n", crlf: true,
		summary: "2 rows: 2 set, none failed;",
		show:    map[int64]symphony.PresenceCategory{1: symphony.PresenceInAMeeting, 2: busy},
	},
	{
		name: "excel-german.csv", text: "Name;User-ID;Category;Soft\nMüller;1;BUSY;FALSE\nGröß;2;in\u00a0a\u00a0meeting;\nEß;3;Büro;\n",
		encoding: charmap.Windows1252, crlf: true,
		code: cli.ExitFailed, summary: "3 rows: 2 set, 1 failed (1 unreadable; see ",
		show:     map[int64]symphony.PresenceCategory{1: busy, 2: symphony.PresenceInAMeeting},
		failures: []string{`"Büro" is none of`},
	},
	{
		name: "excel-macintosh.csv", text: strings.ReplaceAll("user_id,category\n1,busy\n2,away\n", "\n", "\r"),
		summary: "2 rows: 2 set, none failed;",
		show:    map[int64]symphony.PresenceCategory{1: busy, 2: away},
	},
	{
		name: "excel-unicode-text.txt", text: "user_id\tcategory\tsoft\n1\tBUSY\t0\n\t\t\n2\t\"AWAY\"\t\n", crlf: true,
		encoding: unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		summary:  "3 rows: 2 set, none failed, 1 skipped (blank);",
		show:     map[int64]symphony.PresenceCategory{1: busy, 2: away},
	},
	{
		name: "utf16-big-endian.csv", text: "1,busy\n2,away,true\n",
		encoding: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
		summary:  "2 rows: 2 set, none failed;",
		show:     map[int64]symphony.PresenceCategory{1: busy, 2: away},
	},
	{
		name: "sep.csv", text: "sep=|\nuser_id|category|comment\n1|busy|a, b; c\n2|away|\n", crlf: true,
		summary: "2 rows: 2 set, none failed;",
		show:    map[int64]symphony.PresenceCategory{1: busy, 2: away},
	},
	{
		name: "line-breaks.csv", text: "\"User\nID\",Comment,category\n1,\"first line\n2,away\nthird \"\"line\"\"\",busy\nx,\"a\nb\",busy\n3,,away\n",
		code: cli.ExitFailed, summary: "3 rows: 2 set, 1 failed (1 unreadable; see ",
		show:     map[int64]symphony.PresenceCategory{1: busy, 3: away},
		failures: []string{`"x" is not a user id`},
	},
	{
		name: "columns.csv", text: "Soft,Comment,Presence,E-Mail,USER_ID\n,,busy,anna@acme.com,1\ntrue,x,away,,2\n,only a comment,,,\n",
		code: cli.ExitFailed, summary: "3 rows: 2 set, 1 failed (1 unreadable; see ",
		show:     map[int64]symphony.PresenceCategory{1: busy, 2: away},
		failures: []string{"no user_id and no email"},
	},
	{
		name: "empty-rows.csv", text: "\n,,\nuser_id,category,soft\n1,busy,\n,,\n\n , \u00a0,\n2,away,\n,,,,\n\n\n",
		summary: "10 rows: 2 set, none failed, 8 skipped (blank);",
		show:    map[int64]symphony.PresenceCategory{1: busy, 2: away},
	},
	{
		name: "header-only.csv", text: "user_id,category,soft\n", crlf: true,
		summary: "0 rows: 0 set, none failed;",
	},
	{
		name: "yes-no.csv", text: "user_id,category,soft\n1,busy,yes\n2,busy,WAHR\n3,busy,1\n4,busy,False\n5,busy,2\n6,busy,t\n",
		code: cli.ExitFailed, summary: "6 rows: 2 set, 4 failed (4 unreadable; see ",
		show:     map[int64]symphony.PresenceCategory{3: busy, 4: busy},
		failures: []string{`soft is "yes"`, `soft is "WAHR"`, `soft is "2"`, `soft is "t"`},
	},
	{
		name: "rounded.csv", text: "user_id;category\n7.07811E+12;busy\n7,07811e+12;busy\n1;busy\n-1;busy\n0;busy\n99999999999999999999;busy\n",
		code: cli.ExitFailed, summary: "6 rows: 1 set, 5 failed (5 unreadable; see ",
		show: map[int64]symphony.PresenceCategory{1: busy},
		failures: []string{
			`"7.07811E+12" is a user id that the spreadsheet has rounded; format the column as text`, `"7,07811e+12" is a user id that`,
			`"-1" is not a user id`, `"0" is not`, `"99999999999999999999" is not`,
		},
	},
	{
		name: "dos.csv", text: "user_id,category,soft\n\u00a01\u00a0,busy,\u00a0\n2,away,false\n\x1a", encoding: charmap.Windows1252, crlf: true,
		summary: "3 rows: 2 set, none failed, 1 skipped (blank);",
		show:    map[int64]symphony.PresenceCategory{1: busy, 2: away},
	},
	{
		name: "quotes.csv", text: "user_id,category,comment\n1,busy,5\" screen\n2,away,\n3,\"busy,\n\n4,busy,\n5,busy,\n",
		code: cli.ExitFailed, summary: "6 rows: 1 set, 4 failed (4 unreadable; see ",
		show:     map[int64]symphony.PresenceCategory{2: away},
		failures: []string{"this is not CSV: bare", "lines 4 to 7", "lines 4 to 7", "lines 4 to 7"},
	},
	{
		name: "other-header.csv", text: "Name,User ID,Status\nAnna,1,busy\n",
		code: cli.ExitUsage, summary: `the header ["Name" "User ID" "Status"] names no column category`,
	},
	{
		name: "same-header.csv", text: "UserID,user id,category\n1,2,busy\n",
		code: cli.ExitUsage, summary: `the headers "UserID" and "user id" both name the column user_id`,
	},
	{
		name: "workbook.xlsx", text: "PK\x03\x04\x14\x00\x06\x00",
		code: cli.ExitUsage, summary: "this is a workbook, not text; save it as CSV",
	},
}

// TestSpreadsheets: every row of every file is set, skipped, or failed with a reason. The
// files are made by
//
//	go test ./bulkpresence -run TestSpreadsheets -update
func TestSpreadsheets(t *testing.T) {
	t.Parallel()
	for _, s := range spreadsheets {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join("testdata", s.name)
			if *update {
				require.NoError(t, os.WriteFile(path, s.bytes(t), 0o600))
			}
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, s.bytes(t), content, "run the test with -update")
			s.check(t, path)
			if s.code != cli.ExitUsage {
				s.checkStream(t, content)
			}
		})
	}
}

func (s spreadsheet) bytes(t *testing.T) []byte {
	t.Helper()
	text := s.text
	if s.crlf {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if s.encoding == nil {
		return []byte(text)
	}
	encoded, err := s.encoding.NewEncoder().Bytes([]byte(text))
	require.NoError(t, err)
	return encoded
}

func (s spreadsheet) check(t *testing.T, input string) {
	t.Helper()
	pod, env := start(t, 9)
	failures := filepath.Join(t.TempDir(), "failures.csv")
	journal := filepath.Join(t.TempDir(), "journal")
	var stderr bytes.Buffer
	require.Equal(t, s.code, run(t.Context(), []string{"-failures", failures, "-journal", journal, input}, env, nil, io.Discard, &stderr), stderr.String())
	require.Contains(t, stderr.String(), s.summary)
	for id := range int64(9) {
		want := symphony.PresenceAvailable
		if set, ok := s.show[id+1]; ok {
			want = set
		}
		u, _ := pod.User(id + 1)
		require.Equal(t, want, u.Category, "user %d", id+1)
	}
	require.NoFileExists(t, journal)
	s.checkFailures(t, failures)
}

// checkFailures reads the failures strictly: they can be fed back in.
func (s spreadsheet) checkFailures(t *testing.T, path string) {
	t.Helper()
	if s.failures == nil {
		require.NoFileExists(t, path)
		return
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(s.failures)+1)
	for i, reason := range s.failures {
		require.Contains(t, rows[i+1][len(rows[i+1])-1], reason)
	}
}

// checkStream has the same outcome for stdin, from which each byte comes alone.
func (s spreadsheet) checkStream(t *testing.T, content []byte) {
	t.Helper()
	_, env := start(t, 9)
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-failures", filepath.Join(t.TempDir(), "f"), "-"}, env, &bytewise{content}, io.Discard, &stderr)
	require.Equal(t, s.code, code, stderr.String())
	require.Contains(t, stderr.String(), s.summary)
}

type bytewise struct{ left []byte }

func (b *bytewise) Read(p []byte) (int, error) {
	if len(b.left) == 0 {
		return 0, io.EOF
	}
	p[0], b.left = b.left[0], b.left[1:]
	return 1, nil
}
