//go:build unix

package readme

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const repository = "../.."

// document returns the code blocks of README.md in one of the languages.
func document(t *testing.T, languages string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	require.NoError(t, err)
	all, err := blocks("README.md", string(text))
	require.NoError(t, err)
	var found []block
	for _, b := range all {
		if strings.Contains(languages, b.language) && b.language != "" {
			found = append(found, b)
		}
	}
	return found
}

func TestGoSnippets(t *testing.T) {
	t.Parallel()
	var compiled []block
	for _, b := range document(t, "go") {
		if b.skip != "" {
			fmt.Printf("%s: skipped: %s\n", b, b.skip)
			continue
		}
		compiled = append(compiled, b)
	}
	require.Empty(t, compile(t, compiled))
	fmt.Printf("README.md: %d Go snippets compile\n", len(compiled))
}

// compile returns what the compiler and go vet say of snippets. They may import what the
// modules of the workspace import.
func compile(t *testing.T, snippets []block) string {
	t.Helper()
	dir := t.TempDir()
	use := strings.Fields(output(t, repository, "go", "list", "-m", "-f", "{{.Dir}}"))
	sums, err := os.ReadFile(filepath.Join(repository, "go.work.sum"))
	require.NoError(t, err)
	write(t, filepath.Join(dir, "go.work.sum"), string(sums))
	write(t, filepath.Join(dir, "go.work"), "go 1.26.0\nuse (\n.\n"+strings.Join(use, "\n")+"\n)\n")
	write(t, filepath.Join(dir, "go.mod"), "module snippets\n\ngo 1.26.0\n")
	packages := byName(strings.Fields(output(t, dir, "go", "list", "std", "github.com/symphony-go/symphony/...")))
	var mistakes strings.Builder
	for i, b := range snippets {
		source, err := goFile(b, packages)
		if err != nil {
			fmt.Fprintln(&mistakes, err)
			continue
		}
		write(t, filepath.Join(dir, fmt.Sprintf("snippet%02d", i), "snippet.go"), source)
	}
	vet := program(t.Context(), dir, "go", "vet", "./...")
	if said, err := vet.CombinedOutput(); err != nil {
		mistakes.Write(said)
	}
	return mistakes.String()
}

func TestCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs")
	}
	for _, b := range document(t, "sh bash console") {
		for _, c := range commands(b, repository) {
			t.Run(c.line, func(t *testing.T) {
				if c.skip != "" {
					fmt.Printf("%s: not run: %s: %s\n", b, c.line, c.skip)
					t.SkipNow()
				}
				run(t, c)
				fmt.Printf("%s: ran: %s\n", b, c.line)
			})
		}
	}
}

// run runs a command in the root of the repository.
func run(t *testing.T, c command) {
	t.Helper()
	shell := program(t.Context(), repository, "bash", "-c", c.line)
	if c.endless {
		require.NoError(t, interrupted(shell), "%s: %s", c.block, c.line)
		return
	}
	said, err := shell.CombinedOutput()
	require.NoError(t, err, "%s: %s\n%s", c.block, c.line, said)
}

// interrupted runs a program and interrupts it, as Ctrl-C does, once it prints a line.
func interrupted(shell *exec.Cmd) error {
	var problems bytes.Buffer
	shell.Stderr = &problems
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := shell.StdoutPipe()
	if err != nil {
		return err
	}
	if err := shell.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(stdout)
	printed := lines.Scan()
	interrupt := syscall.Kill(-shell.Process.Pid, syscall.SIGINT)
	for lines.Scan() {
	}
	err = shell.Wait()
	if !printed || interrupt != nil || err != nil && !strings.Contains(problems.String(), "exit status 130") {
		return errors.Join(interrupt, err, errors.New(problems.String()))
	}
	return nil
}

// program returns a command that runs in the workspace, without the settings of a pod.
func program(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "GOWORK=") && !strings.HasPrefix(variable, "SYMPHONY_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}

func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := program(t.Context(), dir, name, args...).Output()
	require.NoError(t, err)
	return string(out)
}

func write(t *testing.T, name, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o750))
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
}

// TestMistakes shows that a snippet with a mistake is found, with its line.
func TestMistakes(t *testing.T) {
	t.Parallel()
	texts := []string{
		"_, err = client.SetUserPresence(ctx, 4711, symphony.PresenceBusy)\n", // too few arguments
		"func f() {\n\tsymphony.NewClint(podURL, tokens)\n}\n",                // no such function
		"package main\n\nfunc main() { x := 1 }\n",                            // a file is compiled as it is
		"for range 3 {\n",           // no Go
		"fmt.Println(undeclared)\n", // neither declared nor presumed
	}
	var snippets []block
	for i, text := range texts {
		snippets = append(snippets, block{file: "README.md", line: 100 * (i + 1), language: "go", text: text})
	}
	found := compile(t, snippets)
	for _, place := range []string{"README.md:100", "README.md:201", "README.md:302", "README.md:40", "README.md:500"} {
		require.Contains(t, found, place)
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, document, want string }{
		{"none", "# Title\n", ""},
		{"two", "```go\na\n```\ntext\n```sh\nb\nc\n```\n", "x.md:2 go  a| x.md:6 sh  b|c|"},
		{"skipped", "<!-- snippet: skip, too long -->\n\n```sh\na\n```\n```sh\nb\n```\n", "x.md:4 sh too long a| x.md:7 sh  b|"},
		{"without a reason", "<!-- snippet: skip -->\n", "x.md:1: a snippet comment is <!-- snippet: skip, REASON -->, not <!-- snippet: skip -->"},
		{"about nothing", "<!-- snippet: skip, it -->\ntext\n", "x.md:2: no code block follows the snippet comment"},
		{"without an end", "```go\na\n", "x.md:2: the code block does not end"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found, err := blocks("x.md", test.document)
			var got []string
			for _, b := range found {
				got = append(got, fmt.Sprintf("%s %s %s %s", b, b.language, b.skip, strings.ReplaceAll(b.text, "\n", "|")))
			}
			if err != nil {
				got = append(got, err.Error())
			}
			require.Equal(t, test.want, strings.Join(got, " "))
		})
	}
}

func TestCommandRules(t *testing.T) {
	t.Parallel()
	text := "# all of it\ngo run ./a \\\n\t-b   # says b\n$ go run ./c # until Ctrl-C\n\n" +
		"go get x\nSYMPHONY_POD_URL=y go run ./d\ngo run ./d 42 # of SYMPHONY_POD_URL\ngo run ./e missing.csv\ngo test ./f README.md\nbash .ci/run\n"
	var got []string
	for _, c := range commands(block{text: text}, repository) {
		got = append(got, fmt.Sprintf("%s; %t; %s", c.line, c.endless, c.skip))
	}
	require.Equal(t, []string{
		"go run ./a -b; false; ",
		"go run ./c; true; ",
		"go get x; false; needs a release; .ci/release rehearses it",
		"SYMPHONY_POD_URL=y go run ./d; false; needs a server",
		"go run ./d 42; false; needs a server",
		"go run ./e missing.csv; false; needs missing.csv",
		"go test ./f README.md; false; ",
		"bash .ci/run; false; runs these tests, or takes too long",
	}, got)
}
