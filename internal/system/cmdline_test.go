package system

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestKernelArguments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cmdline")
	t.Setenv(cmdlineVariable, path)
	text := "quiet root=UUID=1-2\tignition.config.url=http://a/?b=c console=ttyS0 console=tty0  \n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := KernelArguments()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"quiet": "", "root": "UUID=1-2", "ignition.config.url": "http://a/?b=c", "console": "tty0",
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %q (there: %v), want %q", name, value, ok, want)
		}
	}
	if len(got) != 4 {
		t.Errorf("got %v", got)
	}
}

func TestKernelArgumentsNameTheFileThatCannotBeRead(t *testing.T) {
	t.Setenv(cmdlineVariable, "/nonexistent/cmdline")
	_, err := KernelArguments()
	if err == nil || !strings.Contains(err.Error(), "reading the kernel command line: open /nonexistent/cmdline") {
		t.Errorf("got %v", err)
	}
}

func TestOurKernelArgumentsAreDocumented(t *testing.T) {
	root := filepath.Join("..", "..")
	document, err := os.ReadFile(filepath.Join(root, "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	argument, found := regexp.MustCompile(`"(firstlight\.[a-z_]+)[="]`), 0
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		dir, _ := filepath.Rel(root, filepath.Dir(name))
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(dir, "tests") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range argument.FindAllSubmatch(text, -1) {
			found++
			if !strings.Contains(string(document), "`"+string(m[1])) {
				t.Errorf("%s: docs/operating.md does not have the kernel argument %s", name, m[1])
			}
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d arguments, %v", found, err)
	}
}
