// Command sbom lists what programs of Go were made of, from what go leaves in them, as
// CycloneDX 1.5 in JSON (https://cyclonedx.org/docs/1.5/json/):
//
//	sbom NAME VERSION PROGRAM...
//
// The time is SOURCE_DATE_EPOCH. The same programs give the same bytes.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

type document struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Time      string    `json:"timestamp"`
	Component component `json:"component"`
}

// A component is the product, one of its programs, or a module.
type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licenses []license `json:"licenses,omitempty"`
	// URL is a package URL (https://github.com/package-url/purl-spec).
	URL string `json:"purl,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type license struct {
	Expression string `json:"expression"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("usage: sbom NAME VERSION PROGRAM...")
	}
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	name, version := args[0], args[1]
	product := component{Type: "application", Ref: name, Name: name, Version: version, Licenses: []license{{"Apache-2.0"}}}
	d := document{Format: "CycloneDX", Spec: "1.5", Version: 1,
		Metadata: metadata{time.Unix(seconds, 0).UTC().Format(time.RFC3339), product}}
	whole, all := dependency{Ref: name}, map[string]component{}
	for _, file := range args[2:] {
		program, modules, err := read(file, version)
		if err != nil {
			return err
		}
		on := dependency{Ref: program.Ref}
		for _, m := range modules {
			all[m.Ref] = m
			on.On = append(on.On, m.Ref)
		}
		d.Components = append(d.Components, program)
		d.Dependencies = append(d.Dependencies, on)
		whole.On = append(whole.On, program.Ref)
	}
	d.Dependencies = append(d.Dependencies, whole)
	for _, ref := range slices.Sorted(maps.Keys(all)) {
		d.Components = append(d.Components, all[ref])
	}
	d.Serial = serial(d)
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// read returns a program and the modules in it, Go's own library among them.
func read(file, version string) (component, []component, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return component{}, nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return component{}, nil, err
	}
	sum := sha256.Sum256(text)
	base := filepath.Base(file)
	program := component{Type: "file", Ref: base, Name: base, Version: version, Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}}
	modules := []component{module("stdlib", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		modules = append(modules, module(m.Path, m.Version))
	}
	return program, modules, nil
}

func module(path, version string) component {
	url := "pkg:golang/" + path + "@" + version
	return component{Type: "library", Ref: url, Name: path, Version: version, URL: url}
}

// serial is a UUID (RFC 9562, version 8) that depends on nothing but the contents.
func serial(d document) string {
	text, _ := json.Marshal(d) // it has only texts
	sum := sha256.Sum256(text)
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
