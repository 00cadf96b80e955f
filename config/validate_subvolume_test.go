package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestSubvolumes(t *testing.T) {
	const at = "storage.filesystems[0].subvolumes[0]."
	btrfs := func(members string) string { return `{"device":"/dev/a","format":"btrfs",` + members + `}` }
	named := func(name string) string { return btrfs(`"subvolumes":[{"name":"` + name + `"}]`) }
	for name, c := range map[string]struct {
		filesystems string
		want        []string
	}{
		"all members":     {btrfs(`"path":"/top","mountOptions":["compress=zstd"],"subvolumes":[{"name":"@","default":true},{"name":"@/var lib","path":"/var","mountOptions":["noatime"],"nocow":true,"default":false}]`), nil},
		"longest name":    {named(strings.Repeat("a", 255) + "/b"), nil},
		"one mount point": {btrfs(`"path":"/a"`) + `,{"device":"/dev/b","format":"xfs","path":"/a"}`, nil},

		"another format":     {`{"device":"/dev/a","format":"ext4","subvolumes":[{"name":"@"}]}`, []string{`E storage.filesystems[0].subvolumes ext4 has no subvolumes; only the format "btrfs" has`}},
		"no format":          {`{"device":"/dev/a","subvolumes":[{"name":"@"}]}`, []string{`E storage.filesystems[0].format the format is missing, and without it subvolumes has no meaning`}},
		"no name":            {btrfs(`"subvolumes":[{"path":"/a"}]`), []string{`E ` + at + `name the name of the subvolume is missing; it is the path from the top`}},
		"upwards":            {named("@/../b"), []string{`E ` + at + `name "@/../b" of the subvolume leads upwards with "..", which is not possible`}},
		"the top":            {named("/"), []string{`E ` + at + `name "/" is the top of the filesystem, which always exists; to mount it, set the path of the filesystem itself`}},
		"the top, otherwise": {named("."), []string{`E ` + at + `name "." is the top`}},
		"absolute":           {named("/@/var"), []string{`E ` + at + `name without a slash before it; write "@/var"`}},
		"slash at the end":   {named("@/"), []string{`E ` + at + `name not in its simplest form, from the top of the filesystem and without a slash before it; write "@"`}},
		"comma":              {named("a,ro"), []string{`E ` + at + `name "a,ro" of the subvolume has a comma, a quote or a control character in it, which mount options cannot have`}},
		"quote":              {named(`a\"b`), []string{`E ` + at + `name a comma, a quote`}},
		"line end":           {named(`a\nb`), []string{`E ` + at + `name a control character`}},
		"long name":          {named("a/" + strings.Repeat("b", 256)), []string{`E ` + at + `name in this path is 256 bytes long, at most 255 are possible`}},
		"name twice":         {btrfs(`"subvolumes":[{"name":"@"},{"name":"@"}]`), []string{`E storage.filesystems[0].subvolumes[1] the name "@" is already storage.filesystems[0].subvolumes[0]`}},
		"relative path":      {btrfs(`"subvolumes":[{"name":"@","path":"var"}]`), []string{`E ` + at + `path the path "var" is not absolute`}},
		"our own path":       {btrfs(`"subvolumes":[{"name":"@","path":"` + ownLedger + `"}]`), []string{`E ` + at + `path is a file of Firstlight's own`}},
		"two defaults":       {btrfs(`"subvolumes":[{"name":"@","default":true},{"name":"@a","default":true}]`), []string{`E storage.filesystems[0].subvolumes[1].default "@" is the default already (storage.filesystems[0].subvolumes[0].default`}},
		"option of the filesystem": {btrfs(`"mountOptions":["noatime,subvol=/@"],"subvolumes":[{"name":"@"}]`),
			[]string{`E storage.filesystems[0].mountOptions[0] the mount option "subvol=/@" is another way to name a subvolume`}},
		"option of a subvolume": {btrfs(`"subvolumes":[{"name":"@","path":"/a","mountOptions":["ro","subvolid=5"]}]`),
			[]string{`E ` + at + `mountOptions[1] the mount option "subvolid=5" is another way`}},
		"option without subvolumes": {btrfs(`"path":"/a","mountOptions":["subvol=/@"]`), nil},
		"paths twice": {btrfs(`"path":"/b","subvolumes":[{"name":"@","path":"/a"},{"name":"@b","path":"/a"},{"name":"@c","path":"/b"}]`), []string{
			`E storage.filesystems[0].subvolumes[1].path the path "/a" is already that of another mount, storage.filesystems[0].subvolumes[0].path`,
			`E storage.filesystems[0].subvolumes[2].path the path "/b" is already that of another mount, storage.filesystems[0].path`}},
		"the path of another filesystem": {btrfs(`"subvolumes":[{"name":"@","path":"/a"}]`) + `,{"device":"/dev/b","format":"xfs","path":"/a"}`, []string{`E ` + at + `path the path "/a" is already that of another mount, storage.filesystems[1].path`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems, _ := Parse(extendedDocument("3.6.0+firstlight.1", `"storage":{"filesystems":[`+c.filesystems+`]}`), "test")
			expectProblems(t, name, problems, c.want)
		})
	}
}

