package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/check"
	"github.com/firstlight-os/firstlight/internal/trust"
)

// stdinName is the name of standard input in messages.
const stdinName = "<stdin>"

// An input is one config as read from a file or standard input.
type input struct {
	name string // for messages; the config's origins have it too
	text []byte // unpacked
	// encodings are what it was packed with, the outermost first.
	encodings []string
	// signed is the text with the signature that it begins with, nil without one.
	signed []byte
}

// newInput unpacks a config. One that cannot be unpacked stays as it is: whatever
// parses it says why. A signature before it is taken off, and counts as an encoding.
func newInput(name string, raw []byte) input {
	signature, packed := trust.Cut(raw)
	text, encodings, err := config.Unpack(packed, name)
	if err != nil {
		return input{name: name, text: packed}
	}
	in := input{name: name, text: text, encodings: encodings}
	if signature != nil {
		in.encodings, in.signed = append([]string{"signature"}, encodings...), raw
	}
	return in
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
	if info, _ := os.Stat(file); err != nil && info != nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory; name the configs in it: %s", file, filepath.Join(file, "*.bu"))
	}
	if file == "-" {
		file = stdinName
	}
	return newInput(file, text), err
}

// check looks at a config in either language.
func (i input) check(o butane.Options) *check.Result {
	return check.Text(i.text, i.name, o)
}
