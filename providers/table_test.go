package providers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// knownIDs are the platforms of the reference; a machine of any of them must find
// itself here.
var knownIDs = []string{
	"akamai", "aliyun", "applehv", "aws", "azure", "azurestack", "brightbox", "cloudstack",
	"digitalocean", "exoscale", "file", "gcp", "hetzner", "hyperv", "ibmcloud", "kubevirt",
	"metal", "nutanix", "nvidiabluefield", "openstack", "oraclecloud", "outscale", "packet", "powervs",
	"proxmoxve", "qemu", "scaleway", "upcloud", "virtualbox", "vmware", "vultr", "zvm",
}

// registeredIDs are the IDs of the table, in its order.
func registeredIDs() []string {
	var ids []string
	for _, p := range Platforms {
		ids = append(ids, p.ID)
	}
	return ids
}

// allIDs are the platforms that something has to be there for.
func allIDs() []string {
	ids := append(registeredIDs(), knownIDs...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

func TestEveryKnownPlatformIsRegistered(t *testing.T) {
	_, missing := ByID("")
	for _, id := range knownIDs {
		p, err := ByID(id)
		if err != nil {
			t.Errorf("%s is not in platforms.go", id)
			continue
		}
		if p.ID != id || p.Fetch == nil {
			t.Errorf("%s is %+v", id, p)
		}
		if !regexp.MustCompile(`[ ,]` + id + `(,|$)`).MatchString(missing.Error()) {
			t.Errorf("%s is not in: %v", id, missing)
		}
	}
}

func TestTableIsInOrderAndNamesEachOnce(t *testing.T) {
	ids := registeredIDs()
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("the platforms are not in order, or one is there twice: %v", ids)
	}
}

func TestEveryPlatformIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/platforms.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, heading := range regexp.MustCompile("(?m)^### `(.*)`$").FindAllSubmatch(text, -1) {
		documented = append(documented, string(heading[1]))
	}
	if !slices.Equal(documented, registeredIDs()) {
		t.Errorf("the sections of docs/platforms.md are not those of the table, in its order: %v", documented)
	}
	for _, p := range Platforms {
		if !slices.Contains(documented, p.ID) {
			t.Errorf("docs/platforms.md has no section %s", p.ID)
		}
		if p.Name == "" || p.NoConfig == "" || !strings.HasPrefix(p.Docs, "https://") && p.ID != "file" && p.ID != "metal" {
			t.Errorf("%s needs a name, what a machine without a config looks like, and the URL of the vendor's description", p.ID)
		}
	}
}

// TestEveryPlatformIsTested looks for tests that name a platform or its
// function, and for tests in a file of its name.
func TestEveryPlatformIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "../internal/emulator/services.go", "../tests/providers/*_test.go", "../tests/drives/*_test.go", "../tests/channels/*_test.go"} {
		for name, f := range sources(t, pattern) {
			if name != "table_test.go" {
				noteNames(tested, name, f)
			}
		}
	}
	functions := fetchFunctions(t)
	for _, id := range allIDs() {
		if !tested["file "+id] && !tested["text "+id] && !tested["name "+functions[id]] {
			t.Errorf("no test of %s: see docs/development.md", id)
		}
	}
}

// noteNames notes what a test file names: by its own name, in strings, in code.
func noteNames(named map[string]bool, file string, f *ast.File) {
	if slices.ContainsFunc(f.Decls, isTest) {
		named["file "+strings.TrimSuffix(filepath.Base(file), "_test.go")] = true
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			named["name "+n.Name] = true
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				named["text "+text] = true
			}
		}
		return true
	})
}

func isTest(d ast.Decl) bool {
	f, ok := d.(*ast.FuncDecl)
	return ok && strings.HasPrefix(f.Name.Name, "Test")
}

// sources parses the files that a pattern matches.
func sources(t *testing.T, pattern string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if files[name], err = parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// fetchFunctions are the names of functions in the table, by ID.
func fetchFunctions(t *testing.T) map[string]string {
	t.Helper()
	functions := map[string]string{}
	ast.Inspect(sources(t, "platforms.go")["platforms.go"], func(n ast.Node) bool {
		entry, ok := n.(*ast.CompositeLit)
		if !ok || entry.Type != nil {
			return true
		}
		fields := map[string]string{}
		for _, e := range entry.Elts {
			pair := e.(*ast.KeyValueExpr)
			switch v := pair.Value.(type) {
			case *ast.Ident:
				fields[pair.Key.(*ast.Ident).Name] = v.Name
			case *ast.BasicLit:
				fields[pair.Key.(*ast.Ident).Name] = strings.Trim(v.Value, `"`)
			}
		}
		functions[fields["ID"]] = fields["Fetch"]
		return true
	})
	return functions
}
