package config

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// full is the members of a config of the newest version with nearly everything in it.
var full = `"ignition":{$V,"config":{"merge":[{"source":"https://a/","compression":"gzip","httpHeaders":[{"name":"h","value":"v"}],"verification":{"hash":"` + sha256 + `"}},{"source":"arn:aws:s3:::b/c"},{"source":"data:,"}]},` +
	`"proxy":{"httpProxy":"http://p","httpsProxy":"http://p","noProxy":["a","b"]},"timeouts":{"httpResponseHeaders":1,"httpTotal":2}},` +
	`"kernelArguments":{"shouldExist":["a","b"],"shouldNotExist":["c"]},` +
	`"passwd":{"groups":[{"name":"g","gid":7,"passwordHash":"x","system":true},{"name":"h","shouldExist":false}],"users":[{"name":"u","gecos":"U","groups":["g"],"homeDir":"/h","noCreateHome":true,"passwordHash":"x","primaryGroup":"g","shell":"/s","sshAuthorizedKeys":["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGq1eRPcPdeXS2UTWtF3qBbmGFZeEXJ5jN3zP5q0AAAA a"],"system":false,"uid":1000},{"name":"w","shouldExist":true}]},` +
	`"storage":{"directories":[{"path":"/d","mode":1023,"user":{"id":1},"group":{"name":"g"},"overwrite":true}],` +
	`"disks":[{"device":"/dev/a","wipeTable":true,"partitions":[{"number":1,"label":"a","startMiB":1,"sizeMiB":9,"typeGuid":"0FC63DAF-8483-4772-8E79-3D69D8477DE4"},{"number":2,"resize":true,"sizeMiB":0},{"number":3,"label":"c","guid":"11111111-8483-4772-8E79-3D69D8477DE4","wipePartitionEntry":true}]}],` +
	`"files":[{"path":"/f","mode":2541,"contents":{"source":"https://f/","compression":"gzip","httpHeaders":[{"name":"h","value":"v"}],"verification":{"hash":"` + sha512 + `"}},"append":[{"source":"data:,a"},{"source":"gs://b/c"}]},{"path":"/g","mode":420,"overwrite":true,"contents":{"source":"data:,"},"user":{"name":"u"}}],` +
	`"filesystems":[{"device":"/dev/b","format":"ext4","label":"l","path":"/m","mountOptions":["a"],"options":["-x"],"wipeFilesystem":true},{"device":"/dev/c","format":"none"},{"device":"tag","format":"virtiofs","path":"/v"}],` +
	`"links":[{"path":"/l","target":"f","user":{"id":1}},{"path":"/k","target":"/f","hard":true}],` +
	`"luks":[{"name":"a","device":"/dev/d","label":"l","uuid":"u","discard":true,"openOptions":["a"],"options":["b"],"wipeVolume":true,"clevis":{"threshold":1,"tpm2":true,"tang":[{"url":"http://t","thumbprint":"t","advertisement":"{}"}]}},{"name":"b","device":"/dev/e","keyFile":{"source":"data:,k"}},{"name":"c","device":"/dev/f","cex":{"enabled":true}},{"name":"e","device":"/dev/h","clevis":{"custom":{"pin":"own","config":"c","needsNetwork":true}}}],` +
	`"raid":[{"name":"r","level":"raid1","devices":["/dev/i","/dev/j"],"spares":0,"options":["-x"]}]},` +
	`"systemd":{"units":[{"name":"a.service","enabled":true,"mask":false,"contents":"[Unit]\nA=B\n[Install]\nWantedBy=c.target\n","dropins":[{"name":"x.conf","contents":"[Unit]\nA=B\n"}]},{"name":"b.timer","mask":true}]}`

// thinned removes each member and item of an object with a probability.
func thinned(random *rand.Rand, share float64, n *doc.Node) {
	gone := func() bool { return random.Float64() < share }
	n.Members = slices.DeleteFunc(n.Members, func(m doc.Member) bool { return m.Name != "version" && m.Name != "ignition" && gone() })
	n.Items = slices.DeleteFunc(n.Items, func(*doc.Node) bool { return gone() })
	for _, m := range n.Members {
		thinned(random, share, m.Value)
	}
	for _, item := range n.Items {
		thinned(random, share, item)
	}
}

