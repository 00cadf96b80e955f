package main

import (
	"io"
	"os"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
)

// stdinName is how messages call what comes from standard input.
const stdinName = "<stdin>"

// An input is one config as it was given.
type input struct {
	name string // for messages; the config's origins have it too
	text []byte
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
	return input{file, text}, err
}

// check tells all that is wrong with a config in either language. Butane is
// checked as what it is for: one for OpenShift is fine, though no machine can
// boot with it directly.
func (i input) check(filesDir string) config.Problems {
	var problems config.Problems
	var err error
	if butane.IsButane(i.text) {
		_, problems, err = butane.Translate(i.text, i.name, butane.Options{FilesDir: filesDir})
	} else {
		_, problems, err = config.Parse(i.text, i.name)
	}
	return allProblems(i.name, problems, err)
}

// allProblems are those of a config, including the one that no place in it can
// be given for: that it is empty.
func allProblems(name string, problems config.Problems, err error) config.Problems {
	if err == nil || problems.HasErrors() {
		return problems
	}
	return append(problems, config.Problem{Severity: config.Error, Origin: config.Origin{Source: name}, Message: err.Error()})
}
