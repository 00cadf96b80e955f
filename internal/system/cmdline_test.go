package system

import (
	"os"
	"path/filepath"
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
