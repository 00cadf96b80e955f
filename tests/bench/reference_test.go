package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// programs makes a PATH of scripts and an empty cache, and gives the cache.
func programs(t *testing.T, scripts map[string]string) string {
	t.Helper()
	bin, home := t.TempDir(), t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv("XDG_CACHE_HOME", home)
	return filepath.Join(home, "firstlight")
}

const (
	downloads = `[ "$*" = "download ignition" ] && : > ignition_2_all.deb`
	unpacks   = `PATH=/usr/bin:/bin
d=$3/usr/lib/dracut/modules.d/30ignition
mkdir -p $d && printf '#!/bin/sh\necho Ignition 2 of "$2"\necho more\n' > $d/ignition && chmod 755 $d/ignition`
)

func TestReferenceIsDownloadedOnce(t *testing.T) {
	cache := programs(t, map[string]string{"apt-get": downloads, "dpkg-deb": unpacks})
	found, version, err := reference(context.Background())
	if err != nil || version != "Ignition 2 of " {
		t.Fatalf("version %q, error %v", version, err)
	}
	tree := filepath.Join(cache, "reference")
	if !slices.Equal(found.stage, []string{filepath.Join(tree, referenceStage)}) || !slices.Equal(found.validate, []string{filepath.Join(tree, "usr/bin/ignition-validate")}) {
		t.Errorf("found %q", found)
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) != 1 {
		t.Errorf("the cache has %v, error %v", left, err)
	}
	t.Setenv("PATH", t.TempDir()) // neither apt-get nor dpkg-deb
	if _, again, err := reference(context.Background()); err != nil || again != version {
		t.Errorf("the second time: version %q, error %v", again, err)
	}
}

func TestAbsentReferenceIsExplainedInOneLine(t *testing.T) {
	for name, tc := range map[string]struct {
		scripts map[string]string
		says    string
	}{
		"no apt":        {nil, "there is no apt-get here"},
		"not known":     {map[string]string{"apt-get": "echo W: old >&2; echo E: Unable to locate package ignition >&2; exit 100"}, "apt-get download ignition: exit status 100: E: Unable to locate package ignition (apt-get update may help)"},
		"silent":        {map[string]string{"apt-get": "exit 100"}, "apt-get download ignition: exit status 100"},
		"no package":    {map[string]string{"apt-get": "exit 0"}, "it left 0 packages, not one"},
		"no dpkg":       {map[string]string{"apt-get": downloads}, "dpkg-deb -x"},
		"damaged":       {map[string]string{"apt-get": downloads, "dpkg-deb": "echo not an archive >&2; exit 2"}, "exit status 2: not an archive"},
		"cannot be run": {map[string]string{"apt-get": downloads, "dpkg-deb": `PATH=/usr/bin:/bin; mkdir "$3"`}, "it does not run here: ignition -version"},
	} {
		t.Run(name, func(t *testing.T) {
			cache := programs(t, tc.scripts)
			_, _, err := reference(context.Background())
			if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q in it", err, tc.says)
			}
			left, _ := filepath.Glob(filepath.Join(cache, "reference-*"))
			if len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// journalHost is a host with a journal. Its mount leaves a mark for each call.
func journalHost(t *testing.T, unshare string) (journal, mark string) {
	t.Helper()
	journal = t.TempDir()
	if err := os.WriteFile(filepath.Join(journal, "socket"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mark = filepath.Join(journal, "mounted")
	programs(t, map[string]string{"unshare": unshare, "mount": "echo $* >> " + mark, "true": "exit 0"})
	return journal, mark
}

func TestJournalIsHiddenFromEveryRun(t *testing.T) {
	journal, mark := journalHost(t, `shift 3; exec /bin/sh "$@"`)
	b := &bencher{dir: t.TempDir()}
	if err := b.hideJournal(context.Background(), journal); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(mark); err != nil {
		t.Fatalf("whether it can be hidden was not tried: %v", err)
	}
	if _, err := b.run(context.Background(), shell(`[ "$1" = agent ]`), tool{stage: []string{"agent"}}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(mark); err != nil || string(got) != "-t tmpfs none "+journal+"\n" {
		t.Errorf("mounted %q, error %v", got, err)
	}
}

func TestJournalThatCannotBeHiddenIsSaid(t *testing.T) {
	journal, _ := journalHost(t, "echo unshare failed: Operation not permitted >&2; exit 1")
	b := &bencher{}
	err := b.hideJournal(context.Background(), journal)
	if err == nil || !strings.Contains(err.Error(), "leaves a line in the journal") || !strings.HasSuffix(err.Error(), "Operation not permitted") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	if b.prefix != nil {
		t.Errorf("runs have the prefix %q all the same", b.prefix)
	}
}

func TestHostWithoutAJournalNeedsNoHiding(t *testing.T) {
	programs(t, nil) // no unshare
	b := &bencher{}
	if err := b.hideJournal(context.Background(), t.TempDir()); err != nil || b.prefix != nil {
		t.Errorf("error %v, prefix %q", err, b.prefix)
	}
}
