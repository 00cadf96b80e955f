package config

import (
	"strings"
	"testing"
)

func TestAbsentAndArchives(t *testing.T) {
	archive := func(members string) string {
		return `"archives":[{"path":"/opt/app","format":"tar.gz","contents":{"source":"https://host/a"}` + members + `}]`
	}
	for name, c := range map[string]struct {
		storage string
		want    []string
	}{
		"all members":           {`"absent":["/etc/motd"],` + archive(`,"strip":1,"user":{"id":1},"group":{"name":"a"},"overwrite":true,"allowSetuid":true`), nil},
		"two into one":          {`"archives":[{"path":"/bin","format":"tar","contents":{"source":"data:,a"}},{"path":"/bin","format":"tar","contents":{"source":"data:,b"}}]`, nil},
		"with files in it":      {archive("") + `,"files":[{"path":"/opt/app/x"}],"directories":[{"path":"/opt/app"}]`, nil},
		"into the root":         {`"archives":[{"path":"/","format":"tar","contents":{"source":"data:,a"}}]`, nil},
		"no path":               {`"archives":[{"format":"tar","contents":{"source":"data:,a"}}]`, []string{"E storage.archives[0].path a path is missing"}},
		"no source":             {`"archives":[{"path":"/a","format":"tar"}]`, []string{"E storage.archives[0].contents the source of the archive is missing"}},
		"an empty source":       {`"archives":[{"path":"/a","format":"tar","contents":{"source":""}}]`, []string{"E storage.archives[0].contents the source of the archive is missing"}},
		"no format":             {`"archives":[{"path":"/a","contents":{"source":"data:,a"}}]`, []string{"E storage.archives[0].format the format of the archive is missing; it should be tar or tar.gz"}},
		"an unknown format":     {`"archives":[{"path":"/a","format":"zip","contents":{"source":"data:,a"}}]`, []string{`E storage.archives[0].format the format "zip" of the archive is unknown`}},
		"strip":                 {archive(`,"strip":-1`), []string{"E storage.archives[0].strip -1 directories cannot be left out"}},
		"a large strip":         {archive(`,"strip":101`), []string{"E storage.archives[0].strip it should be a number from 0 to 100"}},
		"two owners":            {archive(`,"user":{"id":1,"name":"a"}`), []string{"E storage.archives[0].user the user is given by id (1) and by name"}},
		"over the ledger":       {`"archives":[{"path":"/etc/.provisioning-ledger.json","format":"tar","contents":{"source":"data:,a"}}]`, []string{"E storage.archives[0].path a file of Firstlight's own"}},
		"at a file":             {archive("") + `,"files":[{"path":"/opt/app"}]`, []string{`E storage.archives[0].path but storage.files[0]`}},
		"at a link":             {archive("") + `,"links":[{"path":"/opt/app","target":"/x"}]`, []string{`E storage.archives[0].path makes something else at "/opt/app"`}},
		"below a link":          {archive("") + `,"links":[{"path":"/opt","target":"/x"}]`, []string{`E storage.archives[0] "/opt/app" is below the link "/opt"`}},
		"wrong hash":            {`"archives":[{"path":"/a","format":"tar","contents":{"source":"data:,a","verification":{"hash":"md5-1"}}}]`, []string{"E storage.archives[0].contents.verification.hash the hash function is unknown"}},
		"headers":               {`"archives":[{"path":"/a","format":"tar","contents":{"source":"data:,a","httpHeaders":[{"name":"A","value":"b"}]}}]`, []string{"E storage.archives[0].contents.httpHeaders HTTP headers need a source"}},
		"absent, relative":      {`"absent":["etc/motd"]`, []string{`E storage.absent[0] the path "etc/motd" is not absolute`}},
		"absent, not simple":    {`"absent":["/etc/../motd"]`, []string{`E storage.absent[0] is not in its simplest form`}},
		"absent, twice":         {`"absent":["/a","/a"]`, []string{`E storage.absent[1] "/a" is already storage.absent[0]`}},
		"absent, and made":      {`"absent":["/a"],"files":[{"path":"/a"}]`, []string{`E storage.files[0] the path "/a" is already storage.absent[0]`}},
		"absent, and a link":    {`"absent":["/a"],"links":[{"path":"/a","target":"/b"}]`, []string{`E storage.links[0] the path "/a" is already storage.absent[0]`}},
		"absent, with some in":  {`"absent":["/a"],"files":[{"path":"/a/b/c"}],"directories":[{"path":"/a/b"}],"links":[{"path":"/a/l","target":"/b"}]`, []string{`E storage.directories[0].path "/a/b" is below "/a", which should be absent by storage.absent[0]`, "E storage.files[0].path is below", "E storage.links[0].path is below"}},
		"absent, an archive":    {`"absent":["/opt/app"],` + archive(""), []string{`E storage.archives[0].path an archive is unpacked into "/opt/app", which should be absent`}},
		"absent, above one":     {`"absent":["/opt"],` + archive(""), []string{`E storage.archives[0].path "/opt/app" is below "/opt", which should be absent`}},
		"absent, the root":      {`"absent":["/"]`, []string{"E storage.absent[0] the root itself cannot be absent"}},
		"absent, the ledger":    {`"absent":["/etc/.provisioning-ledger.json"]`, []string{"E storage.absent[0] it cannot be absent"}},
		"absent, a unit's file": {`"absent":["/etc/systemd/system/a.service"]`, []string{`E storage.absent[0] should be absent, but systemd.units[0]`}},
		"absent, a drop-in":     {`"absent":["/etc/systemd/system/a.service.d/b.conf","/etc/systemd/system/c.service"]`, []string{`E storage.absent[0] should be absent, but systemd.units[0].dropins[0]`}},
		"an unknown key":        {archive(`,"Strip":1`), []string{"E storage.archives[0].Strip should be written"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := extendedDocument("3.6.0+firstlight.1", `"storage":{`+c.storage+`},"systemd":{"units":[{"name":"a.service","contents":"[Service]\n","dropins":[{"name":"b.conf","contents":"[Service]\n"}]}]}`)
			_, problems, _ := Parse(text, "test")
			expectProblems(t, name, problems, c.want)
		})
	}
}

