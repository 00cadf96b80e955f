package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

type kind int

const (
	none kind = iota // no bytes in the file, or counted elsewhere
	text
	data
	types
	stringConstant
)

// A symbol is what the linker keeps or drops.
type symbol struct {
	pkg  string
	kind kind
	size int
}

// archivedSymbols are all that the compiler made, by name. One that several packages
// have, as a string or an instance of a generic function, is the first one's, in the
// order of imports.
func archivedSymbols(source string, flags []string) (map[string]symbol, error) {
	lines, err := goTool(slices.Concat([]string{"list", "-trimpath", "-buildvcs=false", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}"}, flags, []string{source})...)
	if err != nil {
		return nil, err
	}
	packages := strings.Split(strings.TrimSpace(lines), "\n")
	listings, failed := make([]string, len(packages)), make([]error, len(packages))
	var all sync.WaitGroup
	slots := make(chan bool, runtime.NumCPU())
	for i, line := range packages {
		_, file, _ := strings.Cut(line, " ")
		all.Go(func() {
			slots <- true
			out, err := exec.Command("go", "tool", "nm", "-size", file).Output()
			listings[i], failed[i] = string(out), err
			<-slots
		})
	}
	all.Wait()
	symbols := map[string]symbol{}
	for i, line := range packages {
		if failed[i] != nil {
			return nil, fmt.Errorf("go tool nm of %s: %w", line, failed[i])
		}
		pkg, _, _ := strings.Cut(line, " ")
		for line := range strings.Lines(listings[i]) {
			name, s, ok := parseSymbol(line)
			if before := symbols[name]; before.pkg == pkg {
				s.size += before.size // a function in assembly has another one around it
			} else if before.pkg != "" {
				continue
			}
			if s.pkg = pkg; ok {
				symbols[name] = s
			}
		}
	}
	return symbols, nil
}

// parseSymbol reads a line of "go tool nm -size" of an archive:
//
//	[ARCHIVE(MEMBER):]  ADDRESS  SIZE  CODE  NAME
func parseSymbol(line string) (name string, s symbol, ok bool) {
	if _, rest, found := strings.Cut(line, "):\t"); found {
		line = rest
	}
	var words [3]string
	rest := strings.TrimSuffix(line, "\n")
	for i := range words {
		words[i], rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	}
	size, err := strconv.Atoi(words[1])
	if err != nil || rest == "" {
		return "", symbol{}, false // one that is another package's
	}
	rest, _, _ = strings.Cut(rest, "<") // the number of a local one
	return rest, symbol{kind: kindOf(words[2], rest), size: size}, true
}

func kindOf(code, name string) kind {
	switch {
	case strings.EqualFold(code, "t"):
		return text
	case strings.EqualFold(code, "b"), isOfFunctions(name):
		return none
	case strings.HasPrefix(name, "type:"), strings.HasPrefix(name, "go:itab."):
		return types
	case strings.HasPrefix(name, "go:string."):
		return stringConstant
	}
	return data
}

// isOfFunctions reports whether functionTables counts a symbol.
func isOfFunctions(name string) bool {
	if strings.HasPrefix(name, "gclocals·") || strings.HasPrefix(name, "go:cuinfo") {
		return true
	}
	for _, suffix := range []string{".stkobj", ".arginfo0", ".arginfo1", ".argliveinfo", ".opendefer", ".wrapinfo", ".args_stackmap"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// link links the program with its symbols, and returns the names of what is kept.
func link(file, source string, flags []string) ([]string, error) {
	args := slices.Concat([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-w -dumpdep -funcalign=16", "-o", file}, flags, []string{source})
	out, err := exec.Command("go", args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go build: %w: %s", err, out)
	}
	return keptSymbols(string(out)), nil
}

// keptSymbols reads what the linker prints: NAME -> NAME, each the first time with what
// needs it.
func keptSymbols(dump string) (kept []string) {
	seen := map[string]bool{}
	for line := range strings.Lines(dump) {
		for _, name := range strings.SplitN(strings.TrimSuffix(line, "\n"), " -> ", 2) {
			name, _, _ = strings.Cut(name, " <") // its attributes
			if !seen[name] {
				seen[name] = true
				kept = append(kept, name)
			}
		}
	}
	return kept
}
