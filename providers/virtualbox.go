package providers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

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
	err = withVirtualBox(ctx, env, func(p *guestProperties) error {
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
	if err := withVirtualBox(ctx, env, (*guestProperties).deleteConfig); err != nil {
		return &report.Error{Doing: "deleting the config from VirtualBox's guest properties", Err: err,
			Hint: "set the properties on the host without the flag RDONLYGUEST, or delete them there"}
	}
	return nil
}

// withVirtualBox opens the way to the properties once udev has loaded the driver.
func withVirtualBox(ctx context.Context, env *Env, use func(*guestProperties) error) error {
	loaded := loadDriver(ctx, env, "vboxguest", vboxDevice)
	if err := awaitNode(ctx, env, vboxDevice, deviceLimit, loaded); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(env.Root, vboxDevice), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	p := &guestProperties{ioctl: func(request uint32, message []byte) error { return vboxIoctl(f.Fd(), request, message) }}
	if err := p.connect(); err != nil {
		return err
	}
	return errors.Join(use(p), p.disconnect())
}

// fetch reads the config, and how it is encoded. The reference knows no
// encodings and takes none.
func (p *guestProperties) fetch() (*UserData, error) {
	e := encoded{from: "the property " + vboxConfig}
	var err error
	if e.encoding, err = p.get(vboxEncoding); err != nil {
		return nil, err
	}
	if e.data, err = p.get(vboxConfig); err != nil || e.data == "" {
		return nil, err
	}
	text, err := e.decode()
	if err != nil {
		return nil, err
	}
	return &UserData{Text: text, Name: fmt.Sprintf("user config (VirtualBox property %s)", vboxConfig)}, nil
}

// get reads a property; one that is not set is "".
func (p *guestProperties) get(name string) (string, error) {
	value := make([]byte, 1)
	for range 5 { // it may grow while we ask
		status, size, err := p.call(vboxGet, name, value)
		switch {
		case err != nil:
			return "", fmt.Errorf("reading %s: %w", name, err)
		case status == vboxNotFound:
			return "", nil
		case status == vboxOverflow && size > uint32(len(value)) && size <= maxConfig:
			value = make([]byte, size)
			continue
		case status != 0:
			return "", fmt.Errorf("reading %s: VirtualBox says %d", name, status)
		}
		// Its flags follow.
		text, _, ok := strings.Cut(string(value[:min(int(size), len(value))]), "\x00")
		if !ok {
			return "", fmt.Errorf("reading %s: the answer has no end", name)
		}
		return text, nil
	}
	return "", fmt.Errorf("reading %s: it changes all the time", name)
}

func (p *guestProperties) deleteConfig() error {
	if err := p.delete(vboxEncoding); err != nil {
		return err
	}
	return p.delete(vboxConfig)
}

func (p *guestProperties) delete(name string) error {
	status, _, err := p.call(vboxDelete, name, nil)
	switch {
	case err != nil:
		return fmt.Errorf("deleting %s: %w", name, err)
	case status == vboxDenied:
		return fmt.Errorf("deleting %s: %w, it is read-only for the machine", name, unix.EPERM)
	case status != 0 && status != vboxNotFound:
		return fmt.Errorf("deleting %s: VirtualBox says %d", name, status)
	}
	return nil
}
