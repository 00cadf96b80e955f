package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/tests/bench/table"
)

func TestBuildKeepsOutOfTheTree(t *testing.T) {
	dir := t.TempDir()
	programs(t, map[string]string{"make": `[ "$*" = "build BIN=` + dir + `/bin" ]`})
	got, err := build(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.stage, []string{filepath.Join(dir, "bin/firstlight")}) ||
		!slices.Equal(got.validate, []string{filepath.Join(dir, "bin/firstlightctl"), "validate"}) {
		t.Errorf("built %q", got)
	}
}

func TestBrokenTreeIsReportedWithTheCompilersWords(t *testing.T) {
	programs(t, map[string]string{"make": "echo config/parse.go:14: unused >&2; exit 2"})
	t.Setenv("TMPDIR", t.TempDir())
	err := bench(context.Background(), 1, "", table.Text, "")
	for _, words := range []string{"building Firstlight", "exit status 2", "config/parse.go:14: unused"} {
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want %q in it", err, words)
		}
	}
}

func TestUnknownTableIsAnError(t *testing.T) {
	if _, err := new(bencher).tables(context.Background(), "disks"); err == nil || err.Error() != `there is no table "disks"` {
		t.Errorf("got %v", err)
	}
}
