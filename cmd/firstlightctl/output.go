package main

import (
	"io"
	"os"
)

// writeOutput writes text to a file, or to standard output if file is empty.
func writeOutput(file string, text []byte, stdout io.Writer) error {
	if file == "" {
		_, err := stdout.Write(text)
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
