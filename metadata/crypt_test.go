package metadata

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

// OpenSSL's is the judge.
func TestPasswordsAreHashedAsByOthers(t *testing.T) {
	for _, password := range []string{"a", "secret", "pass word é", strings.Repeat("0123456789", 7), strings.Repeat("x", 64), strings.Repeat("y", 129)} {
		hash := hashPassword(password)
		rest, found := strings.CutPrefix(hash, "$6$rounds=10000$")
		salt, _, _ := strings.Cut(rest, "$")
		testkit.Equal(t, "the salt of "+hash, found && len(salt) == 16, true)
		cmd := exec.CommandContext(t.Context(), "openssl", "passwd", "-6", "-stdin", "-salt", "rounds=10000$"+salt)
		cmd.Stdin = strings.NewReader(password + "\n")
		out, err := cmd.Output()
		testkit.NoError(t, err)
		testkit.Equal(t, password, hash, strings.TrimSpace(string(out)))
	}
	if one, other := hashPassword("a"), hashPassword("a"); one == other {
		t.Errorf("two passwords are both %s", one)
	}
}
