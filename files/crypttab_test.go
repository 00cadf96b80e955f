package files

import (
	"errors"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A volume of each kind.
const volumes = `"storage": {"luks": [
	{"name": "given", "device": "/dev/a", "keyFile": {"source": "data:,x"}},
	{"name": "generated", "device": "/dev/b"},
	{"name": "tpm", "device": "/dev/c", "clevis": {"tpm2": true}},
	{"name": "tang", "device": "/dev/d", "keyFile": {"source": "data:,x"}, "clevis": {"tang": [{"url": "http://t", "thumbprint": "x"}]}},
	{"name": "pin", "device": "/dev/e", "options": ["--subsystem=x"], "clevis": {"custom": {"pin": "tang", "config": "{}", "needsNetwork": true}}},
	{"name": "card", "device": "/dev/f", "cex": {"enabled": true}}]}`

const volumesTable = `given UUID=A /etc/luks/given luks,x-initrd.attach
generated UUID=B /etc/luks/generated luks,x-initrd.attach
tpm UUID=C none luks,x-initrd.attach
tang UUID=D none luks,_netdev,x-initrd.attach
pin UUID=E none luks,_netdev,x-initrd.attach
card UUID=F /etc/luks/card luks,x-initrd.attach
`

func newVolumeFixture(t *testing.T) *fixture {
	w := newFixture(t)
	for _, device := range []string{"a", "b", "c", "d", "e", "f"} {
		w.run.Answers["cryptsetup luksUUID /dev/"+device] = systemtest.Answer{Stdout: strings.ToUpper(device) + "\n"}
	}
	w.Keys = map[string]string{"given": "data:,key1", "generated": "data:,key2", "card": "data:,key3", "tang": "data:,key4"}
	w.VolumeKeys = map[string]string{"ignition-luks-card.skey": "data:,skey", "ignition-luks-card.info": "data:,info"}
	return w
}

func TestCrypttab(t *testing.T) {
	w := newVolumeFixture(t)
	if err := w.apply(volumes); err != nil {
		t.Fatal(err)
	}
	w.wantText("etc/crypttab", volumesTable)
	w.wantText("etc/luks/given", "key1")
	w.wantText("etc/luks/generated", "key2")
	w.wantText("etc/luks/card", "key3")
	w.wantText("etc/zkey/repository/ignition-luks-card.skey", "skey")
	w.wantText("etc/zkey/repository/ignition-luks-card.info", "info")
	for _, name := range []string{"crypttab", "luks/given", "luks/generated", "zkey/repository/ignition-luks-card.skey"} {
		w.wantMode("etc/"+name, 0o600)
	}
	for _, name := range []string{"luks", "zkey/repository"} {
		w.wantMode("etc/"+name, 0o700)
	}
	for _, name := range []string{"tpm", "tang", "pin"} {
		if w.exists("etc/luks/" + name) {
			t.Errorf("the key of %s is on the root, though clevis has it", name)
		}
	}
}

func TestKeysAreSafeBeforeTheLedgerSaysSo(t *testing.T) {
	w := newVolumeFixture(t)
	w.Config = "a digest"
	plan, err := w.Plan(t.Context(), parse(t, volumes))
	if err != nil {
		t.Fatal(err)
	}
	text := plan.String()
	at := -1
	for _, step := range []string{"writing /etc/luks/generated", "writing 6 LUKS volumes to /etc/crypttab", "writing the result file", "writing everything through", "recording that all is done"} {
		next := strings.Index(text, step)
		if next < at {
			t.Errorf("%s comes too early, or not at all, in\n%s", step, text)
		}
		at = next
	}
}

func TestCrypttabConverges(t *testing.T) {
	w := newVolumeFixture(t)
	w.write("etc/crypttab", "# theirs\nother UUID=X none luks\ngiven UUID=OLD /etc/luks/given luks,x-initrd.attach\ntpm /dev/c none luks")
	w.write("etc/luks/given", "an old key")
	for range 2 {
		if err := w.apply(volumes); err != nil {
			t.Fatal(err)
		}
	}
	w.wantText("etc/crypttab", "# theirs\nother UUID=X none luks\ntpm /dev/c none luks\n"+volumesTable)
	w.wantMode("etc/crypttab", 0o600)
	w.wantText("etc/luks/given", "key1")
	w.wantMode("etc/luks/given", 0o600)
}

func TestCrypttabOfTheConfigIsAppendedTo(t *testing.T) {
	w := newVolumeFixture(t)
	err := w.apply(`"storage": {"files": [{"path": "/etc/crypttab", "mode": 420, "contents": {"source": "data:,mine"}}],
		"luks": [{"name": "tpm", "device": "/dev/c", "clevis": {"tpm2": true}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	w.wantText("etc/crypttab", "mine\ntpm UUID=C none luks,x-initrd.attach\n")
	w.wantMode("etc/crypttab", 0o600)
}

func TestCrypttabWithoutAKeyIsRefused(t *testing.T) {
	w := newVolumeFixture(t)
	w.Keys, w.VolumeKeys = nil, nil
	_, err := w.Plan(t.Context(), parse(t, volumes))
	want := map[string]string{"/etc/luks/given": "storage.luks[0]", "/etc/luks/generated": "storage.luks[1]", "/etc/luks/card": "storage.luks[5]",
		"/etc/zkey/repository/ignition-luks-card.info": "storage.luks[5].cex", "/etc/zkey/repository/ignition-luks-card.skey": "storage.luks[5].cex"}
	leaves := report.Leaves(err)
	for _, leaf := range leaves {
		var e *report.Error
		if !errors.As(leaf, &e) {
			t.Fatal(leaf)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(e.Error(), "looking for what belongs to "), ": the disks stage has not left it")
		if want[name] != e.Origin.Path || !strings.HasPrefix(e.Hint, "boot again") {
			t.Errorf("%s: %s | %s", name, e.Origin.Path, e.Hint)
		}
	}
	if len(leaves) != len(want) {
		t.Errorf("got %v", err)
	}
}

func TestCrypttabOfADeviceThatCannotBeReadIsReported(t *testing.T) {
	w := newVolumeFixture(t)
	w.run.Answers["cryptsetup luksUUID /dev/b"] = systemtest.Answer{Err: errors.New("exit status 1")}
	problems := report.Explain(w.apply(volumes))
	if len(problems) != 1 || problems[0].Origin.Path != "storage.luks[1].device" {
		t.Fatalf("got %+v", problems)
	}
	testkit.Contains(t, "cause", problems[0].Cause, `reading the UUID of the LUKS volume "generated": cryptsetup luksUUID /dev/b: exit status 1`)
	if w.exists("etc/crypttab") {
		t.Error("half a crypttab was written")
	}
}

func TestKeysDoNotLeaveTheRoot(t *testing.T) {
	w := newVolumeFixture(t)
	w.symlink("/elsewhere", "etc/luks")
	w.mkdir("elsewhere")
	if err := w.apply(volumes); err != nil {
		t.Fatal(err)
	}
	w.wantText("elsewhere/given", "key1")
}

func TestNothingIsWrittenWithoutVolumes(t *testing.T) {
	w := newFixture(t)
	if err := w.apply(""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"etc/crypttab", "etc/luks", "etc/zkey"} {
		if w.exists(name) {
			t.Errorf("%s was made", name)
		}
	}
}
