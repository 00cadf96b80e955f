package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be each of the programs, for the scripts.
func TestMain(m *testing.M) {
	programs := map[string]func(){"firstlightctl": main}
	for name := range personalities {
		programs[name] = main
	}
	testscript.Main(tests{m}, programs)
}

// tests are those of this package, for which the programs need no preparation.
type tests struct{ *testing.M }

func (t tests) Run() int {
	useShortKeys()
	return t.M.Run()
}

// TestScripts runs testdata/script. A script has the files of testFiles in its
// directory beside its own, and these commands beside those of testscript:
//
//	exits STATUS PROGRAM ARGUMENTS...  checks the exit status, and that the program
//	                                   has left all files as they were
//	disk-image FILE CONFIG             makes a disk of 100 MiB with the partitions of
//	                                   a config
//	blank-image FILE                   makes an empty disk of 1 MiB
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("COLUMNS", "")
			return writeTestFiles(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"disk-image": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(makeImage(ts.MkAbs(args[0]), ts.MkAbs(args[1])))
			},
			"blank-image": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), make([]byte, 1<<20), 0o644))
			},
		},
	})
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGUMENTS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	before := readTree(ts, ts.Getenv("WORK"))
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
	if after := readTree(ts, ts.Getenv("WORK")); !maps.Equal(before, after) {
		ts.Fatalf("the files have changed: %v, before %v", after, before)
	}
}

// readTree describes all files below dir: their contents, or the time of the last
// change for disk images.
func readTree(ts *testscript.TestScript, dir string) map[string]string {
	files := map[string]string{}
	ts.Check(filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			files[path] = "directory"
			return err
		}
		if filepath.Ext(path) == ".img" {
			info, err := entry.Info()
			files[path] = fmt.Sprint(info.ModTime())
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	}))
	return files
}
