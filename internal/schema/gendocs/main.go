// Command gendocs writes what is made from the types of configs and their
// comments, when go generate asks for it:
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
)

// outputs are the files that can be made, by name. Their makers are given the
// directory of package config.
var outputs = map[string]func(config string) ([]byte, error){
	"descriptions.json": descriptions,
	"fields.md":         fields,
}

func main() {
	if err := run(os.Args[1:], "../../config"); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

func run(args []string, config string) error {
	if len(args) != 1 || outputs[filepath.Base(args[0])] == nil {
		return fmt.Errorf("give one file to write, descriptions.json or fields.md")
	}
	text, err := outputs[filepath.Base(args[0])](config)
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], text, 0o644)
}
