package config

import (
	"strings"
	"testing"
)

func TestUnitNames(t *testing.T) {
	var rules []rule
	for _, ext := range unitTypes {
		rules = append(rules, rule{ext, "all", `"systemd":{"units":[{"name":"a` + ext + `"}]}`, nil})
	}
	for _, name := range []string{"", "a", "a.SERVICE", "a.conf", "a.service/b", "a.network"} {
		rules = append(rules, rule{name, "all", `"systemd":{"units":[{"name":"` + name + `"}]}`, []string{"E systemd.units[0].name should end in one of .service, .socket"}})
	}
	testRules(t, append(rules, []rule{
		{"slash", "all", `"systemd":{"units":[{"name":"foo/a.service"},{"name":"../a.service"}]}`, []string{"E systemd.units[0].name no blank, slash or *", "E systemd.units[1].name no blank, slash or *"}},
		{"no name", "all", `"systemd":{"units":[{}]}`, []string{"E systemd.units[0].name should end in one of"}},
		{"twice", "all", `"systemd":{"units":[{"name":"a.service"},{"name":"a.service"}]}`, []string{`E systemd.units[1] the name "a.service" is already`}},
		{"drop-in", "all", `"systemd":{"units":[{"name":"a.service","dropins":[{"name":"a"},{"name":"b.conf"}]}]}`, []string{"E systemd.units[0].dropins[0].name should end in .conf"}},
		{"drop-in twice", "all", `"systemd":{"units":[{"name":"a.service","dropins":[{"name":"b.conf"},{"name":"b.conf"}]}]}`, []string{"E systemd.units[0].dropins[1] already"}},
	}...))
}

func TestUnitContents(t *testing.T) {
	for _, c := range []struct{ contents, words string }{
		{`hello`, ""},
		{`A=B`, ""},
		{`# [x`, ""},
		{``, ""},
		{`[]\nA=\n=B\n`, ""},
		{`[A]\r\nB=C\r\n`, ""},
		{`[A]\nB=C\\\nD\n# x\\\n[\n[E]\n`, ""},
		{`[A`, "line 1 of this: the name of the section has no closing bracket"},
		{`[A]\n# [\nB=C\n[D\nE=F\n`, "line 4 of this: the name of the section has no closing bracket"},
		{`[A]\nB=[x\n\n[D\n`, "line 4 of this: the name of the section has no closing bracket"},
		{`[A] x`, "line 1 of this: there is text after the closing bracket"},
		{`[A]\nB=C\n[D] x\nE=F\n`, "line 3 of this: there is text after the closing bracket"},
		{`[A]\n\n\nB\n`, "line 4 of this: it is not"},
		{`[A]\r\nB=C\r\nD\r\nE=F\r\n`, "line 3 of this: it is not"},
		{`[A]\nB=C \\ \nD\n`, "line 3 of this: it is not of the form NAME=VALUE; a backslash that is followed by a blank, or by a carriage return, does not continue"},
		{`[A]\r\nB=C \\\r\nD\r\n`, "line 3 of this: it is not of the form NAME=VALUE; a backslash that is followed by"},
		{`[Foo]\nA\nB=C`, "line 2 of this: it is not of the form NAME=VALUE"},
		{`[Foo]\nA`, "line 2 of this: it is not of the form NAME=VALUE"},
		{`[Foo]\nA=` + strings.Repeat("x", 2048), "line 2 of this: it is longer than 2047 bytes"},
		{`[Foo]\nA=` + strings.Repeat("x", 2040) + `\n`, ""},
	} {
		var want, dropin []string
		if c.words != "" {
			want = []string{"E systemd.units[0].contents " + c.words}
			dropin = []string{"E systemd.units[0].dropins[0].contents " + c.words}
		}
		testRules(t, []rule{
			{"unit", "all", `"systemd":{"units":[{"name":"a.service","contents":"` + c.contents + `"}]}`, want},
			{"drop-in", "all", `"systemd":{"units":[{"name":"a.service","dropins":[{"name":"b.conf","contents":"` + c.contents + `"}]}]}`, dropin},
		})
	}
}

