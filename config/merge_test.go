package config

import (
	"strings"
	"testing"
)

// merged is the JSON of one section of two configs that were merged.
func merged(t *testing.T, parent, child string) string {
	t.Helper()
	m := Merge(parsedAs(t, "parent", Newest, parent), parsedAs(t, "child", Newest, child))
	return strings.TrimSuffix(strings.TrimPrefix(string(m.print()), `{"ignition":{"version":"3.7.0-experimental"},`), "}")
}

func TestMerge(t *testing.T) {
	for _, c := range []struct{ name, parent, child, want string }{
		{"zero values count",
			`"storage":{"files":[{"path":"/a","mode":420,"overwrite":true,"contents":{"source":"data:,"}}]}`,
			`"storage":{"files":[{"path":"/a","mode":0,"overwrite":false}]}`,
			`"storage":{"files":[{"path":"/a","contents":{"source":"data:,"},"mode":0,"overwrite":false}]}`},
		{"null and empty lists change nothing",
			`"storage":{"files":[{"path":"/a","mode":420}]},"kernelArguments":{"shouldExist":["a"]}`,
			`"storage":{"files":[{"path":"/a","mode":null}]},"kernelArguments":{"shouldExist":[]}`,
			`"kernelArguments":{"shouldExist":["a"]},"storage":{"files":[{"path":"/a","mode":420}]}`},
		{"a new source keeps compression and hash",
			`"storage":{"files":[{"path":"/a","contents":{"source":"http://a","compression":"gzip","verification":{"hash":"` + sha512 + `"}}}]}`,
			`"storage":{"files":[{"path":"/a","contents":{"source":"http://b"}}]}`,
			`"storage":{"files":[{"path":"/a","contents":{"source":"http://b","compression":"gzip","verification":{"hash":"` + sha512 + `"}}}]}`},
		{"partition by number, partition by label",
			`"storage":{"disks":[{"device":"/d","partitions":[{"number":1,"label":"x"},{"number":2,"sizeMiB":5},{"label":"l","sizeMiB":1}]}]}`,
			`"storage":{"disks":[{"device":"/d","partitions":[{"label":"x"},{"number":2,"startMiB":7},{"number":0,"label":"l","startMiB":3}]}]}`,
			`"storage":{"disks":[{"device":"/d","partitions":[{"number":1,"label":"x"},{"number":2,"startMiB":7,"sizeMiB":5},{"number":0,"label":"l","startMiB":3,"sizeMiB":1},{"label":"x"}]}]}`},
		{"minus zero is no number",
			`"storage":{"disks":[{"device":"/d","partitions":[{"number":-0,"label":"x"}]}]}`,
			`"storage":{"disks":[{"device":"/d","partitions":[{"label":"x","sizeMiB":1}]}]}`,
			`"storage":{"disks":[{"device":"/d","partitions":[{"number":0,"label":"x","sizeMiB":1}]}]}`},
		{"a hard link stays hard",
			`"storage":{"links":[{"path":"/a","target":"A","hard":true}]}`,
			`"storage":{"links":[{"path":"/a","target":"B"}]}`,
			`"storage":{"links":[{"path":"/a","target":"B","hard":true}]}`},
		{"a file instead of a directory",
			`"storage":{"directories":[{"path":"/a","mode":493},{"path":"/b"}]}`,
			`"storage":{"files":[{"path":"/a"}]}`,
			`"storage":{"directories":[{"path":"/b"}],"files":[{"path":"/a"}]}`},
		{"arguments in the other list",
			`"kernelArguments":{"shouldExist":["a","b"],"shouldNotExist":["c"]}`,
			`"kernelArguments":{"shouldExist":["c"],"shouldNotExist":["a","d"]}`,
			`"kernelArguments":{"shouldExist":["b","c"],"shouldNotExist":["a","d"]}`},
		{"raid devices and options",
			`"storage":{"raid":[{"name":"r","level":"1","devices":["/a","/b"],"options":["o"]}]}`,
			`"storage":{"raid":[{"name":"r","level":"1","devices":["/b","/c"],"options":["o"]}]}`,
			`"storage":{"raid":[{"name":"r","level":"1","devices":["/a","/b","/c"],"options":["o","o"]}]}`},
		{"order of files",
			`"storage":{"files":[{"path":"/c"},{"path":"/b"}]}`,
			`"storage":{"files":[{"path":"/a"},{"path":"/b","mode":1},{"path":"/0"}]}`,
			`"storage":{"files":[{"path":"/c"},{"path":"/b","mode":1},{"path":"/a"},{"path":"/0"}]}`},
		{"appended fragments",
			`"storage":{"files":[{"path":"/a","append":[{"source":"data:,x"}]}]}`,
			`"storage":{"files":[{"path":"/a","append":[{"source":"data:,x"}]}]}`,
			`"storage":{"files":[{"path":"/a","append":[{"source":"data:,x"},{"source":"data:,x"}]}]}`},
		{"users",
			`"passwd":{"users":[{"name":"u","groups":["a","b"],"sshAuthorizedKeys":["k"]}],"groups":[{"name":"u"}]}`,
			`"passwd":{"users":[{"name":"u","groups":["b","c"],"sshAuthorizedKeys":["k","l"]}],"groups":[{"name":"u","gid":5}]}`,
			`"passwd":{"groups":[{"name":"u","gid":5}],"users":[{"name":"u","groups":["a","b","c"],"sshAuthorizedKeys":["k","l"]}]}`},
		{"filesystems",
			`"storage":{"filesystems":[{"device":"/d","format":"ext4","options":["a"],"mountOptions":["b"]}]}`,
			`"storage":{"filesystems":[{"device":"/d","format":"xfs","options":["a"],"mountOptions":["c"]}]}`,
			`"storage":{"filesystems":[{"device":"/d","format":"xfs","options":["a","a"],"mountOptions":["b","c"]}]}`},
		{"luks",
			`"storage":{"luks":[{"name":"l","device":"/d","options":["a"],"openOptions":["b"],"clevis":{"tang":[{"url":"http://t","thumbprint":"x"}]}}]}`,
			`"storage":{"luks":[{"name":"l","device":"/d","options":["a"],"openOptions":["b","c"],"clevis":{"tang":[{"url":"http://t","thumbprint":"y"},{"url":"http://u","thumbprint":"z"}]}}]}`,
			`"storage":{"luks":[{"name":"l","device":"/d","clevis":{"tang":[{"url":"http://t","thumbprint":"y"},{"url":"http://u","thumbprint":"z"}]},"openOptions":["b","c"],"options":["a","a"]}]}`},
		{"units",
			`"systemd":{"units":[{"name":"a.service","contents":"x","dropins":[{"name":"a.conf","contents":"x"}]}]}`,
			`"systemd":{"units":[{"name":"a.service","mask":true,"dropins":[{"name":"a.conf","contents":"y"},{"name":"b.conf"}]}]}`,
			`"systemd":{"units":[{"name":"a.service","contents":"x","dropins":[{"name":"a.conf","contents":"y"},{"name":"b.conf"}],"mask":true}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := merged(t, c.parent, c.child); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMergingHeaders(t *testing.T) {
	contents := func(headers string) string {
		return `"storage":{"files":[{"path":"/a","contents":{"source":"http://x","httpHeaders":[` + headers + `]}}]}`
	}
	for _, c := range []struct{ name, parent, child, want string }{
		{"a new value", `{"name":"a","value":"1"},{"name":"b","value":"2"}`, `{"name":"a","value":"3"}`, `{"name":"a","value":"3"},{"name":"b","value":"2"}`},
		{"no value removes", `{"name":"a","value":"1"},{"name":"b","value":"2"}`, `{"name":"a"}`, `{"name":"b","value":"2"}`},
		{"names know case", `{"name":"a","value":"1"}`, `{"name":"A"}`, `{"name":"a","value":"1"},{"name":"A"}`},
		{"nothing to remove", ``, `{"name":"a"}`, `{"name":"a"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := merged(t, contents(c.parent), contents(c.child)); got != contents(c.want) {
				t.Errorf("got  %s\nwant %s", got, contents(c.want))
			}
		})
	}
	t.Run("not in append", func(t *testing.T) {
		parent := `"storage":{"files":[{"path":"/a","append":[{"source":"http://x","httpHeaders":[{"name":"a","value":"1"}]}]}]}`
		child := `"storage":{"files":[{"path":"/a","append":[{"source":"http://x","httpHeaders":[{"name":"a"}]}]}]}`
		if got := merged(t, parent, child); strings.Count(got, `"name":"a"`) != 2 {
			t.Error(got)
		}
	})
}

