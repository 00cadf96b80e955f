package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A literal could leave out the rule, so that NewProblem is the only one that makes problems.
func TestProblemsAreMadeByTheirConstructorOnly(t *testing.T) {
	files, found := 0, 0
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "NewProblem" {
				found++
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				if l, ok := n.(*ast.CompositeLit); ok && isProblemLiteral(file, l) {
					t.Errorf("%s: a problem is made by a literal; use NewProblem", set.Position(l.Pos()))
				}
				return true
			})
		}
		return nil
	})
	if err != nil || files < 100 || found != 1 {
		t.Fatalf("%v; %d files, %d of them with NewProblem", err, files, found)
	}
}

// isProblemLiteral reports whether a literal is a problem, or a list of literals of them.
func isProblemLiteral(file *ast.File, l *ast.CompositeLit) bool {
	typ := l.Type
	if s, ok := typ.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); !ok || x.Name != "config" {
			return false
		}
		typ = s.Sel
	} else if file.Name.Name != "config" {
		return false
	}
	name, ok := typ.(*ast.Ident)
	if !ok || name.Name != "Problems" {
		return ok && name.Name == "Problem"
	}
	for _, e := range l.Elts {
		if inner, ok := e.(*ast.CompositeLit); ok && inner.Type == nil {
			return true
		}
	}
	return false
}

func TestEveryRuleIsListed(t *testing.T) {
	all := Rules()
	if len(all) != int(lastRule)-1 || all[0] == NoRule {
		t.Errorf("%d rules of %d", len(all), lastRule)
	}
}
