package config

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// many joins what item makes of the numbers up to n.
func many(n int, item string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(item, "#", fmt.Sprint(i)))
	}
	return b.String()
}

// growing are documents of any size that would be a burden to a program that
// searches, copies or compares too much. In many's items # is a number.
var growing = []struct {
	name string
	n    int // small: it is taken times growth, too
	text func(n int) string
}{
	{"objects inside each other", 600, func(n int) string {
		return `"x":` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
	}},
	{"lists inside each other", 600, func(n int) string {
		return `"storage":` + strings.Repeat(`[`, n) + strings.Repeat("]", n)
	}},
	{"one key again and again", 500, func(n int) string { return many(n, `"storage":{"files":[{"path":"/#"}]}`) }},
	{"one key of an item again and again", 500, func(n int) string { return `"storage":{"files":[{` + many(n, `"path":"/#"`) + `}]}` }},
	{"one key in other cases", 250, func(n int) string { return many(n, `"STORAGE":{},"storagE":null`) }},
	{"unknown keys", 500, func(n int) string { return `"systemd":{` + many(n, `"key#":[#]`) + `}` }},
	{"a long unknown key", 5000, func(n int) string { return `"` + strings.Repeat("a", n) + `":1` }},
	{"nulls and wrong types", 250, func(n int) string { return `"storage":{"files":[` + many(n, `null,{"path":#},"#"`) + `]}` }},
	{"one path again and again", 250, func(n int) string {
		return `"storage":{"files":[` + many(n, `{"path":"/a"}`) + `],"directories":[` + many(n, `{"path":"/a"}`) + `]}`
	}},
	{"one source again and again", 250, func(n int) string {
		return `"ignition":{$V,"config":{"merge":[` + many(n, `{"source":"http://a"}`) + `]}}`
	}},
	{"kernel arguments in both lists", 250, func(n int) string {
		return `"kernelArguments":{"shouldExist":[` + many(n, `"a#"`) + `],"shouldNotExist":[` + many(n, `"a#"`) + `]}`
	}},
	{"kernel arguments", 500, func(n int) string {
		return `"kernelArguments":{"shouldExist":[` + many(n, `"a#"`) + `],"shouldNotExist":[` + many(n, `"b#"`) + `]}`
	}},
	{"escapes", 2500, func(n int) string {
		return `"passwd":{"users":[{"name":"` + strings.Repeat(`\"\u00e9`, n) + `"}]}`
	}},
	{"no UTF-8", 5000, func(n int) string {
		return `"passwd":{"users":[{"name":"` + strings.Repeat("\xff", n) + `"}]}`
	}},
	{"strings with an escape each", 500, func(n int) string { return `"passwd":{"users":[` + many(n, `{"name":"#\n"}`) + `]}` }},
	{"a long path below a long link", 3000, func(n int) string {
		a := strings.Repeat("/a", n)
		return `"storage":{"links":[` + many(10, `{"path":"/#","target":"/x"}`) + `,{"path":"` + a + `","target":"/x"}],"files":[{"path":"` + a + `/b"}]}`
	}},
	{"links with long paths", 75, func(n int) string {
		return `"storage":{"links":[` + many(n, `{"path":"/#`+strings.Repeat("/a", 40)+`","target":"/x"}`) + `],` +
			`"files":[` + many(n, `{"path":"/#`+strings.Repeat("/a", 39)+`/b"}`) + `]}`
	}},
	{"files below one link", 250, func(n int) string {
		return `"storage":{"links":[{"path":"/l","target":"/x"}],"files":[` + many(n, `{"path":"/l/#"}`) + `]}`
	}},
	{"hard links", 250, func(n int) string {
		return `"storage":{"links":[` + many(n, `{"path":"/l#","target":"../d#","hard":true,"user":{"id":1}}`) + `],"directories":[` + many(n, `{"path":"/d#"}`) + `]}`
	}},
	{"partitions over each other", 250, func(n int) string {
		return `"storage":{"disks":[{"device":"/d","partitions":[` + many(n, `{"label":"l#","startMiB":1,"sizeMiB":#}`) + `]}]}`
	}},
	{"partitions of one number and label", 250, func(n int) string {
		return `"storage":{"disks":[{"device":"/d","partitions":[` + many(n, `{"label":"l","number":1}`) + `]}]}`
	}},
	{"disks and filesystems", 250, func(n int) string {
		return `"storage":{"disks":[` + many(n, `{"device":"/d#","wipeTable":true}`) + `],"filesystems":[` + many(n, `{"device":"/d#","format":"xfs"}`) + `]}`
	}},
	{"chosen disks", 250, func(n int) string {
		return `"ignition":{"version":"3.6.0+firstlight.1"},"firstlight":{"disks":[` + many(n, `{"as":"d#x","match":{"serial":"S"},"pick":"all"}`) + `]},` +
			`"storage":{"filesystems":[` + many(n, `{"device":"/dev/firstlight/d#y"},{"device":"/dev/firstlight/`+strings.Repeat("1", 60)+`#"}`) + `]}`
	}},
	{"units of one template", 125, func(n int) string {
		return `"systemd":{"units":[{"name":"a@.service","contents":"[Unit]\nA=B\n"},` + many(n, `{"name":"a@#.service","enabled":true}`) + `]}`
	}},
	{"drop-ins", 125, func(n int) string {
		return `"systemd":{"units":[{"name":"a.service","dropins":[` + many(n, `{"name":"#.conf","contents":"[Unit]\nA=B\n"}`) + `]}]}`
	}},
	{"a unit with many lines", 500, func(n int) string {
		return `"systemd":{"units":[{"name":"a.service","contents":"[Unit]\n` + strings.Repeat(`A=B\n`, n) + `"}]}`
	}},
	{"a unit with one long value", 500, func(n int) string {
		return `"systemd":{"units":[{"name":"a.service","contents":"[Unit]\nA=` + strings.Repeat(`B\\\n`, n) + `"}]}`
	}},
	{"a data URL with many parameters", 1000, func(n int) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"data:` + strings.Repeat(";a=b", n) + `,%41"}}]}`
	}},
	{"a data URL with many escapes", 2500, func(n int) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"data:,` + strings.Repeat("%41", n) + `"}}]}`
	}},
	{"a long URL", 2500, func(n int) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"arn:aws:s3:::` + strings.Repeat("a/:?", n) + `"}}]}`
	}},
	{"headers", 250, func(n int) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"http://a","httpHeaders":[` + many(n, `{"name":"n#","value":"v"}`) + `]}}]}`
	}},
	{"advertisements", 125, func(n int) string {
		return `"storage":{"luks":[{"name":"l","device":"/d","clevis":{"tang":[` + many(n, `{"url":"http://#","thumbprint":"a","advertisement":"[[[[]]]]"}`) + `]}}]}`
	}},
}

