package config

import (
	"math"
	"strings"
	"testing"
)

func TestSizeRanges(t *testing.T) {
	for text, want := range map[string]SizeRange{
		">= 400GiB":                {400 << 30, math.MaxUint64},
		"<=2TB":                    {0, 2e12},
		" > 1 kB ":                 {1001, math.MaxUint64},
		"< 1KiB":                   {0, 1023},
		"100GB-2TB":                {100e9, 2e12},
		"1 MiB - 1 PiB":            {1 << 20, 1 << 50},
		"7B-7B":                    {7, 7},
		"<= 18446744073709551615B": {0, math.MaxUint64},
	} {
		if got, err := ParseSizeRange(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"400GB":                   `no disk has exactly the size that is on its box; write ">= 400GB", or a range such as "400GB-600GB"`,
		"400":                     `"400" is no size; it should be a whole number and one of the units KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB, PB, B, as in "400GiB"`,
		">= 1.5TB":                `"1.5TB" is no size`,
		">= -1GB":                 `"-1GB" is no size`,
		"== 1GB":                  `"== 1GB" is no size`,
		"2TB-100GB":               `the range "2TB-100GB" ends before it begins`,
		"1GB-":                    `"" is no size`,
		"100-200GB":               `"100" is no size`,
		">= 99999999PiB":          `is no size`,
		"< 0B":                    "no disk has a size < 0B",
		"> 18446744073709551615B": "no disk has a size",
		"":                        `"" is no size`,
	} {
		_, err := ParseSizeRange(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	if r := (SizeRange{2, 4}); r.Contains(1) || !r.Contains(2) || !r.Contains(4) || r.Contains(5) {
		t.Error("both ends are in the range, and nothing outside")
	}
}

func FuzzParseSizeRange(f *testing.F) {
	for _, seed := range []string{">= 400GiB", "<2TB", "100GB-2TB", "1B-1B", "400", "<0B", ">18446744073709551615B", "-", ">=PiB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseSizeRange(text)
		if err == nil && r.Least > r.Most {
			t.Errorf("%q is the range %v, which has no sizes", text, r)
		}
	})
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"Samsung*", "Samsung SSD 980", true},
		{"Generic*", "Generic SD/MMC", true},
		{"*/*", "Generic SD/MMC", true},
		{"SD/MM?", "SD/MMC", true},
		{"samsung*", "Samsung", false},
		{"Samsung", "Samsung SSD", false},
		{"pci-[0-9]*-ata-?", "pci-0000:00:1f.2-ata-1", true},
		{`a\*`, "a*", true},
		{`a\*`, "ab", false},
		{"[!a-c]x", "dx", true},
		{"[!a-c]x", "bx", false},
		{"[^a]", "b", true},
		{`\[!a]`, "[!a]", true},
		{`\\[!a]`, `\b`, true},
	} {
		if got, err := MatchPattern(c.pattern, c.text); got != c.want || err != nil {
			t.Errorf("%q, %q: got %v, %v", c.pattern, c.text, got, err)
		}
	}
	for _, pattern := range []string{"[", "a[b-", `a\`, "[]"} {
		if _, err := MatchPattern(pattern, ""); err == nil {
			t.Errorf("%q is taken for a pattern", pattern)
		}
	}
}