// randomConfigs returns valid configs of all versions, some of them read and some without
// a trace of a document.
func randomConfigs(t *testing.T, count int) []*Config {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	seen := map[Version]int{}
	var all []*Config
	for tries := 0; len(all) < count; tries++ {
		if tries > 100*count {
			t.Fatalf("of %d configs %d are valid", tries, len(all))
		}
		v := Versions()[random.IntN(len(Versions()))]
		root, err := doc.ReadJSON(document(v, full), nil)
		if err != nil {
			t.Fatal(err)
		}
		thinned(random, []float64{0.05, 0.2, 0.5, 0.8}[random.IntN(4)], root)
		cfg, _, err := Parse(root.AppendJSON(nil), "random")
		if err != nil {
			continue
		}
		if random.IntN(2) == 0 {
			cfg = madeLike(cfg)
		}
		seen[v]++
		all = append(all, cfg)
	}
	for _, v := range Versions() {
		if seen[v] < count/50 {
			t.Errorf("there are %d configs of version %s", seen[v], v)
		}
	}
	return all
}

// madeLike returns the config that somebody fills in with the same values.
func madeLike(c *Config) *Config {
	made := c.Clone()
	forget(reflect.ValueOf(made).Elem())
	return made
}

func forget(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if o, ok := v.Addr().Interface().(*Object); ok {
			*o = Object{}
			return
		}
		for i := range v.NumField() {
			forget(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			forget(v.Index(i))
		}
	}
}

func TestWhatIsPrintedIsReadAgain(t *testing.T) {
	for _, cfg := range randomConfigs(t, 500) {
		text := cfg.print()
		again, _, err := Parse(bytes.Clone(text), "again")
		if err != nil || !Equal(cfg, again) || !bytes.Equal(again.print(), text) {
			t.Fatalf("%s: %v", text, err)
		}
		if problems := cfg.Validate(); problems.HasErrors() {
			t.Fatalf("%s is accepted, but:\n%s", text, problems)
		}
		if c := cfg.Clone(); !Equal(c, cfg) || !bytes.Equal(c.print(), text) {
			t.Fatalf("%s was cloned as %s", text, c.print())
		}
	}
}

// The reference answer is that of reading the text again as one of the other version: it
// means the same if it is accepted, and nothing was ignored.
func TestTranslatingRefusesExactlyWhatCannotBeSaid(t *testing.T) {
	const version = `"version":`
	refused, translatedDown := 0, 0
	for _, cfg := range randomConfigs(t, 500) {
		from, err := cfg.Version()
		if err != nil {
			t.Fatal(err)
		}
		text := cfg.print()
		for _, to := range Versions() {
			other := bytes.Replace(text, []byte(version+strconv.Quote(from.String())), []byte(version+strconv.Quote(to.String())), 1)
			read, _, readErr := Parse(other, "other")
			same := readErr == nil && Equal(read.saying(from.String()), cfg)
			got, err := cfg.TranslateTo(to)
			if same != (err == nil) {
				t.Fatalf("to %s: %v, reading it gives %v:\n%s", to, err, readErr, text)
			}
			if err != nil {
				refused++
				if !errors.Is(err, ErrNotInVersion) || to > from {
					t.Fatalf("to %s: %v:\n%s", to, err, text)
				}
				continue
			}
			if to < from {
				translatedDown++
			}
			if !Equal(got, read) {
				t.Fatalf("to %s: %s\ngives %s", to, text, got.print())
			}
			if back, err := got.TranslateTo(from); err != nil || !Equal(back, cfg) {
				t.Fatalf("to %s and back: %v\n%s", to, err, text)
			}
		}
	}
	if refused < 100 || translatedDown < 100 {
		t.Errorf("%d translations were refused and %d were not, which is no test", refused, translatedDown)
	}
}
