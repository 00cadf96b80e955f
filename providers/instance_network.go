package providers

import (
	"fmt"

	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
)

// The order of files for the network: those of services, whose interfaces are the only
// ones, come before those of drives.
const (
	servicePriority = 10
	devicePriority  = 20
)

const networkHint = "correct the network settings of this machine at its platform"

// Network returns what the platform wants of the network of this machine, nil if it says
// nothing. What of it was passed over is logged.
func (a *Asker) Network() (*network.Config, error) {
	if err := a.choose(); err != nil || a.instance.network == nil {
		return nil, err
	}
	c, err := a.instance.network(a)
	if err != nil {
		return nil, &report.Error{Doing: fmt.Sprintf("reading the network settings of %s", a.env.Platform.Name), Err: err, Hint: networkHint}
	}
	if c != nil {
		a.logNotes(c.Notes)
	}
	return c, nil
}

func (a *Asker) logNotes(notes []string) {
	for _, n := range notes {
		a.env.Log.Warn(n)
	}
}

// Netplan returns the file for netplan; none if the platform says nothing.
func (a *Asker) Netplan() ([]network.File, error) {
	if err := a.choose(); err != nil {
		return nil, err
	}
	if a.instance.netplan != nil {
		return a.instance.netplan(a)
	}
	c, err := a.Network()
	if c.IsEmpty() || err != nil {
		return nil, err
	}
	files, notes := c.Netplan()
	a.logNotes(notes)
	return files, nil
}

// NetworkKargs returns kernel arguments for the network, "" if the platform has none before
// there is a network.
func (a *Asker) NetworkKargs() (string, error) {
	if !a.instance.hasKargs() {
		return "", nil // without waiting for a drive
	}
	if err := a.choose(); err != nil || a.instance.kargs == nil {
		return "", err
	}
	return a.instance.kargs(a)
}

func (i *Instance) hasKargs() bool { return i != nil && (i.kargs != nil || i.otherwise.hasKargs()) }

// network reads the document at a path; without one it is nil.
func (a *Asker) network(path string, parse func(text []byte, name string) (*network.Config, error)) (*network.Config, error) {
	text, there, err := a.text(path)
	if err != nil || !there || len(text) == 0 {
		return nil, err
	}
	return parse(text, a.name(path))
}

// networkConfig reads a network-config of cloud-init at a path.
func networkConfig(path string) func(*Asker) (*network.Config, error) {
	return func(a *Asker) (*network.Config, error) {
		return a.network(path, func(text []byte, name string) (*network.Config, error) {
			return network.ParseNetworkConfig(text, name, devicePriority)
		})
	}
}

// networkData reads the network_data.json of a drive.
func networkData(priority int) func(*Asker) (*network.Config, error) {
	return func(a *Asker) (*network.Config, error) {
		return a.network(openStackNetwork, func(text []byte, name string) (*network.Config, error) {
			return network.ParseNetworkData(text, name, priority)
		})
	}
}

// withAddresses adds the static addresses of the first interface that has any: the first
// of each family, or the last. A network that cannot be read has none.
func (a *Asker) withAddresses(all []Attribute, prefix string, last bool) []Attribute {
	c, err := a.Network()
	if err != nil {
		a.env.Log.Warn(err.Error())
	}
	if c == nil {
		return all
	}
	var families [2]string
	for _, l := range c.Links {
		for _, address := range l.Addresses {
			family := 0
			if address.Addr().Is6() {
				family = 1
			}
			if last || families[family] == "" {
				families[family] = address.Addr().String()
			}
		}
		if len(l.Addresses) > 0 {
			break
		}
	}
	for family, name := range []string{"_IPV4", "_IPV6"} {
		if families[family] != "" {
			all = append(all, Attribute{prefix + name, families[family]})
		}
	}
	return all
}
