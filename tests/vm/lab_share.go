package vm

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"strings"
)

// writeShare packs the share directory: the program, its files, and the script
// that runs it.
func (l *Lab) writeShare(name string, job Job) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	var run strings.Builder
	run.WriteString("#!/bin/bash\n")
	for _, env := range job.Env {
		fmt.Fprintf(&run, "export %s\n", quote(env))
	}
	run.WriteString("exec ./program")
	for _, arg := range job.Args {
		run.WriteString(" " + quote(arg))
	}
	run.WriteString("\n")
	if err := w.WriteHeader(&tar.Header{Name: "run", Mode: 0o755, Size: int64(run.Len())}); err != nil {
		return err
	}
	if _, err := io.WriteString(w, run.String()); err != nil {
		return err
	}
	files := map[string]string{"program": job.Program, "firstlight": l.Agent, "firstlightctl": l.Ctl}
	for name, file := range job.Files {
		files[name] = file
	}
	for name, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	return w.Close()
}

// quote returns a word for a shell.
func quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