// What the parser takes for a name, and the reference writes, systemd does not load.
func TestSectionsWhoseBracketIsInAnotherLine(t *testing.T) {
	for contents, line := range map[string]string{
		`[Unit]\nA=B\n[Service\nExecStart=/bin/x\n[Install]\nWantedBy=x\n`: "line 3",
		`[Service\r\nExecStart=/bin/x [y]\r\n`:                             "line 1",
		`# [\n[Service\n]\nExecStart=/bin/x\n`:                             "line 2",
	} {
		words := ".contents systemd cannot read " + line + " of this, and nothing after it: the name of the section has no closing bracket"
		testRules(t, []rule{
			{"unit", "all", `"systemd":{"units":[{"name":"a.service","enabled":true,"contents":"` + contents + `"}]}`, []string{"W systemd.units[0]" + words}},
			{"drop-in", "all", `"systemd":{"units":[{"name":"a.service","dropins":[{"name":"b.conf","contents":"` + contents + `"}]}]}`, []string{"W systemd.units[0].dropins[0]" + words}},
		})
	}
}

func TestAMachineIDIsTheEndOfPresets(t *testing.T) {
	with := func(unit, storage string) string {
		return `"systemd":{"units":[{"name":"a.service",` + unit + `}]},"storage":{` + storage + `}`
	}
	const path = `"path":"/etc/machine-id"`
	id := `"files":[{` + path + `,"contents":{"source":"data:,0123456789abcdef0123456789abcdef%0A"}}]`
	warning := []string{"W storage.files[0].path the units that this config enables and disables stay as they are in the image: with /etc/machine-id this is no first boot for systemd"}
	testRules(t, []rule{
		{"enabled", "all", with(`"enabled":true`, id), warning},
		{"disabled", "all", with(`"enabled":false`, id), warning},
		{"an empty file", "all", with(`"enabled":true`, `"files":[{`+path+`}]`), warning},
		{"from a server", "all", with(`"enabled":true`, `"files":[{`+path+`,"contents":{"source":"http://x/id"}}]`), warning},
		{"a link", "all", with(`"enabled":true`, `"links":[{"target":"x",`+path+`}]`), []string{"W storage.links[0].path stay as they are in the image"}},
		{"what systemd takes for none", "all", with(`"enabled":true`, `"files":[{`+path+`,"contents":{"source":"data:,uninitialized%0A"}}]`), nil},
		{"nothing by presets", "all", with(`"mask":true`, id), nil},
		{"systemd is told otherwise", "3.3+", with(`"enabled":true`, id) + `,"kernelArguments":{"shouldExist":["systemd.condition_first_boot=yes"]}`, nil},
	})
}

func TestEnabledUnitsNeedAnInstallSection(t *testing.T) {
	unit := func(members string) string {
		return `"systemd":{"units":[{"name":"a.service","enabled":true,` + members + `}]}`
	}
	warning := []string{"W systemd.units[0].contents no [Install] section"}
	testRules(t, []rule{
		{"with", "all", unit(`"contents":"[Install]\nWantedBy=x\n"`), nil},
		{"without", "all", unit(`"contents":"[Unit]\nA=B\n"`), warning},
		{"no section at all", "all", unit(`"contents":"hello"`), warning},
		{"empty section", "all", unit(`"contents":"[Install]\n"`), warning},
		{"other case", "all", unit(`"contents":"[install]\nWantedBy=x\n"`), warning},
		{"only in a drop-in", "all", unit(`"contents":"[Unit]\n","dropins":[{"name":"x.conf","contents":"[Install]\nWantedBy=x\n"}]`), warning},
		{"no contents", "all", unit(`"mask":false`), nil},
		{"empty contents", "all", unit(`"contents":""`), nil},
		{"not enabled", "all", `"systemd":{"units":[{"name":"a.service","enabled":false,"contents":"[Unit]\n"}]}`, nil},
	})
}

