package readme

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// presumed are the variables that a snippet may use without declaring them.
var presumed = map[string]string{
	"app":      "*auth.App",
	"cert":     "tls.Certificate",
	"change":   "symphony.PresenceChange",
	"client":   "*symphony.Client",
	"ctx":      "context.Context",
	"emails":   "[]string",
	"err":      "error",
	"key":      "crypto.Signer",
	"logger":   "*slog.Logger",
	"loginURL": "string",
	"opts":     "[]symphony.Option",
	"pod":      "*symphonytest.Pod",
	"podURL":   "string",
	"pool":     "*x509.CertPool",
	"presence": "*symphony.V2Presence",
	"proxy":    "*url.URL",
	"t":        "*testing.T",
	"token":    "string",
	"tokens":   "symphony.SessionTokenRefresher",
	"updates":  "[]symphony.PresenceUpdate",
	"userID":   "int64",
}

// forms are what a snippet can be: a file, declarations, or statements, with the code
// that turns it into a file.
var forms = []struct{ before, after string }{
	{"", ""},
	{"package snippet; ", ""},
	{"package snippet; func _() error { ", "return nil\n}\n"},
}

// goFile returns a snippet as a Go file. A snippet that is no file gets the imports, the
// presumed variables, and a use of each variable that it only declares. packages are the
// import paths of what it may import, by name.
func goFile(b block, packages map[string]string) (string, error) {
	line := fmt.Sprintf("/*line %s:%d:1*/", b.file, b.line)
	var files token.FileSet
	var parsed *ast.File
	var err error
	for _, form := range forms {
		source := form.before + line + b.text + form.after
		if parsed, err = parser.ParseFile(&files, "", source, 0); err != nil {
			continue
		}
		if form.before == "" {
			return source, nil
		}
		body := strings.TrimPrefix(used(parsed, &files, source), "package snippet; ")
		imports, variables := missing(parsed, packages)
		return "package snippet\n\n" + imports + body + variables, nil
	}
	return "", fmt.Errorf("not Go, neither as a file nor as declarations or statements: %w", err)
}

// missing returns what the names that a snippet does not declare stand for: the imports
// and the presumed variables.
func missing(parsed *ast.File, packages map[string]string) (imports, variables string) {
	names := map[string]bool{}
	for _, ident := range parsed.Unresolved {
		kind, ok := presumed[ident.Name]
		if ok && !names[ident.Name] {
			variables += fmt.Sprintf("var %s %s\n", ident.Name, kind)
			kind, _, _ = strings.Cut(strings.TrimLeft(kind, "[]*"), ".")
			names[kind] = true
		}
		names[ident.Name] = true
	}
	for _, own := range parsed.Imports {
		path, _ := strconv.Unquote(own.Path.Value)
		delete(names, path[strings.LastIndex(path, "/")+1:])
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if path := packages[name]; path != "" && presumed[name] == "" {
			imports += fmt.Sprintf("import %q\n", path)
		}
	}
	return imports, variables
}

// used returns source with a use of each variable after the statement that declares it.
func used(parsed *ast.File, files *token.FileSet, source string) string {
	uses := map[int]string{} // by offset
	ast.Inspect(parsed, func(node ast.Node) bool {
		for _, statement := range statements(node) {
			assign, ok := statement.(*ast.AssignStmt)
			if !ok || assign.Tok != token.DEFINE {
				continue
			}
			for _, left := range assign.Lhs {
				if name := left.(*ast.Ident).Name; name != "_" {
					uses[files.File(assign.End()).Offset(assign.End())] += "; _ = " + name
				}
			}
		}
		return true
	})
	for _, offset := range slices.Backward(slices.Sorted(maps.Keys(uses))) {
		source = source[:offset] + uses[offset] + source[offset:]
	}
	return source
}

func statements(node ast.Node) []ast.Stmt {
	switch node := node.(type) {
	case *ast.BlockStmt:
		return node.List
	case *ast.CaseClause:
		return node.Body
	case *ast.CommClause:
		return node.Body
	}
	return nil
}

// byName returns import paths by the last element of the path, the shortest path first.
func byName(paths []string) map[string]string {
	packages := map[string]string{}
	for _, p := range paths {
		known, ok := packages[path.Base(p)]
		if !strings.Contains(p, "internal") && !strings.HasPrefix(p, "vendor/") && (!ok || len(p) < len(known)) {
			packages[path.Base(p)] = p
		}
	}
	return packages
}
