// Command gendocs writes the files that are generated from the types of configs and
// their comments, for go generate:
//
//	gendocs descriptions.json           the comments, for package schema
//	gendocs ../../docs/fields.md        the reference of all fields
//
// It is run in the directory of package schema.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/firstlight-os/firstlight/internal/schema"
)

// outputs holds a function for each file, which gets the directory of package config.
var outputs = map[string]func(config string) ([]byte, error){
	"descriptions.json": descriptions,
	"fields.md":         func(string) ([]byte, error) { return schema.Fields(), nil },
}

func main() {
	if err := run(os.Args[1:], "../../config"); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

func run(args []string, config string) error {
	if len(args) != 1 || outputs[filepath.Base(args[0])] == nil {
		return fmt.Errorf("name one file to write: descriptions.json or fields.md")
	}
	text, err := outputs[filepath.Base(args[0])](config)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], text, 0o644)
}
