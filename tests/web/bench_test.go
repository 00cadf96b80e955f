package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// BenchmarkTyping types into configs of 5,000 values and of 5,000 files. Its figures are
// medians: how long a key takes until it is drawn, and until the answer for it is.
func BenchmarkTyping(b *testing.B) {
	for _, c := range []struct {
		name  string
		files int // of five values each
	}{{"5000values", 1000}, {"5000files", 5000}} {
		b.Run(c.name, func(b *testing.B) {
			var text strings.Builder
			text.WriteString("variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n")
			for i := range c.files {
				fmt.Fprintf(&text, "    - path: /etc/app/%d\n      mode: 0644\n      contents:\n        inline: part %d\n", i, i)
			}
			p := openPage(b, "")
			p.paste(strings.TrimSpace(text.String()))
			var drawn, answered []float64
			for b.Loop() {
				times := p.run(`new Promise((done) => {
					const start = performance.now();
					let drawn;
					document.execCommand("insertText", false, "x");
					requestAnimationFrame(() => setTimeout(() => { drawn = performance.now() - start; }));
					const ask = () => document.body.dataset.state === "checked" && drawn ? done([drawn, performance.now() - start]) : setTimeout(ask, 1);
					setTimeout(ask);
				})`).([]any)
				drawn, answered = append(drawn, times[0].(float64)), append(answered, times[1].(float64))
			}
			b.ReportMetric(0, "ns/op") // the time of the protocol, too
			b.ReportMetric(median(drawn), "ms-drawn/key")
			b.ReportMetric(median(answered), "ms-answered/key")
		})
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
