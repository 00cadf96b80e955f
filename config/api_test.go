package config_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// publicPackages are those that others build on, and what is theirs of internal/doc, as
// aliases.
var publicPackages = map[string][]string{
	".":      {"../internal/doc", "Object", "Origin", "Version"},
	"butane": {"../internal/doc", "Field", "Kind"},
	"spec2":  nil,
	"rules":  nil,
}

const howToChange = `An added name: UPDATE_GOLDEN=1 go test ./config -run TestPublicAPI, and commit api.txt.
A name that is gone, or means something else: programs of others no longer build. Keep the
old name and mark it "Deprecated:" instead; else it is a new major version of the module (of
0.x: a minor one), and CHANGELOG.md says what to write now.`

func TestPublicAPI(t *testing.T) {
	for dir := range publicPackages {
		got := strings.Join(exported(t, dir), "\n") + "\n"
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(dir+"/api.txt", []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(dir + "/api.txt")
		if err != nil {
			t.Fatal(err)
		}
		if changes := difference(string(golden), got); changes != "" {
			t.Errorf("the exported names of package %s are not those of api.txt:\n%s\n%s", dir, changes, howToChange)
		}
	}
}

func TestExportedNamesHaveComments(t *testing.T) {
	for dir := range publicPackages {
		for _, d := range declarations(t, dir) {
			if d.comment == "" {
				t.Errorf("package %s: there is no comment on %s", dir, d.text)
			}
		}
	}
}

// difference has the lines that are gone with -, and those that are new with +.
func difference(before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	var changes []string
	for _, line := range old {
		if !slices.Contains(now, line) {
			changes = append(changes, "- "+line)
		}
	}
	for _, line := range now {
		if !slices.Contains(old, line) {
			changes = append(changes, "+ "+line)
		}
	}
	return strings.Join(changes, "\n")
}

// A declaration is an exported name, with its type.
type declaration struct {
	text, comment string
}

// exported has a line for each exported name of a package, in alphabetical order.
func exported(t *testing.T, dir string) []string {
	t.Helper()
	var lines []string
	for _, d := range declarations(t, dir) {
		lines = append(lines, d.text)
	}
	slices.Sort(lines)
	return lines
}

func declarations(t *testing.T, dir string) []declaration {
	t.Helper()
	all := packageOf(t, dir, nil)
	if aliases := publicPackages[dir]; aliases != nil {
		all = append(all, packageOf(t, aliases[0], aliases[1:])...)
	}
	return all
}

// packageOf returns the declarations of a package, or those of some types and their
// methods.
func packageOf(t *testing.T, dir string, types []string) []declaration {
	t.Helper()
	names, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	e := &exports{t: t, files: token.NewFileSet(), types: types, declared: map[string]bool{}}
	var sources []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(e.files, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		e.findTypes(f)
		sources = append(sources, f)
	}
	for _, f := range sources {
		for _, d := range f.Decls {
			e.declaration(d)
		}
	}
	return e.all
}

type exports struct {
	t        *testing.T
	files    *token.FileSet
	types    []string // nil is all names
	declared map[string]bool
	all      []declaration
}

func (e *exports) findTypes(f *ast.File) {
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
			for _, s := range g.Specs {
				e.declared[s.(*ast.TypeSpec).Name.Name] = true
			}
		}
	}
}

// wants reports whether a name, or the methods of a type, are looked for.
func (e *exports) wants(name string, isType bool) bool {
	return ast.IsExported(name) && (e.types == nil || isType && slices.Contains(e.types, name))
}

func (e *exports) declaration(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		of := ""
		if d.Recv != nil {
			of = strings.Trim(e.source(d.Recv.List[0].Type), "*[T]")
		}
		if !ast.IsExported(d.Name.Name) || of == "" && !e.wants(d.Name.Name, false) || of != "" && !e.wants(of, true) {
			return
		}
		head := *d
		head.Body, head.Doc = nil, nil
		if comment := d.Doc.Text(); comment != "" || !isUsual(d.Name.Name) {
			e.add(e.source(&head), comment)
		} else {
			e.add(e.source(&head), "as its interface says")
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			e.spec(s, d)
		}
	}
}

// isUsual reports whether a method is one of an interface that everybody knows.
func isUsual(method string) bool {
	return method == "String" || method == "Error" || method == "Unwrap"
}

func (e *exports) spec(s ast.Spec, around *ast.GenDecl) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if !e.wants(s.Name.Name, true) {
			return
		}
		comment := s.Doc.Text() + around.Doc.Text()
		object, ok := s.Type.(*ast.StructType)
		if !ok {
			assign := " "
			if s.Assign.IsValid() {
				assign = " = "
			}
			e.add("type "+s.Name.Name+assign+e.source(s.Type), comment)
			return
		}
		e.add("type "+s.Name.Name+" struct", comment)
		for _, f := range object.Fields.List {
			e.field(s.Name.Name, f)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if !e.wants(name.Name, false) {
				continue
			}
			text := around.Tok.String() + " " + name.Name
			if s.Type != nil {
				text += " " + e.source(s.Type)
			}
			e.add(text, s.Doc.Text()+s.Comment.Text()+around.Doc.Text())
		}
	}
}

// field adds the exported names of a field. One of a type of this package needs no comment
// of its own.
func (e *exports) field(of string, f *ast.Field) {
	kind := e.source(f.Type)
	comment := f.Doc.Text() + f.Comment.Text()
	if e.declared[kind] && comment == "" {
		comment = "see there"
	}
	if f.Names == nil {
		e.add("type "+of+" struct, "+kind, "embedded")
	}
	for _, name := range f.Names {
		if ast.IsExported(name.Name) {
			tag := ""
			if f.Tag != nil {
				tag = " " + f.Tag.Value
			}
			e.add("type "+of+" struct, "+name.Name+" "+kind+tag, comment)
		}
	}
}

func (e *exports) add(text, comment string) {
	e.all = append(e.all, declaration{text, strings.TrimSpace(comment)})
}

// source prints a node on one line.
func (e *exports) source(n ast.Node) string {
	e.t.Helper()
	var b bytes.Buffer
	if err := format.Node(&b, e.files, n); err != nil {
		e.t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestDifferencesOfAPIs(t *testing.T) {
	if got, want := difference("a\nb\n", "b\nc\n"), "- a\n+ c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := fmt.Sprint(exported(t, "spec2")); got != "[func Parse(text []byte, name string) (*config.Config, config.Problems, error)]" {
		t.Errorf("package spec2 exports %s", got)
	}
}
