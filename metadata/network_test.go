package metadata

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/providers"
)

// answered are options for a platform that has said these texts in this boot; "-" is that
// there is none.
func answered(t *testing.T, id, cmdline string, said map[string]string) (o Options, log *strings.Builder) {
	t.Helper()
	dir := t.TempDir()
	boot, err := system.BootID()
	testkit.NoError(t, err)
	replies := map[string]any{}
	for key, text := range said {
		replies[key] = map[string]any{"text": text, "none": text == "-"}
	}
	text, err := json.Marshal(map[string]any{"boot": boot, "answers": replies, "runs": []string{}})
	testkit.NoError(t, err)
	testkit.WriteFile(t, filepath.Join(dir, "answers", "answers.json"), string(text))
	testkit.WriteFile(t, filepath.Join(dir, "cmdline"), cmdline+"\n")
	t.Setenv("IGNITION_KERNEL_CMDLINE_PATH", filepath.Join(dir, "cmdline"))
	log = new(strings.Builder)
	platform, err := providers.InstanceByID(id)
	if err != nil {
		platform = providers.Platform{ID: id}
	}
	return Options{Platform: platform, AnswersDir: filepath.Join(dir, "answers"), Log: report.NewWriterLogger(log)}, log
}

const (
	noOpenStackDrive = "drive config-2: openstack/latest/meta_data.json"
	cidataMetadata   = "drive cidata: meta-data"
	cidataNetwork    = "drive cidata: network-config"
)

func TestKernelArgumentsForTheNetworkAreWritten(t *testing.T) {
	drive := func(text string) map[string]string {
		return map[string]string{noOpenStackDrive: "-", cidataMetadata: "a: b", cidataNetwork: text}
	}
	for name, c := range map[string]struct {
		id, cmdline string
		said        map[string]string
		unset       string
		want        string // "" is no file
		log         string
	}{
		"of the platform":  {"kubevirt", "quiet", drive("version: 2\nethernets: {eth0: {dhcp4: true}}"), "ip=auto", "ip=eth0:dhcp\n", `wrote the kernel arguments "ip=eth0:dhcp" to`},
		"without any":      {"kubevirt", "quiet", map[string]string{noOpenStackDrive: "-", cidataMetadata: "-"}, "ip=auto", "ip=auto\n", "no drive labelled"},
		"default is empty": {"aws", "quiet", nil, "", "\n", ""},
		"unknown platform": {"applehv", "quiet", nil, "ip=auto", "ip=auto\n", ""},
		"ip= is there":     {"kubevirt", "ip=x ignition.platform.id=kubevirt", nil, "ip=auto", "", "the kernel command line has ip=, so that the platform is not asked for the network"},
		"ip= of the image": {"kubevirt", "a ip= b", nil, "ip=auto", "", "the kernel command line has ip="},
		"what is not ip=":  {"aws", "nameserver=192.0.2.53 rd.route=x skip=1", nil, "ip=auto", "ip=auto\n", ""},
		"what cannot be read": {"kubevirt", "quiet", drive("version: 2\nethernets: {eth0: {addresses: [nonsense]}}"), "ip=auto", "ip=auto\n",
			`WARNING  : the network of this machine is what the image has set, "ip=auto": reading the network settings of KubeVirt: "nonsense" is no IP address`},
	} {
		o, log := answered(t, c.id, c.cmdline, c.said)
		file := filepath.Join(t.TempDir(), "cmdline.d", "50.conf")
		testkit.NoError(t, WriteKargs(t.Context(), o, file, c.unset))
		got, err := os.ReadFile(file)
		if (err != nil) != (c.want == "") || string(got) != c.want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
		}
		testkit.Contains(t, name, log.String(), c.log)
	}
	o, _ := answered(t, "aws", "quiet", nil)
	testkit.WriteFile(t, filepath.Join(o.AnswersDir, "file"), "")
	err := WriteKargs(t.Context(), o, filepath.Join(o.AnswersDir, "file", "50.conf"), "")
	testkit.ErrorContains(t, "a directory that is none", err, "writing kernel arguments for the network: ", "not a directory")
}

// One run writes the files of all programs, and asks once.
func TestFilesForTheNetworkAreWritten(t *testing.T) {
	const url = "http://169.254.169.254/metadata/v1.json"
	o, log := answered(t, "digitalocean", "", map[string]string{url: testkit.ReadFile(t, "../internal/network/testdata/digitalocean-sheet.json")})
	dir := t.TempDir()
	for _, a := range Actions {
		if a.Value == "DIRECTORY" {
			o.Requests = append(o.Requests, Request{a, filepath.Join(dir, a.Flag)})
		}
	}
	testkit.Equal(t, "actions", len(o.Requests), 3)
	testkit.NoError(t, Run(t.Context(), o))
	const file = "04:01:0a:0b:0c:0d"
	testkit.Equal(t, "networkd", testkit.ReadFile(t, filepath.Join(dir, "network-units", "10-"+file+".network")), `[Match]
MACAddress=04:01:0a:0b:0c:0d

[Network]
DNS=198.51.100.53

[Address]
Address=203.0.113.10/20

[Address]
Address=10.17.0.5/16

[Route]
Destination=203.0.113.10/20
Gateway=203.0.112.1

[Route]
Destination=0.0.0.0/0
Gateway=203.0.112.1

[Route]
Destination=10.17.0.5/16
Gateway=10.17.0.1
`)
	info, err := os.Stat(filepath.Join(dir, "networkmanager-profiles", file+".nmconnection"))
	testkit.NoError(t, err)
	testkit.Equal(t, "mode", info.Mode().Perm(), 0o600)
	testkit.Contains(t, "log", log.String(), "an interface without a name is passed over, as netplan needs one", "wrote 1 file for systemd-networkd to")

	// A platform that says nothing gets an empty directory.
	o.Platform, err = providers.InstanceByID("aws")
	testkit.NoError(t, err)
	o.Requests = o.Requests[:1]
	o.Requests[0].Value = filepath.Join(dir, "none")
	testkit.NoError(t, Run(t.Context(), o))
	entries, err := os.ReadDir(filepath.Join(dir, "none"))
	testkit.NoError(t, err)
	testkit.Equal(t, "files", len(entries), 0)
	testkit.Contains(t, "log", log.String(), "Amazon EC2 says nothing of the network of this machine")
}
