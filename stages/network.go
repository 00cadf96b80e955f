package stages

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// A networkProgram brings the network up, in an initramfs or in the new system, as files
// in a directory say.
type networkProgram struct {
	dir   string
	files func(*network.Config) []network.File
	// byName reports whether it knows interfaces by their names only.
	byName bool
}

// networkPrograms are the values of the settings NETWORK and METADATA_NETWORK.
var networkPrograms = map[string]networkProgram{
	"networkd":       {dir: "/etc/systemd/network", files: (*network.Config).Networkd},
	"networkmanager": {dir: "/etc/NetworkManager/system-connections", files: (*network.Config).Keyfiles},
	"dracut": {dir: "/etc/cmdline.d", byName: true, files: func(c *network.Config) []network.File {
		return []network.File{{Name: "50-firstlight-network.conf", Mode: 0o644, Text: c.Kargs(network.ByAddress) + "\n"}}
	}},
}

// configureNetwork writes what the platform wants of the network, for what brings it up in
// the initramfs, if the distribution wants that and no person has said otherwise. What is
// below /etc here does not get into the root.
func (p *process) configureNetwork(ctx context.Context) error {
	program, wanted := networkPrograms[p.settings.Value(distribution.Network)]
	if _, given := p.env.Arguments["ip"]; given || !wanted {
		return nil
	}
	c, err := providers.OfflineNetwork(ctx, p.env)
	if err != nil {
		return &report.Error{Doing: "configuring the network", Err: err, Hint: "correct the network settings of this machine at its platform; the kernel argument ip= replaces them"}
	}
	if c.IsEmpty() {
		return nil
	}
	names := p.interfaces()
	p.warnOfMissing(c, names)
	known := c.ByMAC() // whatever udev calls the interfaces
	if program.byName {
		known = c.Named(names)
	}
	files := program.files(known)
	if err := network.Write(filepath.Join(p.env.Root, program.dir), files); err != nil {
		return err
	}
	p.log.Info(fmt.Sprintf("configured the network: wrote %s to %s", system.Plural(len(files), "file"), program.dir))
	return nil
}

// interfaces are the names of those of this machine, by their MAC addresses.
func (p *process) interfaces() map[string]string {
	names := map[string]string{}
	all, _ := filepath.Glob(filepath.Join(p.env.Root, "/sys/class/net/*/address")) // a constant pattern
	for _, name := range all {
		text, _ := system.ReadFile(name, system.KernelText) // one may vanish
		if mac, err := net.ParseMAC(strings.TrimSpace(string(text))); err == nil {
			names[mac.String()] = filepath.Base(filepath.Dir(name))
		}
	}
	return names
}

// warnOfMissing is about interfaces that are not there, perhaps not yet.
func (p *process) warnOfMissing(c *network.Config, names map[string]string) {
	for _, l := range c.Links {
		_, err := os.Stat(filepath.Join(p.env.Root, "/sys/class/net", l.Name))
		missing := l.MAC != "" && names[l.MAC] == "" || l.MAC == "" && l.Name != "" && err != nil
		if l.Bond == nil && l.VLAN == nil && missing {
			p.log.Warn(fmt.Sprintf("the network settings have the interface %s, which this machine does not have now [%s]", cmp.Or(l.MAC, l.Name), l.Origin))
		}
	}
}
