package metadata

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A fragment with a password is for root only.
func TestFragmentsHaveTheModeOfWhatIsInThem(t *testing.T) {
	for password, want := range map[string]struct {
		mode os.FileMode
		text string
	}{"": {0o644, ""}, "secret": {0o600, `"passwordHash": "$6$rounds=10000$`}} {
		name := filepath.Join(t.TempDir(), "a/user.ign")
		testkit.NoError(t, new(Machine).writeFragment(name, func(m *Machine, f *fragment) (os.FileMode, error) {
			return userMode(f, []fragmentUser{{Name: "me", Keys: []string{key}}}, password)
		}))
		info, err := os.Stat(name)
		testkit.NoError(t, err)
		testkit.Equal(t, "mode", info.Mode(), want.mode)
		text := testkit.ReadFile(t, name)
		testkit.Contains(t, "the fragment", text, `"version": "3.0.0"`, key, want.text)
		if strings.Contains(text, "secret") || strings.Contains(text, "passwordHash") != (password != "") {
			t.Errorf("the fragment is %s", text)
		}
	}
	_, err := userMode(new(fragment), nil, "se\ncret")
	testkit.ErrorContains(t, "a line end", err, "the password has a line end in it")
}
