package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A cost is what one package, or a module, has in a program, in bytes.
type cost struct {
	Name    string `json:"name"`
	Module  string `json:"module,omitempty"`
	Text    int    `json:"text"`    // machine code
	Data    int    `json:"data"`    // tables and variables that are not zero
	Types   int    `json:"types"`   // their descriptions, for interfaces and reflection
	Strings int    `json:"strings"` // constants
	// Functions are names, lines and maps of pointers (pclntab).
	Functions int `json:"functions"`
	Total     int `json:"total"`
}

// A program has been measured.
type program struct {
	Bytes      int64   `json:"bytes"`
	Compressed int64   `json:"zstd"`  // by zstd -19
	Other      int     `json:"other"` // of no package: headers, indices, gaps
	Packages   []*cost `json:"packages"`
}

// measure finds out who costs what in a program that was built of a package with these
// flags. It is linked once more, so that the linker says what it keeps.
func measure(file, source string, flags []string) (*program, error) {
	out := &program{}
	info, err := os.Stat(file)
	if err == nil {
		out.Bytes = info.Size()
		out.Compressed, err = compressed(file)
	}
	if err != nil {
		return nil, err
	}
	symbols, err := archivedSymbols(source, flags)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "firstlight-size-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	linked := filepath.Join(dir, "agent")
	kept, err := link(linked, source, flags)
	if err != nil {
		return nil, err
	}
	functions, err := functionTables(linked)
	if err != nil {
		return nil, err
	}
	path, err := goTool(slices.Concat([]string{"list"}, flags, []string{source})...)
	if err != nil {
		return nil, err
	}
	path = strings.TrimSpace(path)
	functions[path] += functions["main"]
	delete(functions, "main")
	out.add(symbols, kept, functions)
	return out, out.addModules(source, flags)
}

// add sums up what is linked.
func (p *program) add(symbols map[string]symbol, kept []string, functions map[string]int) {
	packages := map[string]*cost{}
	of := func(name string) *cost {
		if packages[name] == nil {
			packages[name] = &cost{Name: name}
		}
		return packages[name]
	}
	for _, name := range kept {
		s := symbols[name]
		switch s.kind {
		case text:
			of(s.pkg).Text += s.size
		case data:
			of(s.pkg).Data += s.size
		case types:
			of(s.pkg).Types += s.size
		case stringConstant:
			of(s.pkg).Strings += s.size
		}
	}
	for name, size := range functions {
		of(name).Functions += size
	}
	p.Other = int(p.Bytes)
	for _, c := range packages {
		c.Total = c.Text + c.Data + c.Types + c.Strings + c.Functions
		p.Other -= c.Total
	}
	p.Packages = slices.SortedFunc(maps.Values(packages), largestFirst)
}

func (c *cost) add(other *cost) {
	c.Text, c.Data, c.Types = c.Text+other.Text, c.Data+other.Data, c.Types+other.Types
	c.Strings, c.Functions, c.Total = c.Strings+other.Strings, c.Functions+other.Functions, c.Total+other.Total
}

func largestFirst(a, b *cost) int {
	return cmp.Or(cmp.Compare(b.Total, a.Total), strings.Compare(a.Name, b.Name))
}

// addModules says of which module a package is; those of Go itself are of "std".
func (p *program) addModules(source string, flags []string) error {
	lines, err := goTool(slices.Concat([]string{"list", "-deps", "-f", "{{.ImportPath}} {{if .Module}}{{.Module.Path}}{{else}}std{{end}}"}, flags, []string{source})...)
	modules := map[string]string{}
	for line := range strings.Lines(lines) {
		name, module, _ := strings.Cut(strings.TrimSpace(line), " ")
		modules[name] = module
	}
	for _, c := range p.Packages {
		c.Module = cmp.Or(modules[c.Name], "std")
	}
	return err
}

// modules sums up the packages.
func (p *program) modules() []*cost {
	all := map[string]*cost{}
	for _, c := range p.Packages {
		if all[c.Module] == nil {
			all[c.Module] = &cost{Name: c.Module}
		}
		all[c.Module].add(c)
	}
	return slices.SortedFunc(maps.Values(all), largestFirst)
}

// goTool runs a go command and returns what it prints.
func goTool(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, stderr.String())
	}
	return string(out), nil
}

// compressed is the size of a file after zstd -19, which has one thread: several
// compress less.
func compressed(file string) (int64, error) {
	out, err := exec.Command("zstd", "-19", "-q", "-c", file).Output()
	if err != nil {
		return 0, fmt.Errorf("zstd: %w", err)
	}
	return int64(len(out)), nil
}

func (p *program) printJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(p)
}

// shownFrom is how much a package has that is shown in the table.
const shownFrom = 10_000

func (p *program) print(w io.Writer) {
	fmt.Fprintf(w, "The agent has %s bytes, %s in zstd -19.\n", thousands(p.Bytes), thousands(p.Compressed))
	printTable(w, "module", p.modules())
	large := slices.Clone(p.Packages)
	small := &cost{}
	large = slices.DeleteFunc(large, func(c *cost) bool {
		if c.Total < shownFrom {
			small.add(c)
		}
		return c.Total < shownFrom
	})
	small.Name = fmt.Sprintf("%d others", len(p.Packages)-len(large))
	printTable(w, "package", append(large, small, &cost{Name: "headers, indices, gaps", Total: p.Other}))
}

func printTable(w io.Writer, of string, rows []*cost) {
	fmt.Fprintf(w, "\n| %s | all | code | data | types | strings | functions |\n|---|---:|---:|---:|---:|---:|---:|\n", of)
	for _, c := range rows {
		fmt.Fprintf(w, "| %s |", c.Name)
		for _, n := range []int{c.Total, c.Text, c.Data, c.Types, c.Strings, c.Functions} {
			fmt.Fprintf(w, " %s |", thousands(int64(n)))
		}
		fmt.Fprintln(w)
	}
}
