package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// NetworkCredential is the name of a credential of systemd that says what the network of
// this machine is, as a network-config or a network_data.json.
const NetworkCredential = "firstlight.network"

// credentialsDir is where systemd has those of the system.
const credentialsDir = "/run/credentials/@system"

// noCloudInstance is a drive of cloud-init, for platforms that have nothing else.
var noCloudInstance = &Instance{
	drive:   &instanceDrive{label: "cidata", file: "network-config", mayBeMissing: true},
	network: networkConfig("network-config"),
}

// driveNetworks are platforms of which nothing but the network is known.
var driveNetworks = map[string]*Instance{
	"brightbox": openStackInstance,
	"ibmcloud":  noCloudInstance,
	"metal":     noCloudInstance,
	"nutanix":   powervsInstance,
	"qemu":      noCloudInstance,
}

// OfflineNetwork returns what the network of this machine should be, as far as that is known
// before there is one: from the credential, or else from the drive or the hypervisor's
// variables. Without either it is nil.
func OfflineNetwork(ctx context.Context, env *Env) (*network.Config, error) {
	name := filepath.Join(env.Root, credentialsDir, NetworkCredential)
	text, err := system.ReadFile(name, system.SettingsText)
	if err == nil {
		return network.ParseAny(text, "the credential "+NetworkCredential, devicePriority)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	a := NewAsker(ctx, env, nil)
	if i := driveNetworks[env.Platform.ID]; i != nil {
		a.instance = i
	}
	return a.offlineNetwork()
}

// offlineNetwork looks for each drive once: it was waited for when the config was.
func (a *Asker) offlineNetwork() (*network.Config, error) {
	for i := a.instance; i != nil; i = i.otherwise {
		switch {
		case i.network == nil:
			continue
		case i.drive != nil:
			found, err := a.readDrive(i.drive, offlineLimit)
			if err != nil {
				return nil, err
			}
			if !found {
				continue
			}
		case i.service != nil:
			continue
		}
		a.instance = i
		c, err := i.network(a)
		if err != nil {
			err = &report.Error{Doing: fmt.Sprintf("reading the network settings of %s", a.env.Platform.Name), Err: err, Hint: networkHint}
		}
		if c != nil {
			a.logNotes(c.Notes)
		}
		return c, err
	}
	return nil, nil
}
