package butane

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// many joins what line makes of the numbers up to n; # is the number.
func many(n int, line string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(line, "#", fmt.Sprint(i)))
	}
	return b.String()
}

// growing are documents of any size that would be a burden to a program that
// searches, copies or compares too much.
var growing = []struct {
	name, dialect string
	n             int // small: it is taken times growth, too
	text          func(n int) string
}{
	{"files", "fcos 1.7.0", 100, func(n int) string {
		return "storage:\n  files:\n" + many(n, "  - path: /a#\n    mode: 0644\n    contents:\n      inline: |\n        hello #\n")
	}},
	{"files in one line", "fcos 1.7.0", 100, func(n int) string {
		return "storage: {files: [" + many(n, "{path: /a#, user: {name: é}}, ") + "]}\n"
	}},
	{"unknown keys", "fcos 1.7.0", 200, func(n int) string { return many(n, "key#: [#]\n") }},
	{"keys twice", "fcos 1.7.0", 200, func(n int) string { return many(n, "key: #\n") }},
	{"deep inside", "fcos 1.7.0", 100, func(n int) string { return "x: " + strings.Repeat("[", n) + strings.Repeat("]", n) + "\n" }},
	{"deep inside in lines", "fcos 1.7.0", 50, func(n int) string {
		var b strings.Builder
		for i := range min(n, 400) { // indentation makes the text quadratic itself
			b.WriteString(strings.Repeat(" ", i) + "x:\n")
		}
		return b.String()
	}},
	{"comments", "fcos 1.7.0", 200, func(n int) string { return many(n, "# comment #\n") + "storage: {}\n" }},
	{"comments between items", "fcos 1.7.0", 100, func(n int) string {
		return "storage:\n  files:\n" + many(n, "  # comment #\n  - path: /a# # another\n\n")
	}},
	{"wrong types", "fcos 1.7.0", 100, func(n int) string { return "storage:\n  files:\n" + many(n, "  - path: [#]\n") }},
	{"aliases", "fcos 1.7.0", 100, func(n int) string {
		return "x: &x {path: /a, user: {name: a}}\nstorage:\n  files:\n" + many(n, "  - {<<: *x, path: /a#}\n")
	}},
	{"anchors", "fcos 1.7.0", 100, func(n int) string { return "storage:\n  files:\n" + many(n, "  - &a# {path: /a#}\n") }},
	{"units", "fcos 1.7.0", 50, func(n int) string {
		return "systemd:\n  units:\n" + many(n, "  - {name: a#.service, dropins: [{name: a.conf}]}\n")
	}},
	{"labels", "openshift 4.14.0", 100, func(n int) string {
		return "metadata:\n  name: a\n  labels:\n    machineconfiguration.openshift.io/role: b\n" + many(n, "    l#: v\n")
	}},
	{"mount units of volumes", "fcos 1.7.0", 50, func(n int) string {
		return "storage:\n  luks:\n" + many(n, "  - {name: v#, device: /d#, clevis: {tang: [{url: 'http://t', thumbprint: x}]}}\n") +
			"  filesystems:\n" + many(n, "  - {device: /dev/mapper/v#, format: xfs, path: /var/#, with_mount_unit: true}\n")
	}},
	{"mirror of many disks", "fcos 1.7.0", 50, func(n int) string {
		return "boot_device:\n  layout: x86_64\n  mirror:\n    devices:\n" + many(n, "    - /dev/d#\n") + "storage:\n  disks:\n" + many(n, "  - {device: /dev/d#}\n")
	}},
	{"partitions", "fcos 1.7.0", 50, func(n int) string {
		return "storage:\n  disks:\n  - device: /d\n    wipe_table: true\n    partitions:\n" + many(n, "    - {label: root, number: #}\n")
	}},
	{"quadlets", "fcos 1.8.0-experimental", 50, func(n int) string { return "systemd:\n  quadlets:\n" + many(n, "  - {name: a#.container}\n") }},
	{"an error in the last line", "fcos 1.7.0", 200, func(n int) string { return many(n, "a#:\n- b\n") + "}\n" }},
	{"tabs", "fcos 1.7.0", 2000, func(n int) string { return "x: {}\n" + many(n, "\t") + "\ny: a\n" + many(n, "\t") + "\n" }},
	{"explicit keys", "fcos 1.7.0", 100, func(n int) string { return many(n, "? &a# !b\n  #\n: [#, ? x : y]\n") }},
	{"folded text", "fcos 1.7.0", 100, func(n int) string { return "x: >\n" + many(n, "  a #\n\n   b\n") }},
	{"long words", "fcos 1.7.0", 2000, func(n int) string {
		return "x: " + strings.Repeat("aé ", n) + "\ny: 'a" + strings.Repeat("''", n) + "'\n"
	}},
}

// cost is what a translation takes, at best: others use the machine, too.
func cost(text []byte) (bytes uint64, took time.Duration) {
	var before, after runtime.MemStats
	for i := range 3 {
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := processorTime()
		_, problems, _ := Translate(text, "test", Options{})
		_ = problems.String()
		spent := processorTime() - start
		runtime.ReadMemStats(&after)
		if i == 0 || spent < took {
			took = spent
		}
		bytes = after.TotalAlloc - before.TotalAlloc
	}
	return bytes, took
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// What is quadratic anywhere takes 256 times the time for 16 times the text.
func TestTimeAndMemoryGrowNoFasterThanTheText(t *testing.T) {
	const growth = 16
	for _, g := range growing {
		t.Run(g.name, func(t *testing.T) {
			small, large := document(g.dialect, g.text(g.n)), document(g.dialect, g.text(growth*g.n))
			ratio := float64(len(large)) / float64(len(small))
			smallBytes, smallTime := cost(small)
			largeBytes, largeTime := cost(large)
			t.Logf("%d bytes: %d bytes in %v; %d bytes: %d bytes in %v", len(small), smallBytes, smallTime, len(large), largeBytes, largeTime)
			if float64(largeBytes) > 3*ratio*float64(smallBytes) {
				t.Errorf("%d bytes of memory for %d of text, but %d for %d", smallBytes, len(small), largeBytes, len(large))
			}
			if float64(largeTime) > 6*ratio*float64(smallTime) {
				t.Errorf("%v for %d bytes of text, but %v for %d", smallTime, len(small), largeTime, len(large))
			}
		})
	}
}
