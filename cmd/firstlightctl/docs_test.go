package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

var (
	// shown is a command in a block of its own, as it is typed; a prompt may be before it.
	shown = regexp.MustCompile(`(?m)^(?:    |\t)? *(?:[$#] )?(?:sudo )?firstlightctl ((?:[^\n\\]|\\\n|\\.)*)$`)
	// named is one in a text, which may be broken.
	named = regexp.MustCompile("`firstlightctl ([^`]+)`")
	// rest is what the shell, or the reader, takes for something else.
	rest = regexp.MustCompile(`(?:\s[|>#;&(]|\.\.\.|\s2>).*`)
)

// commandsOf returns the arguments of the commands in a page: those that can be typed, and
// those that are only named.
func commandsOf(page string) (typed, mentioned []string) {
	inFence := false
	var blocks strings.Builder
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, "```"):
			inFence = !inFence
		case inFence || strings.HasPrefix(line, "    "):
			blocks.WriteString(line)
		}
	}
	for _, m := range shown.FindAllStringSubmatch(blocks.String(), -1) {
		typed = append(typed, strings.ReplaceAll(m[1], "\\\n", " "))
	}
	for _, m := range named.FindAllStringSubmatch(page, -1) {
		mentioned = append(mentioned, m[1])
	}
	return typed, mentioned
}

// words splits a command as a shell does, as far as the pages need it.
func words(line string) (all []string) {
	for _, w := range regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`).FindAllString(rest.ReplaceAllString(line, ""), -1) {
		all = append(all, strings.Trim(w, `"'`))
	}
	return all
}

// Whoever types a command of the documentation gets no error of usage.
func TestCommandsOfTheDocumentationExist(t *testing.T) {
	pages, typed := 0, 0
	for _, dir := range []string{"docs", "examples", "README.md", "packaging"} {
		err := filepath.WalkDir("../../"+dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".md") {
				return err
			}
			pages++
			commands, mentioned := commandsOf(testkit.ReadFile(t, path))
			typed += len(commands)
			for i, line := range append(commands, mentioned...) {
				if err := understand(words(line), i < len(commands)); err != nil {
					t.Errorf("%s: firstlightctl %s: %v", strings.TrimPrefix(path, "../../"), line, err)
				}
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if pages < 30 || typed < 40 {
		t.Errorf("%d pages have %d commands", pages, typed)
	}
}

// understand parses a command as running it would; its arguments count if they are whole.
func understand(args []string, whole bool) error {
	c, left, err := command().Find(args)
	if err != nil {
		return err
	}
	// A text names a flag without its value.
	if err := c.ParseFlags(left); err != nil && (whole || !strings.HasPrefix(err.Error(), "flag needs an argument: ")) {
		return err
	}
	if whole && c.Args != nil {
		return c.Args(c, c.Flags().Args())
	}
	if c.Args == nil && !c.Runnable() && len(c.Flags().Args()) > 0 {
		return cobra.NoArgs(c, c.Flags().Args())
	}
	return nil
}

func TestCommandsThatDoNotExistAreFound(t *testing.T) {
	typed, mentioned := commandsOf("Run `firstlightctl nothing` and\n\n    # firstlightctl plan --no-such \\\n      x.bu\n")
	for _, line := range append(typed, mentioned...) {
		if understand(words(line), true) == nil {
			t.Errorf("%q is understood", line)
		}
	}
	if len(typed) != 1 || len(mentioned) != 1 {
		t.Errorf("found are %q and %q", typed, mentioned)
	}
}