// everything does with a text all that can be done with configs.
func everything(text []byte) {
	cfg, problems, err := Parse(text, "test")
	_ = problems.String()
	if err != nil {
		_ = err.Error()
		return
	}
	merged := Merge(cfg, cfg)
	_ = merged.ValidateMerged()
	stored, origins := merged.Save()
	if _, err := Load(stored, origins, "cache"); err != nil {
		panic(err)
	}
}

// cost is what everything takes of a text, at best: others use the machine, too.
func cost(t *testing.T, text []byte) (bytes uint64, took time.Duration) {
	t.Helper()
	var before, after runtime.MemStats
	for i := range 3 {
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := processorTime(t)
		everything(text)
		spent := processorTime(t) - start
		runtime.ReadMemStats(&after)
		if i == 0 || spent < took {
			took = spent
		}
		bytes = after.TotalAlloc - before.TotalAlloc
	}
	return bytes, took
}

// What is quadratic anywhere takes 256 times the time for 16 times the text. What
// is not takes more than 16 times, as more of it is outside the processor's caches.
func TestTimeAndMemoryGrowNoFasterThanTheText(t *testing.T) {
	const growth = 16
	for _, g := range growing {
		t.Run(g.name, func(t *testing.T) {
			small, large := document(V3_6, g.text(g.n)), document(V3_6, g.text(growth*g.n))
			ratio := float64(len(large)) / float64(len(small))
			smallBytes, smallTime := cost(t, small)
			largeBytes, largeTime := cost(t, large)
			t.Logf("%d bytes: %d bytes in %v; %d bytes: %d bytes in %v", len(small), smallBytes, smallTime, len(large), largeBytes, largeTime)
			if float64(largeBytes) > 2*ratio*float64(smallBytes) {
				t.Errorf("%d bytes of memory for %d of text, but %d for %d", smallBytes, len(small), largeBytes, len(large))
			}
			if float64(largeTime) > 6*ratio*float64(smallTime) {
				t.Errorf("%v for %d bytes of text, but %v for %d", smallTime, len(small), largeTime, len(large))
			}
		})
	}
}

// However large a string is, besides the text that is given there is one copy.
func TestBigStringsAreNotCopiedTwice(t *testing.T) {
	contents := strings.Repeat("AAAA", 1<<20)
	text := document(V3_6, `"storage":{"files":[{"path":"/a","contents":{"source":"data:;base64,`+contents+`"}}]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cfg, _, err := Parse(text, "test")
	runtime.ReadMemStats(&after)
	if err != nil || len(*cfg.Storage.Files[0].Contents.Source) < len(contents) {
		t.Fatal(err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > uint64(len(text))*11/10 {
		t.Errorf("%d bytes of memory for %d of text", taken, len(text))
	}
}
