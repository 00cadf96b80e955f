package stages

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/providers"
)

const platformsKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"

// atHetzner is a machine there, in an image with settings, whose platform has said all.
func atHetzner(t *testing.T, cfg, settings string, other map[string]string) *bench {
	t.Helper()
	b := newBench(t, cfg)
	fetch := b.opts.Platform.Fetch
	hetzner, err := providers.ByID("hetzner")
	testkit.NoError(t, err)
	b.opts.Platform = hetzner
	b.opts.Platform.Fetch = func(ctx context.Context, env *providers.Env) (*providers.UserData, error) {
		if cfg == "" {
			return nil, nil
		}
		return fetch(ctx, env)
	}
	b.write("image/usr/distribution.conf", settings)
	boot, err := system.BootID()
	testkit.NoError(t, err)
	answers := map[string]map[string]string{}
	said := map[string]string{"/hostname": "h1", "/public-keys": `["` + platformsKey + ` me"]`,
		"/network-config": `config: [{type: physical, name: eth0, mac_address: "96:00:00:aa:bb:cc", subnets: [{type: dhcp, ipv4: true}]}]`}
	maps.Copy(said, other)
	for path, text := range said {
		answers["http://169.254.169.254/hetzner/v1/metadata"+path] = map[string]string{"text": text}
	}
	text, err := json.Marshal(map[string]any{"boot": boot, "answers": answers})
	testkit.NoError(t, err)
	b.write("run/ignition/metadata/answers.json", string(text))
	return b
}

func TestMetadataIsPartOfTheConfigIfTheImageWantsIt(t *testing.T) {
	b := atHetzner(t, "", "METADATA=config\nMETADATA_USER=root\nMETADATA_NETWORK=networkd\n", nil)
	b.must("fetch", "files")
	testkit.Equal(t, "hostname", b.read("root/etc/hostname"), "h1\n")
	testkit.Equal(t, "keys", b.read("root/root/.ssh/authorized_keys.d/ignition"), platformsKey+" me\n")
	testkit.Contains(t, "the network", b.read("root/etc/systemd/network/20-eth0.network"), "MACAddress=96:00:00:aa:bb:cc")
	testkit.Contains(t, "the log", b.log.String(), "parsing config from the metadata service of hetzner with SHA512")
	testkit.Contains(t, "the record", b.read("run/ignition/record.json"), `"kind":"metadata"`, "config from the metadata service of hetzner")
}

func TestMetadataIsLeftAloneWithoutTheSetting(t *testing.T) {
	b := atHetzner(t, "", "", nil)
	b.must("fetch")
	testkit.Equal(t, "the config has a hostname", strings.Contains(b.read("run/ignition.json"), "hostname"), false)
}

func TestTheUsersConfigCountsBeforeMetadata(t *testing.T) {
	b := atHetzner(t, "{"+version+`, "storage": {"files": [{"path": "/etc/hostname", "mode": 384, "contents": {"source": "data:,mine"}}]},
		"passwd": {"users": [{"name": "root", "sshAuthorizedKeys": ["ssh-rsa AAAA mine"]}]}}`, "METADATA=config\nMETADATA_USER=root\n", nil)
	b.must("fetch", "files")
	testkit.Equal(t, "hostname", b.read("root/etc/hostname"), "mine")
	testkit.Contains(t, "keys", b.read("root/root/.ssh/authorized_keys.d/ignition"), platformsKey+" me\n", "ssh-rsa AAAA mine\n")
}

func TestNobodyGetsKeysWhomTheConfigRemoves(t *testing.T) {
	b := atHetzner(t, "{"+version+`, "passwd": {"users": [{"name": "core", "shouldExist": false}]}}`, "METADATA=config\n", nil)
	b.must("fetch")
	testkit.Equal(t, "the config has a key", strings.Contains(b.read("run/ignition.json"), "ssh-ed25519"), false)
}

func TestMetadataThatMakeNoSenseStopTheBoot(t *testing.T) {
	b := atHetzner(t, "", "METADATA=config\n", map[string]string{"/hostname": "two words"})
	b.fails("fetch", `"two words" is no hostname`)
	b = atHetzner(t, "", "METADATA=config\n", map[string]string{"/public-keys": `["x"]`})
	b.fails("fetch", `key 1 of 1 ("x"): it is not a public key`)
}

// Without an answer of the service there is no config, which the network is needed for.
func TestMetadataNeedTheNetwork(t *testing.T) {
	b := atHetzner(t, "{"+version+"}", "METADATA=config\n", nil)
	b.write("run/ignition/metadata/answers.json", "")
	b.must("fetch-offline")
	testkit.Equal(t, "the network is wanted", system.Exists(b.path("run/ignition/neednet")), true)
	testkit.Equal(t, "there is a config", system.Exists(b.path("run/ignition.json")), false)
}
