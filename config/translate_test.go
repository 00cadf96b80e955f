package config

import (
	"fmt"
	"testing"
)

func TestTranslatingModes(t *testing.T) {
	for _, c := range []struct {
		version    Version
		mode, want int
	}{
		{V3_0, 2541, 493}, {V3_5, 2541, 493}, {V3_5, 1023, 511}, {V3_5, 644, 0o204}, {V3_5, 420, 420}, {V3_5, 0, 0},
		{V3_6, 2541, 2541}, {V3_6, 644, 644}, {V3_7Experimental, 4095, 4095},
	} {
		cfg := parsed(t, c.version, fmt.Sprintf(`"storage":{"files":[{"path":"/a","mode":%[1]d}],"directories":[{"path":"/b","mode":%[1]d},{"path":"/c"}]}`, c.mode))
		s := cfg.Storage
		if *s.Files[0].Mode != c.want || *s.Directories[0].Mode != c.want || s.Directories[1].Mode != nil {
			t.Errorf("%d in %s becomes %d and %d, want %d", c.mode, c.version, *s.Files[0].Mode, *s.Directories[0].Mode, c.want)
		}
	}
}

func TestTranslatingKeepsAdvertisements(t *testing.T) {
	cfg := parsed(t, V3_4, `"storage":{"luks":[{"name":"a","device":"/d","clevis":{"tang":[{"url":"http://x","thumbprint":"x","advertisement":"{}"}]}}]}`)
	if a := cfg.Storage.Luks[0].Clevis.Tang[0].Advertisement; ValueOr(a, "") != "{}" {
		t.Error("the advertisement is lost")
	}
}

func TestTranslatingKeepsWhatIsUnset(t *testing.T) {
	const text = `"passwd":{"users":[{"name":"a"}]},"storage":{"files":[{"path":"/a"}],"raid":[{"name":"r","level":"1","devices":["/a"]}]}`
	const want = `{"ignition":{"version":"3.7.0-experimental"},` + text + `}`
	for _, v := range Versions() {
		if got := string(translated(t, parsed(t, v, text), Newest).print()); got != want {
			t.Errorf("%s: %s", v, got)
		}
	}
}

func TestTranslatingDropsMembersOfNewerVersions(t *testing.T) {
	cfg := parsed(t, V3_2, `"kernelArguments":{"shouldExist":["a"]},"x":1`)
	if got := string(cfg.print()); got != `{"ignition":{"version":"3.2.0"}}` {
		t.Error(got)
	}
}

// A config that is valid in its version is accepted after translation, too.
func TestValidateAcceptsWhatOldVersionsAllow(t *testing.T) {
	for _, c := range []struct {
		version Version
		text    string
	}{
		{V3_2, `"storage":{"luks":[{"name":"a","device":"/d","clevis":{"custom":{"needsNetwork":true}}}]}`},
		{V3_2, `"storage":{"luks":[{"name":"a","device":"/d"},{"name":"b","device":"/e","clevis":{"custom":{"pin":"tang","config":"{}"}}}]}`},
		{V3_0, `"ignition":{$V,"config":{"replace":{"verification":{"hash":"` + sha512 + `"}}}}`},
		{V3_0, `"ignition":{$V,"config":{"replace":{"source":"http://x","verification":{"hash":"` + sha512 + `"}}}}`},
	} {
		cfg := parsed(t, c.version, c.text)
		if problems := cfg.ValidateMerged(); len(problems) > 0 {
			t.Errorf("%s in %s: %s", c.text, c.version, problems)
		}
	}
	cfg := parsed(t, V3_2, `"storage":{"luks":[{"name":"b","device":"/e","clevis":{"custom":{"pin":"tang","config":"{}","needsNetwork":true}}}]}`)
	if custom := cfg.Storage.Luks[0].Clevis.Custom; ValueOr(custom.Pin, "") != "tang" || !ValueOr(custom.NeedsNetwork, false) {
		t.Error("a custom pin that means something is lost")
	}
}

func TestReferencesOf3_0ThatLeadNowhereAreDropped(t *testing.T) {
	cfg, problems, err := Parse(document(V3_0, `"ignition":{$V,"config":{"merge":[{},{"source":"http://x"}]}}`), "test")
	if err != nil {
		t.Fatal(err)
	}
	expectProblems(t, "3.0.0", problems, []string{"W ignition.config.merge[0] the source is missing, so nothing is merged"})
	expectProblems(t, "3.0.0", cfg.ValidateMerged(), nil)
	if m := cfg.Ignition.Config.Merge; len(m) != 1 || *m[0].Source != "http://x" {
		t.Errorf("%s", cfg.print())
	}
}
