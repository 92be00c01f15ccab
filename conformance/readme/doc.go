// Package readme holds only tests: every Go snippet of README.md compiles, and every
// command in it runs. CONTRIBUTING.md has the rules for snippets.
package readme
