// Command modproxy writes modules as a module proxy made of files:
//
//	modproxy -version v0.1.0 -o DIR . ./bdkconfig
//
// GOPROXY=file://DIR then serves what a public proxy serves once these modules are
// tagged: https://go.dev/ref/mod#goproxy-protocol. All of them get the same version.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	version := flag.String("version", "", "the `version` of the modules, such as v0.1.0")
	out := flag.String("o", "", "the `directory` to write the proxy to")
	flag.Parse()
	for _, dir := range flag.Args() {
		if err := write(*out, dir, *version); err != nil {
			fmt.Fprintf(os.Stderr, "modproxy: the module in %s: %v\n", dir, err)
			os.Exit(1)
		}
	}
}

// write adds the module in dir to the proxy in out.
func write(out, dir, version string) error {
	goMod, err := os.ReadFile(filepath.Join(dir, "go.mod")) //nolint:gosec // reads the module it is told to
	if err != nil {
		return err
	}
	m := module.Version{Path: modfile.ModulePath(goMod), Version: version}
	if err := module.Check(m.Path, m.Version); err != nil {
		return err
	}
	escaped, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]string{"Version": version})
	if err != nil {
		return err
	}
	base := filepath.Join(out, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(base, 0o750); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": info,
		version + ".mod":  goMod,
	} {
		if err := os.WriteFile(filepath.Join(base, name), content, 0o600); err != nil {
			return err
		}
	}
	return writeZip(filepath.Join(base, version+".zip"), m, dir)
}

func writeZip(name string, m module.Version, dir string) error {
	file, err := os.Create(name) //nolint:gosec // the name is below the directory it is told to write to
	if err != nil {
		return err
	}
	return errors.Join(zip.CreateFromDir(file, m, dir), file.Close())
}
