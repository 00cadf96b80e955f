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

// allowedImports lists the packages of this module and which of the others each
// may import. Imports point one way only; a new package or a new import changes
// this table.
var allowedImports = map[string][]string{
	"internal/dataurl":           {},
	"config":                     {"internal/dataurl", "internal/doc", "internal/header", "internal/storeurl"},
	"config/butane":              {"config", "internal/dataurl", "internal/doc", "internal/yaml"},
	"config/rules":               {"config", "internal/doc"},
	"config/rules/page":          {"config/rules"},
	"config/spec2":               {"config", "internal/dataurl", "internal/doc"},
	"internal/check":             {"config", "config/butane", "internal/doc"},
	"internal/distribution":      {"config", "internal/report", "internal/system"},
	"internal/doc":               {"internal/slab"},
	"internal/slab":              {},
	"internal/yaml":              {"internal/slab"},
	"internal/format":            {"config", "config/butane", "internal/doc"},
	"internal/json":              {"internal/doc"},
	"internal/blkprobe":          {"internal/json"},
	"internal/header":            {},
	"internal/http":              {"internal/header"},
	"internal/hypervisor":        {"internal/system"},
	"internal/initramfs":         {},
	"internal/page":              {"config", "config/butane", "config/rules", "internal/blkprobe", "internal/check", "internal/gpt", "internal/report", "internal/system", "providers/limits", "storage/plan"},
	"web/wasm":                   {"internal/page"},
	"internal/qemu":              {},
	"internal/emulator":          {},
	"internal/console":           {"internal/report", "internal/system"},
	"internal/schema":            {"config", "config/butane", "internal/doc"},
	"internal/lsp":               {"config", "config/butane", "config/rules", "internal/check", "internal/doc", "internal/format", "internal/schema"},
	"internal/schema/gendocs":    {"config", "config/butane", "internal/doc", "internal/schema"},
	"internal/gpt":               {"internal/blkprobe"},
	"internal/man":               {},
	"internal/firstboot":         {"files/rootfs", "internal/bootloader", "internal/distribution", "internal/reset"},
	"internal/network":           {"config", "internal/doc", "internal/report", "internal/system", "internal/yaml"},
	"internal/bootloader":        {"files/rootfs", "internal/blkprobe", "internal/gpt", "internal/system"},
	"internal/reset":             {"internal/doc", "internal/json"},
	"internal/report":            {"config", "internal/json", "internal/system"},
	"internal/timeline":          {"config", "internal/json", "internal/report", "internal/system"},
	"internal/system":            {},
	"internal/storeurl":          {},
	"internal/tar":               {},
	"internal/tpm":               {},
	"internal/trust":             {},
	"internal/testkit":           {},
	"internal/xmltext":           {},
	"internal/system/systemtest": {"internal/system"},
	"internal/fetch":             {"config", "internal/dataurl", "internal/http", "internal/json", "internal/report", "internal/storeurl", "internal/system", "internal/xmltext"},
	"internal/secret":            {"config", "internal/report", "internal/system"},
	"internal/imds":              {"internal/fetch", "internal/http", "internal/json", "internal/report"},
	"providers":                  {"config", "files/rootfs", "internal/blkprobe", "internal/doc", "internal/hypervisor", "internal/http", "internal/fetch", "internal/imds", "internal/json", "internal/network", "internal/distribution", "internal/report", "internal/system", "internal/trust", "internal/xmltext"},
	"providers/limits":           {"config"},
	"metadata":                   {"internal/dataurl", "internal/json", "internal/distribution", "internal/fetch", "internal/imds", "internal/network", "internal/report", "internal/system", "providers"},
	"storage/plan":               {"config", "internal/gpt", "internal/blkprobe", "internal/report"},
	"storage":                    {"config", "storage/plan", "files/rootfs", "internal/dataurl", "internal/gpt", "internal/blkprobe", "internal/json", "internal/report", "internal/system"},
	"files/rootfs":               {},
	"files/ledger":               {"files/rootfs", "internal/json"},
	"files/clearing":             {"config", "files/rootfs", "internal/distribution", "internal/firstboot", "internal/report", "internal/reset", "internal/system"},
	"files":                      {"config", "files/rootfs", "files/ledger", "internal/json", "internal/fetch", "internal/report", "internal/system", "internal/tar"},
	"stages":                     {"metadata", "internal/network", "config", "config/butane", "config/spec2", "internal/bootloader", "internal/dataurl", "internal/distribution", "internal/json", "internal/fetch", "internal/imds", "internal/secret", "providers", "storage", "files", "files/clearing", "files/ledger", "files/rootfs", "internal/report", "internal/reset", "internal/system", "internal/tpm", "internal/trust"},
	"cmd/firstlight":             {"metadata", "stages", "files/rootfs", "internal/bootloader", "internal/firstboot", "providers", "config", "internal/distribution", "internal/report", "internal/reset", "internal/system", "internal/trust"},
	"cmd/firstlightctl":          {"internal/secret", "config", "config/rules", "config/butane", "config/spec2", "internal/check", "internal/format", "internal/lsp", "internal/schema", "internal/fetch", "files", "files/clearing", "files/ledger", "files/rootfs", "internal/bootloader", "internal/firstboot", "internal/reset", "internal/initramfs", "internal/qemu", "internal/console", "internal/emulator", "providers/limits", "providers", "internal/distribution", "internal/report", "internal/timeline", "stages", "storage", "storage/plan", "internal/system", "internal/tpm", "internal/trust"},
}