// A config that is merged takes back what its parent makes, and the other way round.
func TestAbsentIsMergedWithWhatIsMade(t *testing.T) {
	parse := func(storage string) *Config {
		c, problems, err := Parse(extendedDocument("3.6.0+firstlight.1", `"storage":{`+storage+`}`), "test")
		if err != nil {
			t.Fatal(problems)
		}
		return c
	}
	const file, absent = `"files":[{"path":"/a"},{"path":"/b"}]`, `"absent":["/a","/c"]`
	removed := Merge(parse(file), parse(absent))
	if len(removed.Storage.Files) != 1 || removed.Storage.Files[0].Path != "/b" || len(removed.Storage.Absent) != 2 {
		t.Errorf("a file that should be absent: %+v", removed.Storage)
	}
	made := Merge(parse(absent), parse(file))
	if len(made.Storage.Files) != 2 || strings.Join(made.Storage.Absent, " ") != "/c" {
		t.Errorf("what should be absent and is made: %+v", made.Storage)
	}
	both := Merge(parse(`"archives":[{"path":"/a","format":"tar","contents":{"source":"data:,a"}}]`), parse(`"archives":[{"path":"/a","format":"tar","contents":{"source":"data:,b"}}]`))
	if len(both.Storage.Archives) != 2 {
		t.Errorf("archives of both: %+v", both.Storage.Archives)
	}
	for _, c := range []*Config{removed, both} {
		if problems := c.ValidateMerged(); len(problems) > 0 || !c.IsExtended() {
			t.Errorf("together they have problems, or no extension: %v", problems)
		}
	}
}

func TestArchivesNeedTheNetwork(t *testing.T) {
	for source, want := range map[string]int{"https://host/a": 1, "data:,a": 0} {
		c := New(V3_6)
		c.Storage.Archives = []Archive{{Path: "/a", Format: FormatTar, Contents: Resource{Source: &source}}}
		if got := len(c.NeedsNetwork()); got != want {
			t.Errorf("%s: %d values need the network, want %d", source, got, want)
		}
	}
}
