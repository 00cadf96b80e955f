package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/initramfs"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// The test binary may be linked dynamically: a program of nothing but a header is
// static.
const staticProgram = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "\x02\x00\x3e\x00\x01\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x40\x00\x38\x00\x00\x00\x40\x00\x00\x00\x00\x00"

func overlayFiles(t *testing.T) (image, agent, content string) {
	t.Helper()
	dir := t.TempDir()
	image, agent = filepath.Join(dir, "initramfs"), filepath.Join(dir, "agent")
	content = testkit.Gzip(string(initramfs.Overlay([]byte("anything"))[4096:]))
	testkit.WriteFile(t, image, content)
	testkit.WriteFile(t, agent, staticProgram)
	return image, agent, content
}

func ctl(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	status = run(args, strings.NewReader(""), &out, &errs)
	return status, out.String(), errs.String()
}

func TestOverlayIsAppendedOnceAndRemoved(t *testing.T) {
	image, agent, content := overlayFiles(t)
	testkit.NoError(t, os.Chmod(image, 0o600))
	status, stdout, stderr := ctl(t, "overlay", "append", image, agent)
	testkit.Equal(t, "status of append", status, exitOK)
	testkit.Contains(t, "output of append", stdout+stderr, "appended ", " bytes to the ", image)
	padded := content + strings.Repeat("\x00", (4-len(content)%4)%4)
	once := testkit.ReadFile(t, image)
	testkit.Equal(t, "image", once, padded+string(initramfs.Overlay([]byte(staticProgram))))

	_, stdout, _ = ctl(t, "overlay", "append", image, agent)
	testkit.Equal(t, "output of the second append", stdout, image+" has this overlay already\n")
	testkit.Equal(t, "image after the second append", testkit.ReadFile(t, image), once)

	another := staticProgram + "newer"
	testkit.WriteFile(t, agent, another)
	_, _, _ = ctl(t, "overlay", "append", image, agent)
	testkit.Equal(t, "image with a newer agent", testkit.ReadFile(t, image), padded+string(initramfs.Overlay([]byte(another))))

	info, err := os.Stat(image)
	testkit.NoError(t, err)
	testkit.Equal(t, "mode", info.Mode(), 0o600)

	_, stdout, _ = ctl(t, "overlay", "remove", image)
	testkit.Contains(t, "output of remove", stdout, "removed ", image)
	testkit.Equal(t, "image without", testkit.ReadFile(t, image), padded)
	_, stdout, _ = ctl(t, "overlay", "remove", image)
	testkit.Equal(t, "output of the second remove", stdout, image+" has no overlay\n")
}

func TestOverlayFileIsAnAgentToo(t *testing.T) {
	image, agent, _ := overlayFiles(t)
	overlay := filepath.Join(t.TempDir(), "overlay.cpio")
	status, _, stderr := ctl(t, "overlay", "write", overlay, agent)
	testkit.Equal(t, "status of write: "+stderr, status, exitOK)
	testkit.Equal(t, "overlay", testkit.ReadFile(t, overlay), string(initramfs.Overlay([]byte(staticProgram))))
	_, _, _ = ctl(t, "overlay", "append", image, agent)
	_, stdout, _ := ctl(t, "overlay", "append", image, overlay)
	testkit.Equal(t, "output of append", stdout, image+" has this overlay already\n")
}

func TestOverlayRefusesOtherFiles(t *testing.T) {
	image, agent, _ := overlayFiles(t)
	text := filepath.Join(t.TempDir(), "text")
	testkit.WriteFile(t, text, "a text\n")
	shell := "/bin/sh"
	if runtime.GOOS != "linux" {
		shell = text
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"append", text, agent}, text + " is no initramfs: it is neither a cpio archive"},
		{[]string{"append", image + "x", agent}, "reading the initramfs: open "},
		{[]string{"append", image, text}, "reading the agent " + text + ": it is neither a program for Linux nor an overlay"},
		{[]string{"append", image, shell}, "reading the agent " + shell + ": it is n"},
		{[]string{"append", image}, "there is no agent at "},
		{[]string{"remove", text}, text + " is no initramfs"},
		{[]string{"append"}, "accepts between 1 and 2 arg(s)"},
	} {
		before := testkit.ReadFile(t, text) + testkit.ReadFile(t, image)
		status, _, stderr := ctl(t, append([]string{"overlay"}, tc.args...)...)
		testkit.Equal(t, "status", status, exitError)
		testkit.Contains(t, "message", stderr, tc.want)
		testkit.Equal(t, "files", testkit.ReadFile(t, text)+testkit.ReadFile(t, image), before)
	}
}