// agentLibraries are the modules that the agent may link. Each was weighed.
var agentLibraries = []string{
	"filippo.io/age",
	"filippo.io/hpke",
	"github.com/coreos/go-systemd/v22",
	"github.com/diskfs/go-diskfs",
	"github.com/google/uuid",
	"golang.org/x/crypto",
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

// Each package has its own row, also one below another: what a package may
// import its sub-packages may not, unless their rows say so.
func TestImportsFollowTheTable(t *testing.T) {
	exists := map[string]bool{}
	for _, p := range list(t, module+"...") {
		importer := strings.TrimPrefix(p.ImportPath, module)
		exists[importer] = true
		if strings.HasPrefix(importer, "tests/") {
			continue
		}
		allowed, known := allowedImports[importer]
		if !known {
			t.Errorf("package %s is not in the table of allowed imports", importer)
		}
		for _, i := range p.Imports {
			if imported, ours := strings.CutPrefix(i, module); ours && !slices.Contains(allowed, imported) {
				t.Errorf("%s must not import %s", importer, imported)
			}
		}
	}
	for importer, allowed := range allowedImports {
		for _, name := range append([]string{importer}, allowed...) {
			if !exists[name] || strings.HasPrefix(name, "tests/") {
				t.Errorf("the row of %s has %s, which does not exist or is of the tests", importer, name)
			}
		}
	}
}

// pureLibraries are those of the standard library that cannot do I/O.
var pureLibraries = []string{"cmp", "errors", "fmt", "maps", "path", "slices", "sort", "strconv", "strings", "unicode"}

func TestPlanningDisksDoesNoIO(t *testing.T) {
	const planner = "storage/plan"
	for _, p := range list(t, module+planner) {
		for _, i := range p.Imports {
			if _, ours := strings.CutPrefix(i, module); !ours && !slices.Contains(pureLibraries, i) {
				t.Errorf("%s imports %s, through which it could do I/O", planner, i)
			}
		}
	}
}

// heavy are packages of the standard library that the agent does without, with what to
// use instead.
var heavy = map[string]string{
	"net/http":      "internal/http",
	"text/template": "fmt",
	"encoding/xml":  "internal/xmltext",
	"archive/tar":   "internal/tar",
	"regexp":        "strings",
}

// linksHeavy are libraries that link one of them all the same: age has one expression, which
// takes 66 kB of the packed agent.
var linksHeavy = map[string]bool{"filippo.io/age": true}

func TestAgentLinksOnlyWeighedLibraries(t *testing.T) {
	for _, p := range list(t, "-deps", module+"cmd/firstlight") {
		for _, i := range p.Imports {
			if instead := heavy[i]; instead != "" && !linksHeavy[p.ImportPath] {
				t.Errorf("%s imports %s, which costs the agent hundreds of kB: use %s", p.ImportPath, i, instead)
			}
		}
		if p.Standard || p.Module == nil || strings.HasPrefix(p.ImportPath, module) {
			continue
		}
		if !slices.Contains(agentLibraries, p.Module.Path) {
			t.Errorf("the agent links %s of module %s, which is not in the table", p.ImportPath, p.Module.Path)
		}
	}
}
