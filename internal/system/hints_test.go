package system

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

type silent struct{}

func (silent) Debug(string, ...string)  {}
func (silent) Warn(string, ...string)   {}
func (silent) Waited(string, time.Time) {}

// runAs runs a shell script as a helper program of a name.
func runAs(t *testing.T, name, script string) *CommandError {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	_, err := Exec{Log: silent{}}.Run(context.Background(), Command{Name: name, Args: []string{"--quick", "secret"}, Secrets: []string{"secret"}})
	var failure *CommandError
	if !errors.As(err, &failure) {
		t.Fatalf("got %v", err)
	}
	return failure
}

func TestFailuresOfHelperProgramsHaveCauseDetailAndHint(t *testing.T) {
	for _, c := range []struct{ name, script, cause, detail, hint string }{
		{"useradd", "echo created; echo useradd: Warning: no shell >&2; echo \"useradd: invalid user name 'no:name'\" >&2; exit 3",
			"useradd: invalid user name 'no:name'", "useradd --quick (hidden): exit status 3", "check the values of this user"},
		{"mkfs.xfs", "echo it is too small; exit 1", "mkfs.xfs: it is too small", "exit status 1", "large enough"},
		{"cryptsetup", "echo secret >&2; exit 2", "cryptsetup: (hidden)", "exit status 2", "the key does not open the volume"},
		{"mdadm", "exit 1", "mdadm --quick (hidden): exit status 1, without a message", "mdadm --quick", "/proc/mdstat"},
		{"mkfs.btrfs", "kill -9 $$", "mkfs.btrfs --quick (hidden): signal: killed, without a message", "signal: killed", "want of memory"},
		{"clevis", "kill -11 $$", "clevis --quick (hidden): signal: segmentation fault", "segmentation fault", "a bug of the program"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := runAs(t, c.name, c.script)
			for got, want := range map[string]string{e.Error(): c.cause, e.Detail(): c.detail, e.Hint(): c.hint} {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want %q in it", got, want)
				}
			}
		})
	}
}

func TestMissingHelperProgramIsNamedWithItsPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Exec{Log: silent{}}.Run(context.Background(), Command{Name: "useradd", Args: []string{"core"}})
	var e *CommandError
	if !errors.As(err, &e) || !errors.Is(err, exec.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	for got, want := range map[string]string{
		e.Error():  "the program useradd is not in this initramfs",
		e.Detail(): "needed to run: useradd core",
		e.Hint():   "rebuild the initramfs where the program is installed (package shadow-utils; on Debian passwd), or with dracut --install useradd",
	} {
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// indirect are the programs that a package runs by names that are not constants.
var indirect = map[string][]string{
	"files":     {"groupadd", "groupmod", "groupdel", "useradd", "usermod", "userdel", "chpasswd", "chgpasswd"},
	"storage":   {"mkfs.btrfs", "mkfs.ext4", "mkfs.fat", "mkfs.xfs", "mkswap"},
	"stages":    {"ignition-kargs-helper"}, // or what the distribution has set
	"providers": {"vmur", "chccwdev", "cio_ignore", "udevadm"},
}

func TestEachHelperProgramHasAHint(t *testing.T) {
	for _, names := range indirect {
		for _, name := range names {
			if findHelper(name).other == "" {
				t.Errorf("%s has no hint", name)
			}
		}
	}
	root := filepath.Join("..", "..")
	found := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		dir, _ := filepath.Rel(root, filepath.Dir(name))
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(dir, "tests") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			program, is := commandName(n, dir)
			if !is {
				return true
			}
			found++
			top, _, _ := strings.Cut(dir, "/")
			switch literal, ok := program.(*ast.BasicLit); {
			case !ok && indirect[top] == nil:
				t.Errorf("%s runs a program by a variable name: add it to indirect", name)
			case ok:
				if text, _ := strconv.Unquote(literal.Value); findHelper(text).other == "" {
					t.Errorf("%s runs %s, which has no hint", name, text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || found < 10 {
		t.Errorf("%d commands, %v", found, err)
	}
}

// commandName returns what a Command literal has for its name.
func commandName(n ast.Node, dir string) (ast.Expr, bool) {
	literal, ok := n.(*ast.CompositeLit)
	if !ok {
		return nil, false
	}
	switch typ := literal.Type.(type) {
	case *ast.SelectorExpr:
		if pkg, ok := typ.X.(*ast.Ident); !ok || pkg.Name != "system" || typ.Sel.Name != "Command" {
			return nil, false
		}
	case *ast.Ident:
		if dir != "internal/system" || typ.Name != "Command" {
			return nil, false
		}
	default:
		return nil, false
	}
	for _, e := range literal.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok && pair.Key.(*ast.Ident).Name == "Name" {
			return pair.Value, true
		}
	}
	return nil, false
}
