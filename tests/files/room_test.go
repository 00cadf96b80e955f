package files_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// hundred is a server of 100,000 bytes at every path.
func hundred(t *testing.T) (url string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%-100000s", r.URL.Path)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// Where the new files fit one after another in the place of the old ones, but not
// all beside them.
func TestNewFilesTakeTheRoomOfOldOnes(t *testing.T) {
	const n = 5
	for name, options := range map[string]string{"blocks": "size=700k", "inodes": fmt.Sprintf("nr_inodes=%d", n+3)} {
		for kind, entry := range map[string]string{
			"contents":  `{"path": "/data/%d", "overwrite": true, "contents": {"source": "%s/%d"}}`,
			"fragments": `{"path": "/data/%d", "overwrite": true, "contents": {"source": "data:,%%2F"}, "append": [{"source": "%s/%d"}]}`,
		} {
			t.Run(name+" for "+kind, func(t *testing.T) {
				m, url := newMachine(t), hundred(t)
				m.mount("data", options, 0)
				var files []string
				for i := range n {
					m.write(fmt.Sprintf("root/data/%d", i), strings.Repeat("x", 100_000))
					files = append(files, fmt.Sprintf(entry, i, url, i))
				}
				m.boot(sections(`"storage": {"files": [` + strings.Join(files, ",") + `]}`))
				m.must()
				for i := range n {
					if got, want := m.read(fmt.Sprintf("root/data/%d", i)), fmt.Sprintf("/%d ", i); !strings.Contains(got, want) {
						t.Errorf("file %d holds %.20q", i, got)
					}
				}
				m.nothingLeft()
			})
		}
	}
}

func TestTemporaryFilesThatFillAFilesystemAreNamed(t *testing.T) {
	m, url := newMachine(t), hundred(t)
	m.mount("data", "size=150k", 0)
	m.boot(sections(fmt.Sprintf(`"storage": {"files": [{"path": "/data/a", "contents": {"source": "%s"}}, {"path": "/data/b", "contents": {"source": "%[1]s"}}]}`, url)))
	m.fails(6, "writing file /data/a", "no space left on device", "0 of 152 KiB free", "2 temporary files of ours hold 150 KiB of it", "a file needs room beside what it replaces", "storage.files[0]")
}

// Helper programs do not say why they cannot write.
func TestHelpersOnFilesystemsThatTakeNoData(t *testing.T) {
	for name, c := range map[string]struct {
		options string
		flags   uintptr
		words   []string
	}{
		"full":      {"nr_inodes=2", 0, []string{"no space left on device", "free and 0 of 2 inodes", "out of inodes"}},
		"read-only": {"", unix.MS_RDONLY, []string{"is read-only", "kernel argument rw"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.mount("home", c.options, c.flags)
			if c.flags == 0 {
				m.write("root/home/f", "")
			}
			m.boot(sections(`"passwd": {"users": [{"name": "core"}]}`))
			m.fails(6, append(c.words, "useradd", `creating user "core"`, "passwd.users[0]")...)
		})
	}
}