func TestEnabledInstancesNeedATemplateWithAnInstallSection(t *testing.T) {
	const barren = `{"name":"t@.service","contents":"[Unit]\nA=B\n"}`
	units := func(u string) string { return `"systemd":{"units":[` + u + `]}` }
	testRules(t, []rule{
		{"template first", "all", units(barren + `,{"name":"t@x.service","enabled":true}`), []string{"W systemd.units[1].contents its template \"t@.service\" has no [Install] section"}},
		{"instance first", "all", units(`{"name":"t@x.service","enabled":true,"contents":"[Install]\nWantedBy=x\n"},` + barren), []string{"W systemd.units[0].contents its template"}},
		{"neither has one is reported once", "all", units(`{"name":"t@x.service","enabled":true,"contents":"[Unit]\n"},` + barren), []string{"W systemd.units[0].contents no [Install] section"}},
		{"good template", "all", units(`{"name":"t@x.service","enabled":true},{"name":"t@.service","contents":"[Install]\nWantedBy=x\n"}`), nil},
		{"template without contents", "all", units(`{"name":"t@x.service","enabled":true},{"name":"t@.service"}`), nil},
		{"timers", "all", units(`{"name":"t@x.timer","enabled":true},{"name":"t@.timer","contents":"[Unit]\n"}`), nil},
		{"timer beside a service", "all", units(`{"name":"t@x.timer","enabled":true},` + barren), nil},
		{"nameless unit", "all", units(`{"name":"a.service","enabled":true},{"name":"","contents":"[Unit]\n"}`), []string{"E systemd.units[1].name should end in"}},
		{"not enabled", "all", units(`{"name":"t@x.service"},` + barren), nil},
	})
}

func TestFilesThatUnitsWrite(t *testing.T) {
	with := func(unit, storage string) string {
		return `"systemd":{"units":[{"name":"a.service",` + unit + `}]},"storage":{` + storage + `}`
	}
	const contents = `"contents":"[Unit]\n"`
	const path = `"path":"/etc/systemd/system/a.service"`
	testRules(t, []rule{
		{"file", "all", with(contents, `"files":[{`+path+`}]`), []string{"E storage.files[0].path written already, by systemd.units[0]"}},
		{"directory", "all", with(contents, `"directories":[{`+path+`}]`), []string{"E storage.directories[0].path written already"}},
		{"link", "all", with(contents, `"links":[{"target":"x",`+path+`}]`), []string{"E storage.links[0].path written already"}},
		{"drop-in", "all", with(`"dropins":[{"name":"b.conf","contents":"[Unit]\n"}]`, `"files":[{"path":"/etc/systemd/system/a.service.d/b.conf"}]`), []string{"E storage.files[0].path by systemd.units[0].dropins[0]"}},
		{"empty contents", "all", with(`"contents":"","dropins":[{"name":"b.conf","contents":""}]`, `"files":[{`+path+`},{"path":"/etc/systemd/system/a.service.d/b.conf"}]`), nil},
		{"mask", "all", with(`"mask":true`, `"files":[{`+path+`}]`), nil},
	})
}

func TestUsersAndArguments(t *testing.T) {
	testRules(t, []rule{
		{"nameless user", "all", `"passwd":{"users":[{}]}`, []string{"E passwd.users[0].name is missing"}},
		{"two nameless users", "all", `"passwd":{"users":[{},{}]}`, []string{`E passwd.users[1] the name "" is already passwd.users[0]`, "E passwd.users[0].name is missing", "E passwd.users[1].name is missing"}},
		{"a user and a group of one name", "all", `"passwd":{"users":[{"name":"a"}],"groups":[{"name":"a"}]}`, nil},
		{"a group twice", "all", `"passwd":{"groups":[{"name":"a"},{"name":"a"}]}`, []string{"E passwd.groups[1] already"}},
		{"lists of a user", "all", `"passwd":{"users":[{"name":"a","groups":["b","b"],"sshAuthorizedKeys":["k","k"]}]}`, []string{`E passwd.users[0].groups[1] "b" is already`, `E passwd.users[0].sshAuthorizedKeys[1] "k" is already`}},
		{"shouldExist before 3.2", "≤3.1", `"passwd":{"users":[{"name":"a","shouldExist":false}],"groups":[{"name":"a","shouldExist":false}]}`, []string{"W passwd.users[0].shouldExist since version 3.2.0", "W passwd.groups[0].shouldExist since version 3.2.0"}},
		{"arguments", "3.3+", `"kernelArguments":{"shouldExist":["a b",""],"shouldNotExist":["c"]}`, nil},
		{"an argument in both lists", "3.3+", `"kernelArguments":{"shouldNotExist":["a"],"shouldExist":["a"]}`, []string{`E kernelArguments.shouldNotExist[0] "a" is already kernelArguments.shouldExist[0]`}},
		{"arguments before 3.3", "≤3.2", `"kernelArguments":{"shouldExist":["a"]}`, []string{"W kernelArguments since version 3.3.0"}},
	})
}
