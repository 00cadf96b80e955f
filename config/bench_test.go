package config

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bigConfig has n files in 100 directories, n/5 links and n/25 units.
func bigConfig(n int) []byte {
	var b strings.Builder
	list := func(name string, n int, item func(i int)) {
		fmt.Fprintf(&b, "%q: [", name)
		for i := range n {
			if i > 0 {
				b.WriteString(",\n")
			}
			item(i)
		}
		b.WriteString("]")
	}
	b.WriteString(`{"ignition": {"version": "3.5.0"}, "storage": {`)
	list("files", n, func(i int) {
		fmt.Fprintf(&b, `{"path": "/etc/d%d/f%d", "mode": 420, "user": {"id": %d}, "contents": {"source": "data:,file%%20%d", "verification": {"hash": "sha512-%x"}}}`, i%100, i, i%7, i, hashOfText(fmt.Sprintf("file %d", i)))
	})
	b.WriteString(",\n")
	list("directories", 100, func(i int) { fmt.Fprintf(&b, `{"path": "/etc/d%d", "mode": 493}`, i) })
	b.WriteString(",\n")
	list("links", n/5, func(i int) { fmt.Fprintf(&b, `{"path": "/etc/l%d", "target": "d%d/f%d"}`, i, i%100, i) })
	b.WriteString("},\n\"systemd\": {")
	list("units", n/25, func(i int) {
		fmt.Fprintf(&b, `{"name": "u%d.service", "enabled": true, "contents": "[Unit]\nDescription=U\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}`, i)
	})
	b.WriteString("}}\n")
	return []byte(b.String())
}

func hashOfText(text string) []byte {
	h := crypto.SHA512.New()
	h.Write([]byte(text))
	return h.Sum(nil)
}

func bigDataURL() []byte {
	contents := base64.StdEncoding.EncodeToString(make([]byte, 32<<20))
	return fmt.Appendf(nil, `{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/a", "contents": {"source": "data:;base64,%s"}}]}}`, contents)
}

func benchmarkParse(b *testing.B, text []byte) {
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, problems, err := Parse(text, "bench"); err != nil || len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkParse5000Files(b *testing.B)  { benchmarkParse(b, bigConfig(5_000)) }
func BenchmarkParse50000(b *testing.B)      { benchmarkParse(b, bigConfig(50_000)) }
func BenchmarkParseBigDataURL(b *testing.B) { benchmarkParse(b, bigDataURL()) }

// BenchmarkParseAndMerge5000Files is all that a config goes through. It reports
// processor time too, to which the garbage collector adds beside the program.
func BenchmarkParseAndMerge5000Files(b *testing.B) {
	text := bigConfig(5_000)
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		cfg, _, err := Parse(text, "bench")
		if err != nil {
			b.Fatal(err)
		}
		Merge(cfg, cfg)
	}
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

func processorTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkValidateBigDataURL(b *testing.B) {
	cfg, _, err := Parse(bigDataURL(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if problems := cfg.ValidateMerged(); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkMerge5000Files(b *testing.B) {
	cfg, _, err := Parse(bigConfig(5_000), "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Merge(cfg, cfg)
	}
}

func BenchmarkSaveLoad5000Files(b *testing.B) {
	cfg, _, err := Parse(bigConfig(5_000), "bench")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		text, origins := cfg.Save()
		if _, err := Load(text, origins, "cache"); err != nil {
			b.Fatal(err)
		}
	}
}
