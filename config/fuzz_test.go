package config

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/firstlight-os/firstlight/internal/doc"
)

// fuzzSeeds are configs with something of each kind in them.
func fuzzSeeds() [][]byte {
	seeds := [][]byte{
		[]byte(`{"Ignition":{"Version":"03.0.0"},"storage":null,"x":[1,2,{"y":null}]}`),
		document(V3_6, `"storage":{"files":[{"path":"/a","mode":-0,"append":[null]},{"path":"/b\ud800"}]},"storage":{"links":[{"path":"/l","target":"/a","hard":true}]}`),
		document(V3_2, `"storage":{"luks":[{"name":"a","device":"/d","clevis":{"custom":{"needsNetwork":true}},"keyFile":{"source":"data:;base64,YQ=="}}]}`),
		document(V3_0, `"ignition":{$V,"config":{"replace":{"verification":{"hash":"`+sha512+`"}}}}`),
		document(V3_5, `"storage":{"disks":[{"device":"/d","wipeTable":true,"partitions":[{"number":1,"startMiB":1,"sizeMiB":5},{"label":"b","guid":"0fc63daf-8483-4772-8e79-3D69D8477DE4"}]}],"raid":[{"name":"r","level":"raid1","devices":["/a","/b"]}],"filesystems":[{"device":"/d","format":"xfs","path":"/x"}]}`),
		document(V3_5, `"storage":{"files":[{"path":"/a","mode":2541}],"directories":[{"path":"/b","mode":493}]}`),
		document(V3_4, `"kernelArguments":{"shouldExist":["a"],"shouldNotExist":["b"]},"passwd":{"users":[{"name":"u","groups":["a"]}],"groups":[{"name":"g","gid":1}]}`),
		document(V3_3, `"systemd":{"units":[{"name":"a@b.service","enabled":true,"contents":"[Unit]\nA=B\\\nC\n","dropins":[{"name":"x.conf","contents":"[A"}]}]}`),
		document(V3_1, `"ignition":{$V,"config":{"merge":[{"source":"http://x","httpHeaders":[{"name":"a","value":"b"},{"name":"c"}]}]},"proxy":{"httpsProxy":"http://p","noProxy":["a"]}}`),
		chosen(`{"as":"a","match":{"model":"b*","size":"1GB-2GB","rotational":false},"pick":"all"},{"as":"c","match":{"serial":"S"}}`, "a1", "c", "c-part1", "d"),
		[]byte(withFacts(`"storage":{"files":[{"path":"/${fact:hostname}","contents":{"source":"https://[${fact:address}]/$${fact:x}"},"when":{"platform":"q*","hostname":"web[!a]"}},{"path":"/b","when":{"zone":"a"}}]}`)),
	}
	return append(seeds, bigConfig(3))
}

// checkRoundTrip checks that a config survives being saved and loaded.
func checkRoundTrip(t *testing.T, c *Config) *Config {
	t.Helper()
	text, origins := c.Save()
	loaded, err := Load(text, origins, "cache")
	if err != nil {
		t.Fatalf("loading what was saved: %v\n%s", err, text)
	}
	again, originsAgain := loaded.Save()
	if !bytes.Equal(text, again) {
		t.Fatalf("saved  %s\nloaded %s", text, again)
	}
	if !bytes.Equal(origins, originsAgain) {
		t.Fatalf("other origins of %s", text)
	}
	if plain, err := Load(text, nil, "cache"); err != nil || !bytes.Equal(plain.print(), text) {
		t.Fatalf("loading without origins: %v\n%s", err, text)
	}
	return loaded
}

func FuzzParse(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, problems, err := Parse(text, "fuzz")
		_ = problems.String()
		if (err != nil) != (cfg == nil) {
			t.Fatalf("config %v with error %v", cfg, err)
		}
		for _, p := range problems {
			if p.Origin.Line < 1 || p.Origin.Column < 1 || p.Origin.Line > 1+bytes.Count(text, []byte("\n")) {
				t.Fatalf("a problem at an impossible position: %s", p)
			}
		}
		if cfg == nil {
			return
		}
		if filled, _, _, err := cfg.WithFacts(web1); err == nil && filled.HasFacts() {
			t.Fatalf("the config of one machine has facts: %s", filled.print())
		}
		if cfg.encode() != doc.NodeOf(cfg.Object) {
			t.Fatalf("nothing was changed, but the config is another tree:\n%s\n%s", doc.NodeOf(cfg.Object).AppendJSON(nil), cfg.print())
		}
		if again := fromTree(doc.NodeOf(cfg.Object)); !reflect.DeepEqual(cfg, again) {
			t.Fatalf("the config has other values than the tree that it was made from:\n%+v\n%+v", cfg, again)
		}
		loaded := checkRoundTrip(t, cfg)
		if a, b := cfg.ValidateMerged(), loaded.ValidateMerged(); a.String() != b.String() {
			t.Fatalf("before saving:\n%s\nafter:\n%s", a, b)
		}
		cfg.NeedsNetwork()
	})
}

func FuzzMerge(f *testing.F) {
	seeds := fuzzSeeds()
	for i := range seeds {
		f.Add(seeds[i], seeds[(i+1)%len(seeds)])
		f.Add(seeds[i], seeds[i])
	}
	f.Fuzz(func(t *testing.T, parentText, childText []byte) {
		parent, _, err := Parse(parentText, "parent")
		if err != nil {
			return
		}
		child, _, err := Parse(childText, "child")
		if err != nil {
			return
		}
		before := string(parent.print()) + string(child.print())
		m := Merge(parent, child)
		if string(parent.print())+string(child.print()) != before {
			t.Fatal("merging has changed one side")
		}
		loaded := checkRoundTrip(t, m)
		if a, b := m.ValidateMerged(), loaded.ValidateMerged(); a.String() != b.String() {
			t.Fatalf("before saving:\n%s\nafter:\n%s", a, b)
		}
		// What has nothing in it changes nothing.
		for _, same := range []*Config{Merge(new(Config), m), Merge(m, new(Config))} {
			if !bytes.Equal(same.print(), m.print()) {
				t.Fatalf("merging with the empty config:\n%s\n%s", m.print(), same.print())
			}
		}
	})
}

func FuzzLoadOrigins(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		if cfg, _, err := Parse(seed, "seed"); err == nil {
			for _, c := range []*Config{cfg, Merge(cfg, cfg)} {
				text, origins := c.Save()
				f.Add(text, origins)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text, origins []byte) {
		cfg, err := Load(text, origins, "cache")
		if err != nil {
			return
		}
		for i := range cfg.Storage.Files {
			_ = cfg.Storage.Files[i].Origin("path").String()
		}
		_ = cfg.ValidateMerged().String()
		cfg.NeedsNetwork()
		checkRoundTrip(t, cfg)
	})
}
