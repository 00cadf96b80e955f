package config

import (
	"strings"
	"testing"
)

// chosen is a config with some disks, and filesystems on some devices below /dev/firstlight.
func chosen(disks string, names ...string) []byte {
	var filesystems []string
	for _, name := range names {
		filesystems = append(filesystems, `{"device":"/dev/firstlight/`+name+`","format":"xfs"}`)
	}
	return extendedDocument("3.6.0+firstlight.1", `"firstlight":{"disks":[`+disks+`]},"storage":{"filesystems":[`+strings.Join(filesystems, ",")+`]}`)
}

func TestChosenDisks(t *testing.T) {
	const at = "firstlight.disks[0]."
	for name, c := range map[string]struct {
		disks string
		used  string // names, with blanks between
		want  []string
	}{
		"by all properties": {`{"as":"a","match":{"serial":"S","wwn":"0x1","model":"Samsung [A-Z]*/x","transport":"nvme","path":"pci-*","size":"400GB-2TB","rotational":false,"removable":false,"empty":true,"holds":"old","root":true},"pick":"only"}`, "a", nil},
		"picks":             {`{"as":"a","match":{"empty":true},"pick":"smallest"},{"as":"b","match":{"empty":true},"pick":"largest"},{"as":"c","match":{"empty":true},"pick":"all"}`, "a b c1 c2 c10", nil},
		"a partition":       {`{"as":"a","match":{"empty":true}}`, "a-part1", nil},

		"no name":                {`{"match":{"serial":"S"}}`, "", []string{"E " + at + "as a disk that is chosen by its properties needs a name"}},
		"empty name":             {`{"as":"","match":{"serial":"S"}}`, "", []string{"E " + at + "as needs a name"}},
		"name with a slash":      {`{"as":"a/b","match":{"serial":"S"}}`, "a/b", []string{`E ` + at + `as "a/b" cannot be the name of a disk`}},
		"name with a dot":        {`{"as":"..","match":{"serial":"S"}}`, "", []string{`E ` + at + `as ".." cannot be`, "W " + at + "as nothing in the config names"}},
		"name with a dash first": {`{"as":"-a","match":{"serial":"S"}}`, "-a", []string{`E ` + at + `as begin with a letter or a digit`}},
		"name of a partition":    {`{"as":"a-part1","match":{"serial":"S"}}`, "", []string{`E ` + at + `as it would be that of a partition of disk "a"`, "W " + at + "as nothing"}},
		"long name":              {`{"as":"` + strings.Repeat("a", 65) + `","match":{"serial":"S"}}`, strings.Repeat("a", 65), []string{"E " + at + "as 65 bytes long, at most 64"}},
		"one name twice":         {`{"as":"a","match":{"serial":"S"}},{"as":"a","match":{"serial":"T"}}`, "a", []string{`E firstlight.disks[1] the name "a" is already firstlight.disks[0]`}},
		"name of one of all":     {`{"as":"a","match":{"serial":"S"},"pick":"all"},{"as":"a1","match":{"serial":"T"}}`, "a1", []string{`E firstlight.disks[1].as "/dev/firstlight/a1" could be two disks: "a" is all`, "W " + at + "as nothing"}},
		"names of all":           {`{"as":"a","match":{"serial":"S"},"pick":"all"},{"as":"a1","match":{"serial":"T"},"pick":"all"}`, "a2 a11", []string{`E firstlight.disks[1].as "/dev/firstlight/a11" could be two disks`}},

		"no match":           {`{"as":"a"}`, "a", []string{"E firstlight.disks[0] no property to look for, so that each disk would match"}},
		"empty match":        {`{"as":"a","match":{}}`, "a", []string{"E " + at + "match no property"}},
		"only root":          {`{"as":"a","match":{"root":true},"pick":"largest"}`, "a", []string{"E " + at + "match no property"}},
		"empty texts":        {`{"as":"a","match":{"serial":"","size":""}}`, "a", []string{"E " + at + "match.serial serial is empty", "E " + at + "match.size size is empty"}},
		"pattern":            {`{"as":"a","match":{"model":"a[","path":"b\\"}}`, "a", []string{`E ` + at + `match.model "a[" is not a pattern`, `E ` + at + `match.path is not a pattern`}},
		"size":               {`{"as":"a","match":{"size":">= 400G"}}`, "a", []string{`E ` + at + `match.size "400G" is no size`}},
		"unknown pick":       {`{"as":"a","match":{"serial":"S"},"pick":"biggest"}`, "a", []string{`E ` + at + `pick "biggest" is not how a disk is picked of several; it should be one of only, smallest, largest, all`}},
		"empty pick":         {`{"as":"a","match":{"serial":"S"},"pick":""}`, "a", []string{"E " + at + "pick is not how"}},
		"unused":             {`{"as":"a","match":{"serial":"S"}}`, "", []string{"W " + at + "as nothing in the config names the device /dev/firstlight/a"}},
		"all, and unused":    {`{"as":"a","match":{"serial":"S"},"pick":"all"}`, "", []string{"W " + at + "as the device /dev/firstlight/a1"}},
		"undefined":          {`{"as":"data","match":{"serial":"S"}}`, "data dat", []string{`W storage.filesystems[1].device no disk of the config has the name of "/dev/firstlight/dat"; did you mean "/dev/firstlight/data"?`}},
		"undefined, no hint": {`{"as":"data","match":{"serial":"S"}}`, "data logs", []string{`W storage.filesystems[1].device define it with "as" and "match"`}},
		"number 0":           {`{"as":"a","match":{"serial":"S"},"pick":"all"}`, "a1 a0", []string{`W storage.filesystems[1].device no disk`}},
		"all by one name":    {`{"as":"a","match":{"serial":"S"},"pick":"all"}`, "a", []string{`W storage.filesystems[0].device no disk of the config has the name of "/dev/firstlight/a"; with pick all the disks have numbers; did you mean "/dev/firstlight/a1"?`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems, _ := Parse(chosen(c.disks, strings.Fields(c.used)...), "test")
			expectProblems(t, name, problems, c.want)
		})
	}
}

