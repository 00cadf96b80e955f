package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestSymbolsOfArchives(t *testing.T) {
	for line, want := range map[string]symbol{
		"     93a         56 R type:*internal/goarch.ArchFamilyType\n":           {kind: types, size: 56},
		"a.a(_go_.o):\t   da6ad         56 R type:struct { F uintptr; X0 *T }\n": {kind: types, size: 56},
		"   ca0f3          1 R go:string.\" \"\n":                                {kind: stringConstant, size: 1},
		"   1ea95         36 T pkg.F\n":                                          {kind: text, size: 36},
		"   1ea95         36 t pkg.f\n":                                          {kind: text, size: 36},
		"   1ea95         36 D pkg.table\n":                                      {kind: data, size: 36},
		"   1ea95         36 B pkg.zero\n":                                       {kind: none, size: 36},
		"   1ea89          3 r pkg.f.arginfo1<1>\n":                              {kind: none, size: 3},
		"   1ea89          3 R gclocals·abc==\n":                                 {kind: none, size: 3},
	} {
		name, got, ok := parseSymbol(line)
		testkit.Equal(t, line, got, want)
		if !ok || !strings.Contains(line, name) || name == "" {
			t.Errorf("%q: the name is %q", line, name)
		}
	}
	for _, line := range []string{"", "\n", "                  0 U pkg.of.others\n", "                    U other\n"} {
		if name, _, ok := parseSymbol(line); ok {
			t.Errorf("%q is %q", line, name)
		}
	}
}

func TestWhatTheLinkerKeeps(t *testing.T) {
	got := keptSymbols("# pkg\n_ -> main.main\nmain.main -> go:string.\"a -> b\"\nmain.main -> type:int <UsedInIface>\ntype:int <UsedInIface> -> main.main\n")
	testkit.Equal(t, "kept", got, []string{"# pkg", "_", "main.main", "go:string.\"a -> b\"", "type:int"})
}

func TestPackagesOfFunctions(t *testing.T) {
	for name, want := range map[string]string{
		"main.main": "main", "go.yaml.in/yaml/v3.(*parser).next": "go.yaml.in/yaml/v3", "gopkg.in/yaml%2ev3.x": "gopkg.in/yaml.v3", "net/http.init.0": "net/http",
	} {
		testkit.Equal(t, name, packageOf(name), want)
	}
}

// A small program is measured: all of its bytes are found.
func TestProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "small")
	flags := []string{"-gcflags=all=-l"}
	args := slices.Concat([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -funcalign=16", "-o", file}, flags, []string{"./testdata/small"})
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p, err := measure(file, "./testdata/small", flags)
	testkit.NoError(t, err)
	all, found := p.Other, map[string]*cost{}
	for _, c := range p.Packages {
		all += c.Total
		found[c.Name] = c
	}
	testkit.Equal(t, "sum", int64(all), p.Bytes)
	if p.Other < 0 || p.Other > all/8 || p.Compressed <= 0 || p.Compressed >= p.Bytes {
		t.Errorf("%d of %d bytes are of no package; %d in zstd", p.Other, all, p.Compressed)
	}
	main, runtime := found["github.com/firstlight-os/firstlight/tests/size/testdata/small"], found["runtime"]
	if main == nil || runtime == nil || found["main"] != nil {
		t.Fatalf("got %v", found)
	}
	testkit.Equal(t, "module of main", main.Module, "github.com/firstlight-os/firstlight")
	testkit.Equal(t, "module of runtime", runtime.Module, "std")
	const large = 10_000 // bytes that the program has of its own
	if main.Data < large || main.Strings < large || main.Text == 0 || main.Types == 0 || main.Functions == 0 {
		t.Errorf("main has %+v", main)
	}
	if runtime.Text < 10*main.Text || runtime.Functions < 100_000 || runtime.Types == 0 {
		t.Errorf("the runtime has %+v", runtime)
	}

	var table, object bytes.Buffer
	p.print(&table)
	testkit.NoError(t, p.printJSON(&object))
	var again program
	testkit.NoError(t, json.Unmarshal(object.Bytes(), &again))
	testkit.Equal(t, "packages in JSON", len(again.Packages), len(p.Packages))
	for _, want := range []string{"bytes, ", " in zstd -19", "| std |", "| runtime |", "/testdata/small |", " others |", "| headers, indices, gaps |"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in\n%s", want, table.String())
		}
	}
}
