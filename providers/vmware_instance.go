package providers

import (
	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Variables of VMware about the network.
const (
	vmwareMetadata = "guestinfo.metadata"
	vmwareKargs    = "guestinfo.afterburn.initrd.network-kargs"
)

var vmwareInstance = &Instance{
	network: withGuestInfo(func(g *guestInfo, _ *Asker) (*network.Config, error) { return g.network() }),
	netplan: withGuestInfo(func(g *guestInfo, _ *Asker) ([]network.File, error) { return g.netplan() }),
	kargs:   withGuestInfo(func(g *guestInfo, _ *Asker) (string, error) { return g.get(vmwareKargs) }),
}

// withGuestInfo makes what reads variables a function of an instance.
func withGuestInfo[T any](read func(*guestInfo, *Asker) (T, error)) func(*Asker) (T, error) {
	return func(a *Asker) (T, error) {
		g, err := openGuestInfo(a.env)
		if err != nil {
			var none T
			return none, err
		}
		return read(g, a)
	}
}

// metadata returns the variable with the network among others; nil if it is not set.
func (g *guestInfo) metadata() ([]byte, error) {
	data, err := g.get(vmwareMetadata)
	if err != nil || data == "" {
		return nil, err
	}
	encoding, err := g.get(vmwareMetadata + vmwareEncoding)
	if err != nil {
		return nil, err
	}
	packed, err := encoded{data, encoding, "VMware's variable " + vmwareMetadata}.decode()
	if err != nil {
		return nil, err
	}
	text, _, err := config.Unpack(packed, vmwareMetadata)
	return text, err
}

func (g *guestInfo) network() (*network.Config, error) {
	text, err := g.metadata()
	if err != nil || text == nil {
		return nil, err
	}
	return network.ParseGuestInfo(text, vmwareMetadata, devicePriority)
}

// netplan is what stands below the key network, as it is.
func (g *guestInfo) netplan() ([]network.File, error) {
	text, err := g.metadata()
	if err != nil || text == nil {
		return nil, err
	}
	files, err := network.NetplanOf(text, vmwareMetadata)
	if err != nil {
		err = &report.Error{Doing: "reading VMware's variable " + vmwareMetadata, Err: err, Hint: networkHint}
	}
	return files, err
}
