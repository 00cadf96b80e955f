package stages

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// withFacts is a config that uses facts.
func withFacts(members string) string {
	return `{"ignition": {"version": "3.6.0+firstlight.1"}, "firstlight": {"facts": true}, ` + members + `}`
}

// hetznerMetadata is what the service says of a machine as a whole.
const hetznerMetadata = "hostname: web1\nregion: eu-central\navailability-zone: fsn1-dc14\ninstance-id: 4711\npublic-ipv4: 203.0.113.7\n"

// webMachine is one at Hetzner.
func webMachine(t *testing.T, cfg string) *bench {
	t.Helper()
	return atHetzner(t, cfg, "", map[string]string{"": hetznerMetadata, "/hostname": "web1"})
}

func TestFactsMakeTheConfigOfThisMachine(t *testing.T) {
	child := withFacts(`"storage": {"files": [{"path": "/etc/child-${fact:zone}"}]}`)
	plain := "{" + version + `, "storage": {"files": [{"path": "/etc/plain", "contents": {"source": "data:,%24%7Bfact%3Azone%7D"}}, {"path": "/etc/${fact:zone}"}]}}`
	source := func(cfg string) string { return "data:;base64," + base64.StdEncoding.EncodeToString([]byte(cfg)) }
	b := webMachine(t, strings.Replace(withFacts(`"storage": {"files": [
		{"path": "/etc/name", "contents": {"source": "data:,${fact:hostname}%20in%20${fact:region}"}},
		{"path": "/etc/amd", "when": {"platform": "aws", "region": "us-*"}},
		{"path": "/etc/here", "when": {"platform": "hetzner", "region": "eu-*"}}]}`), `"3.6.0+firstlight.1"`,
		`"3.6.0+firstlight.1", "config": {"merge": [{"source": "`+source(child)+`"}, {"source": "`+source(plain)+`"}, {"source": "https://192.0.2.1/x", "when": {"hostname": "db*"}}]}`, 1))
	b.write("image/usr/base.d/10.ign", withFacts(`"storage": {"files": [{"path": "/etc/base-${fact:instance-id}"}]}`))
	b.must("fetch-offline", "files")
	testkit.Equal(t, "/etc/name", b.read("root/etc/name"), "web1 in eu-central")
	testkit.Equal(t, "/etc/plain", b.read("root/etc/plain"), "${fact:zone}")
	for name, want := range map[string]bool{"here": true, "amd": false, "child-fsn1-dc14": true, "${fact:zone}": true, "base-4711": true} {
		testkit.Equal(t, name, system.Exists(b.path("root/etc/"+name)), want)
	}
	testkit.Contains(t, "the log", b.log.String(), "the fact region is eu-central", `skipped storage.files[1] ("/etc/amd"): platform is "hetzner", not "aws"`, `skipped ignition.config.merge[2]: hostname is "web1", not "db*"`)
	testkit.Contains(t, "the record", b.read("run/ignition/record.json"), `"skipped":[{"origin":{"source":"`, `"path":"storage.files[1]"},"name":"/etc/amd","fact":"platform","pattern":"aws","value":"hetzner"}`)
	testkit.Equal(t, "the merged config has facts", b.cachedConfig().HasFacts(), false)
}

// A fact is asked for once, and stays what it was.
func TestFactsAreTheSameInTheWholeBoot(t *testing.T) {
	b := webMachine(t, "{"+version+"}")
	b.write("image/usr/base.d/10.ign", withFacts(`"storage": {"files": [{"path": "/etc/base-${fact:region}"}]}`))
	b.must("fetch-offline")
	b.write("run/ignition/metadata/answers.json", "")
	b.must("kargs", "files")
	testkit.Equal(t, "the file of the base config is there", system.Exists(b.path("root/etc/base-eu-central")), true)
	testkit.Equal(t, "questions", strings.Count(b.log.String(), "the fact region is"), 1)
}

// What was written for other facts is not what this config has written.
func TestConfigsDifferByTheirFacts(t *testing.T) {
	digests := map[string]bool{}
	for _, zone := range []string{"a", "b", "b"} {
		b := atHetzner(t, withFacts(`"storage": {"files": [{"path": "/etc/${fact:zone}"}]}`), "", map[string]string{"": "availability-zone: " + zone + "\n"})
		b.must("fetch")
		s, err := loadState(b.opts.StateFile)
		testkit.NoError(t, err)
		digests[s.ConfigDigest] = true
	}
	testkit.Equal(t, "digests", len(digests), 2)
}

func TestFactsOfPlatformsNeedTheNetwork(t *testing.T) {
	b := webMachine(t, withFacts(`"storage": {"files": [{"path": "/${fact:hostname}"}]}`))
	b.write("run/ignition/metadata/answers.json", "")
	b.must("fetch-offline")
	testkit.Equal(t, "the network is wanted", system.Exists(b.path("run/ignition/neednet")), true)
	testkit.Equal(t, "there is a config", system.Exists(b.path("run/ignition.json")), false)
}

func TestFactsThatAreNotKnownStopTheBootBeforeAnythingIsWritten(t *testing.T) {
	for cfg, words := range map[string][]string{
		`"storage": {"files": [{"path": "/a"}, {"path": "/${fact:private-ipv6}"}]}`: {`the platform hetzner does not tell it`, "storage.files[1].path", "facts that this machine can have: platform, architecture, hostname, instance-id, region, zone, private-ipv4, public-ipv4, public-ipv6, address, mac, serial"},
		`"storage": {"files": [{"path": "/a", "when": {"private-ipv4": "10.*"}}]}`:  {"has none for this machine", "storage.files[0].when.private-ipv4"},
		`"storage": {"files": [{"path": "/${fact:mac}/${fact:hostnme}"}]}`:          {`there is no fact "hostnme"; did you mean "hostname"?`},
		`"passwd": {"users": [{"name": "${fact:hostname}", "uid": -1}]}`:            {"passwd.users[0].uid"},
	} {
		b := atHetzner(t, withFacts(cfg), "", map[string]string{"": hetznerMetadata, "/hostname": "web1", "/private-networks": "[]"})
		b.fails("fetch", words...)
		testkit.Equal(t, "there is a config", system.Exists(b.path("run/ignition.json")), false)
	}
}

func TestValuesThatAreNoWordsStopTheBoot(t *testing.T) {
	b := atHetzner(t, withFacts(`"storage": {"files": [{"path": "/etc/${fact:hostname}"}]}`), "", map[string]string{"/hostname": "../../root/x"})
	b.fails("fetch", `its value "../../root/x" does not begin with a letter or a digit`, "storage.files[0].path", `learning the fact "hostname"`)
	b = atHetzner(t, withFacts(`"passwd": {"users": [{"name": "${fact:instance-id}"}]}`), "", map[string]string{"": "instance-id: i-1:x\n"})
	b.fails("fetch", "passwd.users[0].name", `${fact:instance-id} is "i-1:x" here`)
}

func TestFactsAreForABoot(t *testing.T) {
	p := &process{}
	cfg, _, err := p.parseAny([]byte(withFacts(`"storage": {"files": [{"path": "/${fact:hostname}"}]}`)), "a")
	testkit.NoError(t, err)
	_, _, err = p.withFacts(t.Context(), cfg)
	if err == nil {
		t.Fatal("a config with facts is applied without a boot")
	}
	testkit.Contains(t, "error", err.Error(), "there are facts in a boot only")
}
