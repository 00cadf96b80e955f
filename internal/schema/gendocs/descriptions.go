package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// sources are the files with the types, below the directory of package config.
var sources = []string{"types.go", "butane/schema.go"}

// descriptions collects the comments of types and members as JSON, by name:
// "File", and "File.mode". Types that are not exported have what Butane adds to
// others; their members are those of "sugar".
func descriptions(config string) ([]byte, error) {
	c := &collector{found: map[string]string{}, names: map[string]string{}}
	for _, name := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(config, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, c.declaration)
	}
	for name, text := range c.found {
		c.found[name] = c.inSpec(text)
	}
	if len(c.errors) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(c.errors, "; "))
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(c.found)
	return out.Bytes(), err
}

// A collector gathers comments.
type collector struct {
	found  map[string]string
	names  map[string]string // of members, from Go to the spec
	errors []string
}

// add takes the first paragraph; the others are for programmers.
func (c *collector) add(name, text string) {
	text, _, _ = strings.Cut(text, "\n\n")
	text = strings.Join(strings.Fields(text), " ")
	if old, twice := c.found[name]; twice && old != text {
		c.errors = append(c.errors, name+" has two meanings")
	}
	c.found[name] = text
}

// declaration takes the types that are objects of configs.
func (c *collector) declaration(n ast.Node) bool {
	d, ok := n.(*ast.GenDecl)
	if !ok || d.Tok != token.TYPE {
		return true
	}
	for _, spec := range d.Specs {
		s := spec.(*ast.TypeSpec)
		t, ok := s.Type.(*ast.StructType)
		if !ok || !isObject(t) {
			continue
		}
		owner := "sugar"
		if s.Name.IsExported() {
			owner = s.Name.Name
			c.add(owner, d.Doc.Text())
		}
		for _, f := range t.Fields.List {
			c.member(owner, f)
		}
	}
	return false
}

func (c *collector) member(owner string, f *ast.Field) {
	if len(f.Names) == 0 {
		return
	}
	tag, _ := strconv.Unquote(f.Tag.Value)
	name := reflect.StructTag(tag).Get("json")
	c.names[f.Names[0].Name] = name
	c.add(owner+"."+name, f.Doc.Text())
}

// isObject reports whether a struct embeds Object, as all objects of configs do.
func isObject(t *ast.StructType) bool {
	first := t.Fields.List
	if len(first) == 0 || len(first[0].Names) > 0 {
		return false
	}
	switch e := first[0].Type.(type) {
	case *ast.Ident:
		return e.Name == "Object"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Object"
	}
	return false
}

var word = regexp.MustCompile(`\w+`)

// inSpec spells the Go names of members as the spec does, unless they could be a word
// of English or an abbreviation.
func (c *collector) inSpec(text string) string {
	return word.ReplaceAllStringFunc(text, func(w string) string {
		name, known := c.names[w]
		humps := strings.IndexFunc(w[1:], unicode.IsUpper) >= 0
		if known && humps && strings.ToUpper(w) != w {
			return name
		}
		return w
	})
}