func TestNamesOfDisksAreUsedEverywhere(t *testing.T) {
	const unit = `"systemd":{"units":[{"name":"a.mount","contents":"[Mount]\nWhat=/dev/firstlight/NAME\nWhere=/a\n[Install]\nWantedBy=local-fs.target"}]}`
	for where, text := range map[string]string{
		"storage.disks[0].device":       `"storage":{"disks":[{"device":"/dev/firstlight/NAME"}]}`,
		"storage.raid[0].devices[1]":    `"storage":{"raid":[{"name":"a","level":"raid1","devices":["/dev/a","/dev/firstlight/NAME"]}]}`,
		"storage.luks[0].device":        `"storage":{"luks":[{"name":"a","device":"/dev/firstlight/NAME"}]}`,
		"storage.filesystems[0].device": `"storage":{"filesystems":[{"device":"/dev/firstlight/NAME","format":"xfs"}]}`,
		"systemd.units[0].contents":     unit,
	} {
		const disk = `,"firstlight":{"disks":[{"as":"data","match":{"serial":"S"}}]}`
		_, problems, err := Parse(extendedDocument("3.6.0+firstlight.1", strings.ReplaceAll(text, "NAME", "data")+disk), "test")
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %s", where, err, problems)
		}
		_, problems, _ = Parse(extendedDocument("3.6.0+firstlight.1", strings.ReplaceAll(text, "NAME", "dta")+disk), "test")
		if len(problems) != 2 || problems[0].Rule != RuleDiskNameUnknown || problems[0].Origin.Path != where || problems[1].Rule != RuleDiskNameUnused {
			t.Errorf("%s: %s", where, problems)
		}
	}
}

func TestUnknownNamesOfDisksAreErrorsInTheWhole(t *testing.T) {
	const fs = `"storage":{"filesystems":[{"device":"/dev/firstlight/dat","format":"xfs"}]}`
	plain := parsedWarned(t, []byte(document(V3_4, fs)))
	if problems := plain.ValidateMerged(); problems.HasErrors() || len(problems) != 1 || problems[0].Rule != RuleDiskNameUnknown {
		t.Errorf("without extensions: %s", problems)
	}
	merged := Merge(plain, parsedWarned(t, chosen(`{"as":"data","match":{"serial":"S"}}`)))
	if problems := merged.ValidateMerged(); !problems.HasErrors() || !strings.Contains(problems.String(), `did you mean "/dev/firstlight/data"?`) {
		t.Errorf("with extensions: %s", problems)
	}
}

// parsedWarned is a config that is accepted with a warning.
func parsedWarned(t *testing.T, text []byte) *Config {
	t.Helper()
	cfg, problems, err := Parse(text, "test")
	if err != nil || len(problems) != 1 {
		t.Fatalf("%v, %s", err, problems)
	}
	return cfg
}
