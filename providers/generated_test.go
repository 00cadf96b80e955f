package providers

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/providers/limits"
)

var update = flag.Bool("update", false, "write what is generated from the table of platforms")

// TestGeneratedTextsAreCurrent compares the texts between two marks in other
// files with what the table makes of them.
func TestGeneratedTextsAreCurrent(t *testing.T) {
	for file, generated := range map[string]struct{ begin, text, end string }{
		"../docs/platforms.md":                 {"<!-- overview, by go generate -->\n", overview(), "<!-- end -->\n"},
		"../dracut/30ignition/module-setup.sh": {"# platforms, by go generate\n", moduleList(), "# end\n"},
	} {
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, begun := strings.Cut(string(old), generated.begin)
		_, after, ended := strings.Cut(rest, generated.end)
		if !begun || !ended {
			t.Fatalf("%s: the marks are missing", file)
		}
		text := before + generated.begin + generated.text + generated.end + after
		if text == string(old) {
			continue
		}
		if !*update {
			t.Errorf("%s is not what the table of platforms says: run go generate ./providers", file)
		} else if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// overview is a row for each platform.
func overview() string {
	var b strings.Builder
	b.WriteString("| platform | | where the config is | network | limit | no config |\n|---|---|---|---|---|---|\n")
	for _, p := range Platforms {
		name, network := p.Name, "no"
		if p.Docs != "" {
			name = fmt.Sprintf("[%s](%s)", p.Name, p.Docs)
		}
		if p.Experimental {
			name += ", experimental"
		}
		switch other, service := strings.CutSuffix(p.Location, metadataService); {
		case service && other == "":
			network = "needed"
		case service:
			network = "unless it is on the " + strings.Fields(other)[len(strings.Fields(other))-1]
			network = strings.TrimSuffix(network, ",")
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s | %s |\n", p.ID, p.ID, name, p.Location, network, limitText(limits.Platforms[p.ID]), p.NoConfig)
	}
	return b.String()
}

func limitText(l limits.Limit) string {
	text := fmt.Sprintf("%d bytes", l.Bytes)
	switch {
	case l.Bytes == 0:
		return ""
	case l.Bytes%(1<<20) == 0:
		text = fmt.Sprintf("%d MiB", l.Bytes>>20)
	case l.Bytes%(1<<10) == 0:
		text = fmt.Sprintf("%d KiB", l.Bytes>>10)
	}
	if l.Encoded {
		text += " base64"
	}
	return text
}

// moduleList is an array of bash.
func moduleList() string {
	var modules []string
	for _, p := range Platforms {
		modules = append(modules, p.Modules...)
	}
	slices.Sort(modules)
	return "platform_modules=(\n    " + strings.Join(slices.Compact(modules), "\n    ") + "\n)\n"
}

func TestLimitsAreOfThePlatformsThatThereAre(t *testing.T) {
	for _, p := range Platforms {
		if _, ok := limits.Platforms[p.ID]; !ok {
			t.Errorf("%s is missing", p.ID)
		}
	}
	if got, want := len(limits.Platforms), len(Platforms); got != want {
		t.Errorf("got limits of %d platforms, want %d", got, want)
	}
}