func TestSubvolumesAreAnExtension(t *testing.T) {
	const text = `"storage":{"filesystems":[{"device":"/dev/a","format":"btrfs","subvolumes":[{"name":"@"}]}]}`
	_, problems, err := Parse(extendedDocument("3.6.0", text), "test")
	if err == nil {
		t.Error("a plain config has subvolumes")
	}
	expectProblems(t, "plain", problems, []string{`E storage.filesystems[0].subvolumes "subvolumes" has extensions of Firstlight`})
	cfg, _, err := Parse(extendedDocument("3.6.0+firstlight.1", text), "test")
	if err != nil || !cfg.IsExtended() || cfg.CheckPlain() == nil {
		t.Errorf("got %v, want an extended config", err)
	}
	_, problems, _ = Parse(extendedDocument("3.6.0+firstlight.1", strings.Replace(text, `"name"`, `"nocwo":true,"name"`, 1)), "test")
	expectProblems(t, "a key that is unknown", problems, []string{`E storage.filesystems[0].subvolumes[0].nocwo did you mean "nocow"?`})
}

func TestSubvolumesAreMergedByName(t *testing.T) {
	parse := func(subvolumes string) *Config {
		cfg, problems, err := Parse(extendedDocument("3.6.0+firstlight.1", `"storage":{"filesystems":[{"device":"/dev/a","format":"btrfs","subvolumes":[`+subvolumes+`]}]}`), "test")
		if err != nil {
			t.Fatal(err, problems)
		}
		return cfg
	}
	merged := Merge(parse(`{"name":"@","path":"/a"},{"name":"@var","path":"/var"}`), parse(`{"name":"@","path":"/b","nocow":true},{"name":"@srv"}`))
	var got []string
	for _, s := range merged.Storage.Filesystems[0].Subvolumes {
		got = append(got, s.Name+ValueOr(s.Path, ""))
	}
	if want := []string{"@/b", "@var/var", "@srv"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMountsOfAFilesystem(t *testing.T) {
	cfg, problems, err := Parse(extendedDocument("3.6.0+firstlight.1", `"storage":{"filesystems":[{"device":"/dev/a","format":"btrfs","path":"/top","mountOptions":["compress=zstd"],
		"subvolumes":[{"name":"@"},{"name":"@/var","path":"/var","mountOptions":["noatime"]}]}, {"device":"/dev/b","format":"swap"}]}`), "test")
	if err != nil {
		t.Fatal(err, problems)
	}
	var got []string
	for i := range cfg.Storage.Filesystems {
		for _, m := range cfg.Storage.Filesystems[i].Mounts() {
			got = append(got, m.Path+" "+strings.Join(m.Options, ",")+" "+m.Origin("path").Path)
		}
	}
	if want := []string{"/top compress=zstd storage.filesystems[0].path", "/var compress=zstd,noatime,subvol=/@/var storage.filesystems[0].subvolumes[1].path"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
