package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unbounded are the places that read to the end without a limit of their own, and why
// they may.
var unbounded = map[string]string{
	"cmd/firstlight/apply.go": "a person has named it",
	"cmd/firstlightctl/":      "a person has named it",
	"config/butane/":          "a person has named it, on a workstation",
	"initramfs/u-root/":       "what the agent has written",
	"internal/lsp/params.go":  "a regular file of a size that it has looked at",
	"internal/man/":           "part of the source",
	"internal/qemu/":          "of the workstation's own QEMU, or a sector",
	"internal/testkit/":       "tests",
	"tools/":                  "part of the source",
	"tests/":                  "tests",
	"providers/applehv.go":    "the connection has a limit",
	"stages/files.go":         "a data URL in the state, which has a limit",
}

// What an image, a platform or a server gives may be a pipe, a device or endless: it is
// read by system.ReadFile and rootfs.Root, or through an io.LimitReader.
func TestWhatIsReadIsBounded(t *testing.T) {
	root := filepath.Join("..", "..")
	used := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		at, _ := filepath.Rel(root, name)
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		if what := unboundedRead(file); what != "" {
			for place := range unbounded {
				if strings.HasPrefix(at, place) {
					used[place] = true
					return nil
				}
			}
			t.Errorf("%s calls %s", at, what)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range unbounded {
		if !used[place] && !slices.Contains([]string{"tests/", "tools/", "internal/man/"}, place) {
			t.Errorf("%s reads nothing without a limit", place)
		}
	}
}

// unboundedRead names a call that reads to the end, "" if there is none.
func unboundedRead(file *ast.File) (what string) {
	// Elsewhere fs is a variable, a rootfs.Root.
	importsFS := slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"io/fs"` })
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		switch name := called(call); {
		case name == "os.ReadFile", name == "fs.ReadFile" && importsFS, name == "io.ReadAll" && !isLimited(call.Args[0]):
			what = name
		}
		return true
	})
	return what
}

func isLimited(arg ast.Expr) bool {
	call, ok := arg.(*ast.CallExpr)
	return ok && called(call) == "io.LimitReader"
}

// called is the function of a package that a call is of.
func called(call *ast.CallExpr) string {
	if f, ok := call.Fun.(*ast.SelectorExpr); ok {
		if pkg, ok := f.X.(*ast.Ident); ok {
			return pkg.Name + "." + f.Sel.Name
		}
	}
	return ""
}
