package providers

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestLimitsAreThoseOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile("../docs/platforms.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, " | "); strings.HasPrefix(line, "| [") && len(cells) == 5 {
			id, _, _ := strings.Cut(strings.TrimPrefix(cells[0], "| ["), "]")
			documented[id] = cells[3]
		}
	}
	for _, l := range Limits {
		size := fmt.Sprintf("%d KiB", l.Bytes>>10)
		switch {
		case l.Bytes == 1<<20:
			size = "1 MiB"
		case l.Bytes%1024 != 0:
			size = fmt.Sprintf("%d bytes", l.Bytes)
		}
		said := documented[l.ID]
		if !strings.Contains(said, size) || strings.Contains(said, "base64") != l.Base64 {
			t.Errorf("%s: the table says %s, base64 %v; the documentation %q", l.ID, size, l.Base64, said)
		}
		delete(documented, l.ID)
	}
	for id, said := range documented {
		if said != "" && id != "hyperv" { // whose values are small, but any number of them
			t.Errorf("%s: only the documentation has a limit, %q", id, said)
		}
	}
}

func TestFits(t *testing.T) {
	plain := Limit{Bytes: 100}
	counted := Limit{Bytes: 100, Base64: true}
	for name, c := range map[string]struct {
		limit Limit
		text  string
		want  bool
	}{
		"as it is":                {plain, strings.Repeat("x:", 50), true},
		"too large":               {plain, strings.Repeat("x:", 50) + "x", false},
		"encoded by the platform": {counted, strings.Repeat("x:", 37), true},
		"too large when encoded":  {counted, strings.Repeat("x:", 38), false},
		"encoded already":         {counted, inBase64("{" + strings.Repeat("x:", 36)), true},
	} {
		if got := c.limit.Fits([]byte(c.text)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
