package system

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestAvailableMemory(t *testing.T) {
	const kernel = "MemTotal: 300 kB\nMemAvailable:   200 kB\n"
	for name, tc := range map[string]struct {
		files  map[string]string
		want   int64
		source string // or error
	}{
		"no group":          {map[string]string{"proc/meminfo": kernel}, 200 << 10, "MemAvailable of /proc/meminfo"},
		"no limit":          {map[string]string{"proc/meminfo": kernel, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 200 << 10, "MemAvailable"},
		"a group":           {map[string]string{"proc/meminfo": kernel, "proc/self/cgroup": "1:cpu:/x\n0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1000\n", "sys/fs/cgroup/a/b/memory.current": "700\n", "sys/fs/cgroup/a/b/memory.stat": "anon 5\ninactive_file 100\n"}, 400, "memory.max of the control group /a/b"},
		"a group above":     {map[string]string{"proc/meminfo": kernel, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1000", "sys/fs/cgroup/a/memory.current": "990"}, 10, "control group /a"},
		"its own namespace": {map[string]string{"proc/meminfo": kernel, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1000", "sys/fs/cgroup/memory.current": "2000"}, 0, "control group /"},
		"a large group":     {map[string]string{"proc/meminfo": kernel, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "9000000", "sys/fs/cgroup/a/memory.current": "1"}, 200 << 10, "MemAvailable"},
		"nothing":           {nil, 0, "there is no MemAvailable in /proc/meminfo"},
		"rubbish":           {map[string]string{"proc/meminfo": "MemAvailable: lots kB\n"}, 0, "there is no MemAvailable"},
	} {
		top := t.TempDir()
		for file, text := range tc.files {
			testkit.WriteFile(t, filepath.Join(top, file), text)
		}
		got, source, err := availableMemory(top)
		if err != nil {
			source = err.Error()
		}
		if got != tc.want || !strings.Contains(source, tc.source) {
			t.Errorf("%s: got %d, %s, want %d, %s", name, got, source, tc.want, tc.source)
		}
	}
}
