package butane

import (
	"strings"
	"testing"
)

// A problem with a unit is reported at its line, wherever the unit is.
func TestLinesOfUnits(t *testing.T) {
	const head = "variant: fcos\nversion: 1.6.0\nsystemd:\n  units:\n    - name: a.service\n      "
	for name, tc := range map[string]struct{ text, want string }{
		"block":      {head + "contents: |\n        [Service]\n        Environment=A=1\n        no equals sign\n        ExecStart=/bin/true\n", "line 9, column 9 (systemd.units[0].contents): systemd cannot read line 3 of this: it is not of the form NAME=VALUE"},
		"quoted":     {head + "contents: \"[Service]\\nA=1\\nwrong\\nB=2\\n\"\n", "line 6, column 17 (systemd.units[0].contents): systemd cannot read line 3 of this"},
		"drop-in":    {head + "dropins:\n        - name: b.conf\n          contents: |\n            [Service]\n            wrong\n            A=1\n", "line 10, column 13 (systemd.units[0].dropins[0].contents): systemd cannot read line 2 of this"},
		"continued":  {head + "contents: |\n        [Service]\n        ExecStart=/bin/echo \\ \n          two\n", "line 9, column 9 (systemd.units[0].contents): systemd cannot read line 3 of this: it is not of the form NAME=VALUE; a backslash that is followed by a blank"},
		"no bracket": {head + "contents: |\n        [Service]\n        A=1\n        [Install\n        B=2\n", "line 9, column 9 (systemd.units[0].contents): systemd cannot read line 3 of this: the name of the section has no closing bracket"},
		"last line":  {head + "contents: |-\n        [Service]\n        A", "line 8, column 9 (systemd.units[0].contents): systemd cannot read line 2 of this"},
	} {
		_, problems, err := Translate([]byte(tc.text), "a.bu", Options{})
		if err == nil || !strings.Contains(problems.String(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, problems, tc.want)
		}
	}
}
