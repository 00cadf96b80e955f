// Package editor_test runs "firstlightctl lsp" in Neovim, set up as docs/editors.md says.
package editor_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A visit is what a person does in a config: looks at what is wrong, asks what a word
// means and where it leads, types, and has the first problem fixed and the text formatted. Places are the words
// that the cursor is on.
type visit struct {
	File       string `json:"file"`
	Hover      string `json:"hover"`
	Definition string `json:"definition"`
	// Type is typed behind the line that has After, completed, and taken back.
	After string `json:"after"`
	Type  string `json:"type"`
	// Fix is where a fix is asked for.
	Fix string `json:"fix"`
}

// What Neovim shows.
type seen struct {
	Diagnostics []struct {
		Text, Message string
		Severity      int
	}
	Hover      string
	Definition string // FILE:LINE of text
	Completed  string // the line
	Offered    []string
	Result     []string // the lines of the whole file, fixed and formatted
}

const head = "variant: fcos\nversion: 1.5.0\n"

var visits = map[string]struct {
	text string
	visit
	problems   []string // the text that is marked, and the beginning of the message
	hover      string   // a part
	definition string
	offered    string // one of those
	completed  string
	from, to   string // what the fix does
}{
	"files": {
		text:     head + "storage:\n  files:\n    - path: etc/größe\n      mode: 0644\n      contents:\n        inline: 😀\n",
		visit:    visit{File: "files.bu", Hover: "mode", After: "mode", Type: "      over", Fix: "etc/größe"},
		problems: []string{`etc/größe: the path "etc/größe" is not absolute`},
		hover:    "**mode** (integer)", offered: "overwrite", completed: "      overwrite: ",
		from: "etc/größe", to: "/etc/größe",
	},
	"units": {
		text:     head + "systemd:\n  units:\n    - name: a.service\n      contents: |\n        [Unit]\n        After=b.service\n        [Service]\n        ExecStart=/bin/true\n    - name: b.service\n      contents: |\n        [Service]\n        ExecStart=/bin/true\n        [Install]\n        WantedBy=multi-user.target\n      enable: true\n",
		visit:    visit{File: "units.bu", Hover: "name", Definition: "b.service", After: "b.service", Type: "      ma", Fix: "enable"},
		problems: []string{`enable: "enable" is not a key of fcos 1.5.0 here and has no effect; did you mean "enabled"?`},
		hover:    "**name** (string, required)", definition: "units.bu:12", offered: "mask", completed: "      mask: ",
		from: "enable:", to: "enabled:",
	},
	"disks": {
		text:     head + "storage:\n  disks:\n    - device: /dev/vda\n      partitions:\n        - label: data\n  filesystems:\n    - device: /dev/disk/by-partlabel/data\n      format:   xfs\n      path: /var//lib/data\n",
		visit:    visit{File: "disks.bu", Hover: "format", Definition: "/dev/disk/by-partlabel/data", After: "filesystems", Type: "    - fo", Fix: "/var//lib/data"},
		problems: []string{`/var//lib/data: the path "/var//lib/data" is not in its simplest form`},
		hover:    "One of: `ext4`", definition: "disks.bu:7", offered: "format", completed: "    - format: ",
		from: "/var//lib", to: "/var/lib",
	},
	"openshift": {
		text:     "variant: openshift\nversion: 4.14.0\nmetadata:\n  name: motd\n  labels:\n    machineconfiguration.openshift.io/role: worker\nstorage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: hello.txt\n      mode: 644\n",
		visit:    visit{File: "openshift.bu", Hover: "metadata", Definition: "hello.txt", After: "openshift.io", Type: "opensh", Fix: "644"},
		problems: []string{"644: the mode 644 is decimal, which is octal 01204", "644: OpenShift has no files with setuid"},
		hover:    "**metadata** (Metadata)", definition: "hello.txt:1", offered: "openshift", completed: "openshift:",
		from: "644", to: "0644",
	},
	"ignition": {
		text:     "{\n  \"ignition\": {\n    \"version\": \"3.4.0\"\n  },\n  \"storage\": {\n    \"files\": [\n      {\n        \"path\":   \"/etc/größe\",\n        \"mode\": 644\n      }\n    ]\n  }\n}\n",
		visit:    visit{File: "web1.ign", Hover: "path", After: "storage", Type: "    \"dis", Fix: "644"},
		problems: []string{"644: the mode 644 is octal 01204"},
		hover:    "**path** (string, required)", offered: "disks", completed: "    \"disks\": ",
		from: "644", to: "420",
	},
}

func TestNeovim(t *testing.T) {
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "firstlightctl"), "github.com/firstlight-os/firstlight/cmd/firstlightctl")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	testkit.WriteFile(t, filepath.Join(bin, "init.lua"), setup(t))
	for name, c := range visits {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			testkit.WriteFile(t, filepath.Join(dir, c.File), c.text)
			testkit.WriteFile(t, filepath.Join(dir, "hello.txt"), "hello\n")
			got := open(t, bin, dir, c.visit)
			for i, d := range got.Diagnostics {
				if line := d.Text + ": " + d.Message; i >= len(c.problems) || !strings.HasPrefix(line, c.problems[i]) {
					t.Errorf("it says %q", line)
				}
			}
			testkit.Equal(t, "number of problems", len(got.Diagnostics), len(c.problems))
			testkit.Contains(t, "hover", got.Hover, c.hover)
			testkit.Equal(t, "definition", got.Definition, c.definition)
			if !slices.Contains(got.Offered, c.offered) {
				t.Errorf("%q is not offered: %q", c.offered, got.Offered)
			}
			testkit.Equal(t, "completed line", got.Completed, c.completed)
			testkit.Equal(t, "fixed text", strings.Join(got.Result, "\n")+"\n", strings.NewReplacer(c.from, c.to, ":   ", ": ").Replace(c.text))
		})
	}
}

// setup is what docs/editors.md has for Neovim before 0.11, which Debian has.
func setup(t *testing.T) string {
	t.Helper()
	text := testkit.ReadFile(t, "../../docs/editors.md")
	blocks := regexp.MustCompile("(?s)```lua\n(.*?)```").FindAllStringSubmatch(text, -1)
	for _, b := range blocks {
		if strings.Contains(b[1], "start_client") {
			return b[1]
		}
	}
	t.Fatalf("docs/editors.md has no such block of Lua")
	return ""
}

// open has Neovim visit a config.
func open(t *testing.T, bin, dir string, v visit) (got seen) {
	t.Helper()
	script, err := filepath.Abs("visit.lua")
	testkit.NoError(t, err)
	task, err := json.Marshal(v)
	testkit.NoError(t, err)
	result := filepath.Join(t.TempDir(), "seen.json")
	cmd := exec.Command("nvim", "--headless", "-n", "-i", "NONE", "-u", filepath.Join(bin, "init.lua"), "-c", "luafile "+script, v.File)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_STATE_HOME="+dir, "TASK="+string(task), "RESULT="+result)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nvim: %v\n%s", err, out)
	}
	testkit.NoError(t, json.Unmarshal([]byte(testkit.ReadFile(t, result)), &got))
	return got
}
