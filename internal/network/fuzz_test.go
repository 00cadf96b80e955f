package network

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// fuzz adds the documents of a language as seeds. Whatever is read can be rendered, and
// nothing in it makes a line that the document has not asked for.
func fuzz(f *testing.F, language string) {
	inputs, err := filepath.Glob("testdata/" + language + "-*.[jy]*")
	testkit.NoError(f, err)
	for _, name := range inputs {
		text, err := os.ReadFile(name)
		testkit.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parsers[language](text, "f")
		if err != nil || c == nil {
			return
		}
		for _, file := range append(c.Networkd(), c.Keyfiles()...) {
			if strings.Contains(file.Name, "/") {
				t.Errorf("the name %q leads elsewhere", file.Name)
			}
			for line := range strings.Lines(file.Text) {
				if line != "\n" && !strings.HasPrefix(line, "[") && !strings.Contains(line, "=") {
					t.Errorf("the line %q is neither of a section nor of a key", line)
				}
			}
		}
		c.Netplan()
		if args := c.Kargs(ByIfname); strings.ContainsAny(args, "\n\t\x00") {
			t.Errorf("the arguments %q have line ends", args)
		}
	})
}

func FuzzNetworkData(f *testing.F)   { fuzz(f, "networkdata") }
func FuzzNetworkConfig(f *testing.F) { fuzz(f, "networkconfig") }
func FuzzGuestInfo(f *testing.F)     { fuzz(f, "guestinfo") }
func FuzzDigitalOcean(f *testing.F)  { fuzz(f, "digitalocean") }
func FuzzPacket(f *testing.F)        { fuzz(f, "packet") }
