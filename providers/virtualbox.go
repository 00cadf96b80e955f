package providers

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/firstlight-os/firstlight/internal/hypervisor"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Platform virtualbox: guest properties, set by
// VBoxManage guestproperty set VM /Ignition/Config "$(cat CONFIG)".
// https://www.virtualbox.org/manual/
const (
	vboxDevice   = "/dev/vboxguest"
	vboxConfig   = "/Ignition/Config"
	vboxEncoding = "/Ignition/Config/Encoding"
)

func fetchVirtualBox(ctx context.Context, env *Env) (raw *UserData, err error) {
	err = withVirtualBox(ctx, env, func(p guestProperties) error {
		raw, err = p.fetch()
		return err
	})
	if err != nil {
		return nil, &report.Error{Doing: "reading the config from VirtualBox's guest properties", Err: err,
			Hint: "check on the host: VBoxManage guestproperty enumerate VM"}
	}
	return raw, nil
}

func deleteVirtualBox(ctx context.Context, env *Env) error {
	if err := withVirtualBox(ctx, env, guestProperties.deleteConfig); err != nil {
		return &report.Error{Doing: "deleting the config from VirtualBox's guest properties", Err: err,
			Hint: "set the properties on the host without the flag RDONLYGUEST, or delete them there"}
	}
	return nil
}

// withVirtualBox opens the properties once udev has loaded the driver.
func withVirtualBox(ctx context.Context, env *Env, use func(guestProperties) error) error {
	loaded := loadDriver(ctx, env, "vboxguest", vboxDevice)
	if err := awaitNode(ctx, env, vboxDevice, deviceLimit, loaded); err != nil {
		return err
	}
	p, err := hypervisor.OpenGuestProperties(filepath.Join(env.Root, vboxDevice))
	if err != nil {
		return err
	}
	return errors.Join(use(guestProperties{p}), p.Close())
}

// guestProperties are hypervisor.GuestProperties but in tests.
type guestProperties struct {
	properties interface {
		Get(name string) (string, error)
		Delete(name string) error
	}
}

// fetch reads the config, and how it is encoded. The reference knows no
// encodings and takes none.
func (p guestProperties) fetch() (*UserData, error) {
	e := encoded{from: "the property " + vboxConfig}
	var err error
	if e.encoding, err = p.properties.Get(vboxEncoding); err != nil {
		return nil, err
	}
	if e.data, err = p.properties.Get(vboxConfig); err != nil || e.data == "" {
		return nil, err
	}
	text, err := e.decode()
	if err != nil {
		return nil, err
	}
	return &UserData{Text: text, Name: fmt.Sprintf("user config (VirtualBox property %s)", vboxConfig)}, nil
}

func (p guestProperties) deleteConfig() error {
	if err := p.properties.Delete(vboxEncoding); err != nil {
		return err
	}
	return p.properties.Delete(vboxConfig)
}
