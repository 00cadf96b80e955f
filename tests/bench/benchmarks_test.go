package main

import (
	"context"
	"strings"
	"testing"
)

const printed = `goos: linux
pkg: github.com/firstlight-os/firstlight/config
BenchmarkParse5000Files 	      12	  93350936 ns/op	  15.28 MB/s	15588106 B/op
BenchmarkParse5000Files 	      20	  88000000 ns/op	  16.17 MB/s	15586800 B/op
BenchmarkParse5000Files 	      12	  98795596 ns/op	  14.43 MB/s	15586802 B/op
BenchmarkParse50000-2     	       2	 885.5 ns/op	  16.20 MB/s
PASS
`

func TestLeastTimeOfABenchmarkCounts(t *testing.T) {
	got, err := parseBenchmarks([]byte(printed), parseFew, parseMany)
	if err != nil || len(got) != 2 || got[parseFew] != 0.088 || got[parseMany] != 885.5e-9 {
		t.Errorf("figures %v, error %v", got, err)
	}
}

func TestMissingBenchmarksAreNamed(t *testing.T) {
	_, err := parseBenchmarks([]byte(printed), parseFew, wholeFew)
	if err == nil || !strings.Contains(err.Error(), "has no benchmark BenchmarkParseAndMerge5000Files") || strings.Contains(err.Error(), parseFew) {
		t.Errorf("error %v", err)
	}
}

func TestFigureThatIsNoNumberIsAnError(t *testing.T) {
	if _, err := parseBenchmarks([]byte("BenchmarkX 1 1.2.3 ns/op\n")); err == nil {
		t.Error("it was read")
	}
}

// testBinary stands for go: what it builds is a test binary that runs a script.
func testBinary(script string) string {
	return `PATH=/usr/bin:/bin; [ "$1 $2" = "test -c" ] && cat > "$4" <<'END' && chmod 755 "$4"
#!/bin/sh
` + script + `
END`
}

func TestBenchmarksAreBuiltOnceAndRead(t *testing.T) {
	t.Chdir("../..")
	for name, tc := range map[string]struct {
		compiler string
		says     string
	}{
		"three":     {testBinary(`for b in Parse5000Files Parse50000 ParseAndMerge5000Files; do echo "Benchmark$b 10 2000000 ns/op"; done`), ""},
		"two":       {testBinary(`for b in Parse5000Files Parse50000; do echo "Benchmark$b 10 2000000 ns/op"; done`), "no benchmark BenchmarkParseAndMerge5000Files"},
		"failing":   {testBinary("echo --- FAIL; exit 1"), "--- FAIL"},
		"unbuilt":   {"echo undefined: x >&2; exit 1", "undefined: x"},
		"nothing":   {testBinary(":"), "no benchmark BenchmarkParse5000Files"},
		"unstarted": {"exit 0", "config.test: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			programs(t, map[string]string{"go": tc.compiler})
			b := &bencher{dir: t.TempDir(), rounds: 2}
			got, err := b.benchmarks(context.Background())
			if tc.says == "" && (err != nil || got[wholeFew] != 0.002) {
				t.Errorf("figures %v, error %v", got, err)
			}
			if tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("error %v, want %q in it", err, tc.says)
			}
		})
	}
}
