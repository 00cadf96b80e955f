package system

import (
	"strings"
	"testing"
)

func TestCommandsAreShownAsPeopleTypeThem(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for want, c := range map[string]Command{
		`mkfs.ext4 -L "my data" /dev/vda1`:                  {Name: "mkfs.ext4", Args: []string{"-L", "my data", "/dev/vda1"}},
		`useradd --password (hidden) core`:                  {Name: "useradd", Args: []string{"--password", "$y$", "core"}, Secrets: []string{"$y$"}},
		"clevis " + long[:longArgument] + "...(1000 bytes)": {Name: "clevis", Args: []string{long}},
	} {
		if got := c.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
