package limits

import (
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestFits(t *testing.T) {
	plain := Limit{Bytes: 100}
	counted := Limit{Bytes: 100, Encoded: true}
	for name, c := range map[string]struct {
		limit Limit
		text  string
		want  bool
	}{
		"as it is":                {plain, strings.Repeat("x:", 50), true},
		"too large":               {plain, strings.Repeat("x:", 50) + "x", false},
		"encoded by the platform": {counted, strings.Repeat("x:", 37), true},
		"too large when encoded":  {counted, strings.Repeat("x:", 38), false},
		"encoded already":         {counted, testkit.Base64("{" + strings.Repeat("x:", 36)), true},
		"no limit":                {Limit{}, strings.Repeat("x:", 38), true},
	} {
		if got := c.limit.Fits([]byte(c.text)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
