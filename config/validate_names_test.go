package config

import (
	"strings"
	"testing"
)

// Every name of the spec that becomes part of a path or of a line: what would fail the
// boot, or end another line than its own, is an error; what the reference boots with is
// at most warned of.
func TestNamesThatBecomePathsOrLines(t *testing.T) {
	const line, missing, nul = "control character", "is missing", "NUL character"
	for _, c := range []struct {
		at, versions, text string
		want               map[string]string // by value
	}{
		{"storage.luks[0].name", "3.2+", `"storage":{"luks":[{"name":#,"device":"/d"}]}`, map[string]string{
			"": "E " + missing, "..": "E not possible below /dev/mapper", "control": "E not possible", "a/b": "E has a slash", "a\nb": "E " + line, "a b": "W has a blank",
			strings.Repeat("a", 127): "", strings.Repeat("a", 128): "E at most 127", "a.b-c": ""}},
		{"storage.raid[0].name", "all", `"storage":{"raid":[{"name":#,"level":"raid1","devices":["/d"]}]}`, map[string]string{
			"": "E " + missing, "..": "E cannot be the name", "a/b": "E cannot be the name", "/dev/md/data": "", "/dev/md0": "", "/dev/../a": "E cannot be", "/a": "E cannot be", "a\nb": "E " + line, strings.Repeat("a", 256): "E at most 255", "a b": ""}},
		{"systemd.units[0].name", "all", `"systemd":{"units":[{"name":#,"enabled":true}]}`, map[string]string{
			"": "E should end in", "../a.service": "E no blank, slash", "a/b.service": "E no blank, slash", "a b.service": "E no blank, slash", "*.service": "E no blank, slash", "a@[bc].service": "E a pattern", "é.service": "W passes over",
			"a\nenable b.service": "E " + line, strings.Repeat("a", 247) + ".service": "", strings.Repeat("a", 248) + ".service": "E at most 255", `a@b\x2dc.service`: "", "a:b_c.socket": ""}},
		{"systemd.units[0].name", "all", `"systemd":{"units":[{"name":#}]}`, map[string]string{"a b.service": "E no blank, slash", "*.service": "E no blank, slash", "a@[bc].service": "W passes over"}},
		{"systemd.units[0].dropins[0].name", "all", `"systemd":{"units":[{"name":"a.service","dropins":[{"name":#}]}]}`, map[string]string{
			"": "E should end in", "../a.conf": "E not be in the directory", "a/b.conf": "E not be in the directory", "a\n.conf": "E " + line, strings.Repeat("a", 251) + ".conf": "E at most 255", "a b.conf": ""}},
		{"storage.files[0].path", "all", `"storage":{"files":[{"path":#}]}`, map[string]string{
			"": "E is missing", "/../a": "E simplest form", "/a\nb": "", "/" + strings.Repeat("é", 128): "E is 256 bytes long"}},
		{"storage.links[0].target", "all", `"storage":{"links":[{"path":"/l","target":#}]}`, map[string]string{
			"..": "", "a\nb": "", `\usr\share\zoneinfo\UTC`: "W has backslashes and no slash", `C:\a`: "W has backslashes", `a\x2db/c`: "",
			strings.Repeat("a", 4095): "", strings.Repeat("a", 4096): "E at most 4095"}},
		{"storage.filesystems[0].label", "all", `"storage":{"filesystems":[{"device":"/d","format":"ext4","label":#}]}`, map[string]string{"a/b": "", "..": ""}},
		{"storage.filesystems[0].path", "all", `"storage":{"filesystems":[{"device":"/d","format":"ext4","path":#}]}`, map[string]string{"/a/../b": "E simplest form", "/a b": ""}},
		{"passwd.users[0].groups[0]", "all", `"passwd":{"users":[{"name":"a","groups":[#]}]}`, map[string]string{"a\nb": "E a line end", "a:b": "E a colon", "wheel": "", "a,b": ""}},
		{"kernelArguments.shouldExist[0]", "3.3+", `"kernelArguments":{"shouldExist":[#]}`, map[string]string{"": "", "a b": "", "..": "", "a\nb": "E a line end"}},
		{"kernelArguments.shouldNotExist[0]", "3.3+", `"kernelArguments":{"shouldNotExist":[#]}`, map[string]string{"a\nb": "E a line end"}},
	} {
		c.want["/a\x00.conf"] = "E " + nul
		for value, want := range c.want {
			var problems []string
			if want != "" {
				problems = []string{strings.Replace(want, " ", " "+c.at+" ", 1)}
			}
			if strings.Contains(value, "\x00") {
				// What else is wrong with such a value is not looked at.
				_, got, _ := Parse(document(Newest, strings.Replace(c.text, "#", quoteJSON(value), 1)), "test")
				expectProblems(t, c.at+" NUL", got, problems)
				continue
			}
			testRules(t, []rule{{c.at + " " + value, c.versions, strings.Replace(c.text, "#", quoteJSON(value), 1), problems}})
		}
	}
}

func TestNULInContentsIsFine(t *testing.T) {
	testRules(t, []rule{{"unit", "all", `"systemd":{"units":[{"name":"a.service","contents":"[Unit]\nDescription=\u0000\n"}]}`, nil}})
}
