package config

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// allocated is how many bytes are allocated by what does something, however soon they are
// garbage.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestLargeContentsAreNotCopied(t *testing.T) {
	const size, most = 16 << 20, 1 << 20
	text := fmt.Appendf(nil, `{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/a", "contents": {"source": "data:;base64,%s"}}]}}`, strings.Repeat("AAAA", size/4))
	var cfg *Config
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"parsing", func() (err error) { cfg, _, err = Parse(text, "config"); return err }},
		{"checking", func() error { cfg.ValidateMerged(); return nil }},
		{"saving", func() error { _, err := cfg.SaveTo(io.Discard); return err }},
	} {
		var err error
		if n := allocated(func() { err = c.do() }); err != nil || n > most {
			t.Errorf("%s %d bytes: allocated %d, want at most %d; %v", c.name, len(text), n, most, err)
		}
	}
}

func TestAFileTakesAFewAllocations(t *testing.T) {
	const few, many = 500, 1500
	texts := map[int][]byte{few: bigConfig(few), many: bigConfig(many)}
	allocations := func(files int) float64 {
		return testing.AllocsPerRun(3, func() {
			cfg, _, err := Parse(texts[files], "config")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cfg.SaveTo(io.Discard); err != nil {
				t.Fatal(err)
			}
		})
	}
	// The reader of a data URL takes most of them.
	const most = 8
	if each := (allocations(many) - allocations(few)) / (many - few); each > most {
		t.Errorf("a file takes %.1f allocations, want at most %d", each, most)
	} else {
		t.Logf("a file takes %.1f allocations", each)
	}
}
