package main

import (
	"io"
	"os"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

// stdinName is the name of standard input in messages.
const stdinName = "<stdin>"

// An input is one config as read from a file or standard input.
type input struct {
	name string // for messages; the config's origins have it too
	text []byte // unpacked
	// encodings are what it was packed with, the outermost first.
	encodings []string
}

// newInput unpacks a config. One that cannot be unpacked stays as it is: whatever
// parses it says why.
func newInput(name string, packed []byte) input {
	text, encodings, err := config.Unpack(packed, name)
	if err != nil {
		return input{name: name, text: packed}
	}
	return input{name, text, encodings}
}

func read(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}

// readInput reads a file; - is standard input.
func readInput(file string, stdin io.Reader) (input, error) {
	text, err := read(file, stdin)
	if file == "-" {
		file = stdinName
	}
	return newInput(file, text), err
}

// problems returns everything that is wrong with a config in either language, and
// notes about a valid one. A
// Butane config is translated for its own target, so one for OpenShift is valid
// although no machine boots with it directly.
func (i input) problems(filesDir string) config.Problems {
	var problems config.Problems
	var err error
	if butane.IsButane(i.text) {
		var result *butane.Result
		if result, problems, err = butane.Translate(i.text, i.name, butane.Options{FilesDir: filesDir}); err == nil {
			problems = append(problems, result.Notes...)
		}
	} else {
		var cfg *config.Config
		if cfg, problems, err = config.Parse(i.text, i.name); err == nil {
			problems = append(problems, config.Notes(cfg)...)
		}
	}
	return withError(i.name, problems, err)
}

// withError adds err to the problems unless they explain it: an empty config has
// an error without a position.
func withError(name string, problems config.Problems, err error) config.Problems {
	if err == nil || problems.HasErrors() {
		return problems
	}
	return append(problems, config.Problem{Severity: config.Error, Origin: config.Origin{Source: name}, Message: err.Error()})
}
