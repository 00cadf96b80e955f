package storage

import (
	"errors"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/storage/plan"
)

// finish runs what takes the marks away, and returns the plan for it.
func (b *testMachine) finish(storage string) string {
	b.t.Helper()
	plan, err := b.m.PlanFinish(b.config(storage))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := (&report.Runner{Log: b.m.Log}).Run(b.t.Context(), plan); err != nil {
		b.t.Fatal(err)
	}
	return describe(plan)
}

func TestVolumesAreUnfinishedUntilTheFirstBootIsOver(t *testing.T) {
	const filesystem = `, "filesystems": [{"device": "/dev/mapper/secret", "format": "ext4"}]`
	for cfg, want := range map[string]string{
		luks(""):                         "the config gives no key to open it with",
		luks(`"clevis": {"tpm2": true}`): "whether clevis unlocks it as the config says cannot be known",
		luks(givenKey + `, "clevis": {"tpm2": true}`): "whether clevis unlocks it as the config says cannot be known",
	} {
		b, _ := newFakeTools(t)
		b.disk("a.img", 32)
		uuids := map[string]bool{}
		for range 3 { // with everything done each time
			if err := b.execute(cfg + filesystem); err != nil {
				t.Fatalf("%s: %v", cfg, err)
			}
			uuids[b.header(t).UUID] = true
			b.unopened()
			b.m.Keys = nil
			if got := b.describe(cfg + filesystem); !strings.Contains(got, "\nmaking ext4 on /dev/mapper/secret") {
				t.Errorf("%s: the filesystem in it would be taken for the one of a volume that is gone:\n%s", cfg, got)
			}
		}
		if len(uuids) != 3 {
			t.Errorf("%s: it was not made again: %v", cfg, uuids)
		}
		if got, want := b.finish(cfg), `noting on the LUKS volume "secret" that it is complete`; got != want {
			t.Errorf("%s: %s", cfg, got)
		}
		if h := b.header(t); h.Subsystem != "" || !uuids[h.UUID] {
			t.Errorf("%s: the header is %+v", cfg, h)
		}
		if got := b.finish(cfg); got != "" {
			t.Errorf("%s: once more: %s", cfg, got)
		}
		if _, err := b.plan(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", cfg, err)
		}
	}
}

func TestLabelsStayWhenMarksGo(t *testing.T) {
	const label = `, "label": "theirs", "uuid": "0e6bb2ea-1d2c-4a0c-8d5f-000000000001"`
	for _, cfg := range []string{luks(givenKey + label), luks(`"clevis": {"tpm2": true}` + label), luks(`"options": ["--label", "theirs"]`)} {
		b, _ := newFakeTools(t)
		b.disk("a.img", 32)
		if err := b.execute(cfg); err != nil {
			t.Fatal(err)
		}
		b.finish(cfg)
		if h := b.header(t); h.Label != "theirs" || h.Subsystem != "" {
			t.Errorf("%s: the header is %+v", cfg, h)
		}
	}
}

func TestMarksOfOthersStay(t *testing.T) {
	for _, cfg := range []string{luks(givenKey), luks(`"options": ["--subsystem", "theirs"]`)} {
		b, x := newFakeTools(t)
		b.luksFormat("--type", "luks2", "--subsystem", plan.UnfinishedMark)
		if got := b.finish(cfg); got != "" || len(x.commands) > 0 {
			t.Errorf("%s: %s", cfg, got)
		}
	}
	b, x := newFakeTools(t)
	b.luksFormat("--type", "luks2", "--subsystem", "theirs")
	if got := b.finish(luks("")); got != "" || len(x.commands) > 0 {
		t.Errorf("got %s", got)
	}
}

func TestAVolumeThatIsGoneAtTheEndIsReported(t *testing.T) {
	b, _ := newFakeTools(t)
	_, err := b.m.PlanFinish(b.config(luks("")))
	var e *report.Error
	if !errors.As(err, &e) || e.Origin.Path != "storage.luks[0].device" || !strings.HasPrefix(e.Error(), `looking at the LUKS volume "secret" on `+b.path("a.img")+": ") || !strings.Contains(e.Hint, "it is made again") {
		t.Errorf("got %v", err)
	}
}
