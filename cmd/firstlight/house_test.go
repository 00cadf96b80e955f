package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/firstlight-os/firstlight/"

// rooms are the packages of the house and which others each may use. Imports
// point one way only; whoever adds a room or a door changes this table.
var rooms = map[string][]string{
	"config":                {"config/internal/tree"},
	"config/internal/tree":  {},
	"config/json":           {"config/internal/tree"},
	"config/butane":         {"config", "config/internal/tree"},
	"config/schema":         {"config", "config/butane", "config/internal/tree"},
	"config/schema/gendocs": {"config", "config/butane", "config/internal/tree", "config/schema"},
	"report":                {"config", "config/json"},
	"system":                {},
	"system/systemtest":     {"system"},
	"fetch":                 {"config", "config/json", "report", "system"},
	"providers":             {"config", "fetch", "providers/zstd", "report", "system"},
	"providers/zstd":        {},
	"storage":               {"config", "config/json", "report", "system"},
	"files":                 {"config", "config/json", "fetch", "report", "system"},
	"stages":                {"config", "config/butane", "config/json", "fetch", "providers", "storage", "files", "report", "system"},
	"cmd/firstlight":        {"stages", "providers", "config", "report", "system"},
	"cmd/firstlightctl":     {"config", "config/butane", "config/schema", "fetch", "providers", "report", "stages", "storage", "system"},
}

// agentLibraries are the modules that the agent may link. Each was weighed.
var agentLibraries = []string{
	"github.com/coreos/go-systemd/v22",
	"github.com/diskfs/go-diskfs",
	"github.com/google/uuid",
	"github.com/vincent-petithory/dataurl",
	"go.yaml.in/yaml/v3",
	"golang.org/x/sys",
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
	Module     *struct{ Path string }
}

func list(t *testing.T, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,Standard,Module"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range list(t, module+"...") {
		room := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(room, "tests/") {
			continue
		}
		doors, known := rooms[room]
		if !known {
			t.Errorf("package %s is not in the table of rooms", room)
		}
		for _, i := range p.Imports {
			if other, ours := strings.CutPrefix(i, module); ours && !slices.Contains(doors, other) {
				t.Errorf("%s must not import %s", room, other)
			}
		}
	}
}

func TestAgentLinksOnlyWeighedLibraries(t *testing.T) {
	for _, p := range list(t, "-deps", module+"cmd/firstlight") {
		if p.Standard || p.Module == nil || strings.HasPrefix(p.ImportPath, module) {
			continue
		}
		if !slices.Contains(agentLibraries, p.Module.Path) {
			t.Errorf("the agent links %s of module %s, which is not in the table", p.ImportPath, p.Module.Path)
		}
	}
}