func TestMergingReferencesAndSettings(t *testing.T) {
	parent := parsed(t, Newest, `"ignition":{$V,"timeouts":{"httpTotal":5},"proxy":{"noProxy":["a"]},"config":{"merge":[{"source":"http://a","compression":"gzip"}]}}`)
	child := parsed(t, Newest, `"ignition":{$V,"timeouts":{"httpResponseHeaders":1},"proxy":{"noProxy":["b","a"]},"config":{"merge":[{"source":"http://a"},{"source":"http://b"}]}}`)
	want := `{"ignition":{"version":"3.7.0-experimental","config":{"merge":[{"source":"http://a","compression":"gzip"},{"source":"http://b"}]},` +
		`"proxy":{"noProxy":["a","b"]},"timeouts":{"httpResponseHeaders":1,"httpTotal":5}}}`
	if got := string(Merge(parent, child).print()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMergingChangesNeitherSide(t *testing.T) {
	parent := parsed(t, Newest, `"storage":{"files":[{"path":"/a","mode":1}],"directories":[{"path":"/b"}]}`)
	child := parsed(t, Newest, `"storage":{"files":[{"path":"/a","mode":2},{"path":"/b"}]}`)
	before := string(parent.print()) + string(child.print())
	Merge(parent, child)
	if after := string(parent.print()) + string(child.print()); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
}

func TestMergedValuesKnowWhereTheyCameFrom(t *testing.T) {
	parent, child := mergeExample(t)
	checkMergedOrigins(t, Merge(parent, child))
}

func mergeExample(t *testing.T) (parent, child *Config) {
	t.Helper()
	parent = parsedAs(t, "base", Newest, "\"storage\":{\"files\":[\n{\"path\":\"/p\"},\n{\"path\":\"/a\",\"mode\":420,\n\"user\":{\"id\":5}}]}")
	child = parsedAs(t, "user", Newest, "\"storage\":{\"files\":[\n{\"path\":\"/a\",\n\"overwrite\":true,\"contents\":{\"source\":\"\"}},\n{\"path\":\"/c\"}]}")
	return parent, child
}

func checkMergedOrigins(t *testing.T, m *Config) {
	t.Helper()
	f := m.Storage.Files
	for _, c := range []struct {
		what      string
		got, want Origin
	}{
		{"only in the parent", f[0].Origin("path"), at("base", 2, 9, "storage.files[0].path")},
		{"the file of both", f[1].Origin(), at("user", 2, 1, "storage.files[0]")},
		{"from the parent", f[1].Origin("mode"), at("base", 3, 21, "storage.files[1].mode")},
		{"deep in the parent", f[1].User.Origin("id"), at("base", 4, 14, "storage.files[1].user.id")},
		{"from the child", f[1].Origin("overwrite"), at("user", 3, 13, "storage.files[0].overwrite")},
		{"deep in the child", f[1].Contents.Origin("source"), at("user", 3, 39, "storage.files[0].contents.source")},
		{"only in the child", f[2].Origin(), at("user", 4, 1, "storage.files[1]")},
		{"absent", f[2].Group.Origin("id"), at("user", 4, 1, "storage.files[1]")},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
}

func TestValidateFindsWhatMergingBrings(t *testing.T) {
	for _, c := range []struct {
		name, parent, child string
		want                []string
	}{
		{"user by id and name", `"storage":{"files":[{"path":"/a","user":{"id":5}}]}`, `"storage":{"files":[{"path":"/a","user":{"name":"x"}}]}`,
			[]string{"E storage.files[0].user given by id (5) and by name"}},
		{"headers of data", `"storage":{"files":[{"path":"/a","contents":{"source":"http://x","httpHeaders":[{"name":"a","value":"b"}]}}]}`,
			`"storage":{"files":[{"path":"/a","contents":{"source":"data:,"}}]}`, []string{"E storage.files[0].contents.httpHeaders HTTP headers need"}},
		{"cex and TPM", `"storage":{"luks":[{"name":"a","device":"/d","cex":{"enabled":true}}]}`, `"storage":{"luks":[{"name":"a","device":"/d","clevis":{"tpm2":true}}]}`,
			[]string{"E storage.luks[0].cex remove one of the two"}},
		{"one label twice", `"storage":{"disks":[{"device":"/d","partitions":[{"number":1,"label":"x"}]}]}`, `"storage":{"disks":[{"device":"/d","partitions":[{"label":"x"}]}]}`,
			[]string{`E storage.disks[0].partitions[0] label "x" is already`}},
		{"below a link", `"storage":{"links":[{"path":"/a","target":"/b"}]}`, `"storage":{"files":[{"path":"/a/b"}]}`, []string{"E storage.files[0] below the link"}},
		{"options twice are no duplicates", `"storage":{"filesystems":[{"device":"/d","format":"ext4","options":["a"]}]}`, `"storage":{"filesystems":[{"device":"/d","options":["a"],"format":"ext4"}]}`, nil},
	} {
		m := Merge(parsedAs(t, "base", V3_5, c.parent), parsedAs(t, "user", V3_6, c.child))
		expectProblems(t, c.name, m.ValidateMerged(), c.want)
	}
}
