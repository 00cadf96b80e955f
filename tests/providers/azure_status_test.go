package providers_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// notReady is what the fabric of the example hears of a machine that fails.
func notReady(description string) string {
	return "POST /machine/?comp=health text/xml; charset=utf-8 " + `<?xml version="1.0" encoding="utf-8"?>
<Health><GoalStateIncarnation>3</GoalStateIncarnation><Container><ContainerId>c1</ContainerId><RoleInstanceList><Role><InstanceId>r1</InstanceId><Health><State>NotReady</State><Details><SubStatus>ProvisioningFailed</SubStatus><Description>` +
		description + `</Description></Details></Health></Role></RoleInstanceList></Container></Health>
`
}

func TestAzureHearsWhyAStageHasFailed(t *testing.T) {
	long := strings.Repeat("é", 600)
	for name, tc := range map[string]struct {
		failure     error
		description string // "" is that nothing is told
	}{
		"well": {nil, ""},
		"badly": {&report.Error{Doing: `creating partition 1 "a<b"`, Err: errors.New("no space & \xff"), Hint: "make room"},
			`[disks] Ignition error: creating partition 1 "a&lt;b": no space &amp; ?; make room`},
		"at length": {errors.New(long), "[disks] Ignition error: " + long[:len("é")*(512-len("[disks] Ignition error: ..."))] + "..."},
	} {
		for _, platform := range []string{"azure", "azurestack"} {
			t.Run(name+" on "+platform, func(t *testing.T) {
				e := exampleOf(t, platform)
				newMachine(t)
				serve(t, e.instance)
				_, err := status(t, platform, tc.failure, false)
				testkit.NoError(t, err)
				var want []string
				if tc.description != "" {
					want = []string{notReady(tc.description)}
				}
				testkit.Equal(t, "what was sent", e.instance.sent, want)
			})
		}
	}
}

func TestAzureThatDoesNotHear(t *testing.T) {
	e := exampleOf(t, "azure")
	newMachine(t)
	serve(t, e.instance)
	failure := errors.New("no space")
	e.instance.broken = map[string][]answer{"POST /machine/?comp=health": {{status: 400}}}
	_, err := status(t, "azure", failure, false)
	testkit.ErrorContains(t, "refused", err, "reporting to Azure how the stage has ended: ", "400")
	e.instance.says["/machine/?comp=goalstate"] = "<GoalState/>"
	_, err = status(t, "azure", failure, false)
	testkit.ErrorContains(t, "no incarnation", err, "reporting to Azure how the stage has ended: the goal state of the fabric has no Incarnation")
	log, err := status(t, "azure", failure, true)
	testkit.NoError(t, err)
	testkit.Equal(t, "log without a network", log, "")
}

// What stops a boot may be a stage, or the unit of another program.
func TestAzureHearsWhatStopsABoot(t *testing.T) {
	e := exampleOf(t, "azure")
	m := newMachine(t)
	m.ownEtc(t)
	atLease(t, "SERVER_ADDRESS=127.0.0.1\n")
	b := wholeBoot{platform: "azure"}
	b.prepare(t, m)
	testkit.WriteFile(t, m.in("image/user.ign"), `{"ignition": {"version": "3.0.0"}, "storage": {"links": [{"path": "/l", "target": "/t"}]}}`)
	testkit.WriteFile(t, m.in("image/distribution.conf"), "")
	serve(t, e.instance)
	b.stage(t, m, "fetch-offline")
	testkit.WriteFile(t, m.in("root/l"), "in the way")
	printed := b.fails(t, m, "-platform", "azure", "-stage", "files")
	testkit.Contains(t, "what was printed", printed, "there already is a file")
	if len(e.instance.sent) != 1 || !strings.Contains(e.instance.sent[0], "<Description>[files] Ignition error: ") || !strings.Contains(e.instance.sent[0], "there already is a file") {
		t.Fatalf("sent %q", e.instance.sent)
	}
}

func TestAzureHearsOfUnitsThatStopTheBoot(t *testing.T) {
	e := exampleOf(t, "azure")
	m := newMachine(t)
	m.ownEtc(t)
	b := wholeBoot{platform: "azure"}
	b.prepare(t, m)
	testkit.WriteFile(t, m.in("image/user.ign"), `{"ignition": {"version": "3.0.0"}}`)
	testkit.WriteFile(t, m.in("image/distribution.conf"), "")
	serve(t, e.instance)
	b.stage(t, m, "fetch-offline")
	m.program(t, "systemctl", `echo "ostree-x.service loaded failed failed An operation"`)
	for range 2 {
		b.agent(t, m, "-send-record")
	}
	testkit.Equal(t, "what was sent", e.instance.sent, []string{notReady("[emergency] Ignition error: units have failed: ostree-x.service")})
}
