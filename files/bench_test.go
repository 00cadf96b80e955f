package files

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
)

// BenchmarkSmallFiles plans and writes 5,000 files, 1,000 links, 100
// directories and 200 units.
func BenchmarkSmallFiles(b *testing.B) {
	var nodes [4][]string
	for i := range 5000 {
		nodes[0] = append(nodes[0], fmt.Sprintf(`{"path": "/data/d%d/sub/f%d", "contents": {"source": "data:,%d"}, "mode": 384}`, i%100, i, i))
	}
	for i := range 1000 {
		nodes[1] = append(nodes[1], fmt.Sprintf(`{"path": "/data/d%d/l%d", "target": "sub/f%d"}`, i%100, i, i))
	}
	for i := range 100 {
		nodes[2] = append(nodes[2], fmt.Sprintf(`{"path": "/data/d%d/sub"}`, i))
	}
	for i := range 200 {
		nodes[3] = append(nodes[3], fmt.Sprintf(`{"name": "u%d.service", "enabled": true, "contents": "[Install]\nWantedBy=a.target\n"}`, i))
	}
	list := func(i int) string { return "[" + strings.Join(nodes[i], ",") + "]" }
	sections := fmt.Sprintf(`"storage": {"files": %s, "links": %s, "directories": %s}, "systemd": {"units": %s}`, list(0), list(1), list(2), list(3))
	for b.Loop() {
		b.StopTimer()
		tree := &Tree{Root: b.TempDir(), Run: new(systemtest.Recorder), Log: report.NewWriterLogger(io.Discard), Fetch: dataFetcher{}}
		cfg := parse(b, sections)
		b.StartTimer()
		plan, err := tree.Plan(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		runner := report.Runner{Log: tree.Log, Workers: 1}
		if err := runner.Run(b.Context(), plan); err != nil {
			b.Fatal(err)
		}
	}
}
