package providers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/internal/hypervisor"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Platform vmware: variables that the hypervisor keeps for its guest, set by
// govc vm.change -e guestinfo.ignition.config.data=..., or properties of the
// OVF environment, which is one of these variables.
// https://docs.vmware.com/en/VMware-vSphere/index.html
const (
	vmwareData     = "guestinfo.ignition.config.data"
	vmwareEncoding = vmwareData + ".encoding"
	vmwareOVF      = "guestinfo.ovfenv"

	// The variables cannot be taken away. These stand for a config that was
	// deleted, an empty JSON object, also where the reference deletes.
	vmwareDeleted         = "e30K"
	vmwareDeletedEncoding = "base64"

	vmwareHint = "check that this machine runs under VMware, or set the kernel argument ignition.platform.id to what it runs under"
)

func fetchVMware(context.Context, *Env) (*UserData, error) {
	g, err := openGuestInfo()
	if err != nil {
		return nil, err
	}
	return g.fetch()
}

func deleteVMware(_ context.Context, env *Env) error {
	g, err := openGuestInfo()
	if err != nil {
		return err
	}
	return g.delete(env)
}

// A guestInfo has the variables of this machine: a hypervisor.VMware but in tests.
type guestInfo struct {
	variables interface {
		Get(name string) (string, error)
		Set(name, value string) error
	}
}

func openGuestInfo() (*guestInfo, error) {
	v, err := hypervisor.OpenVMware()
	if err != nil {
		return nil, &report.Error{Doing: "calling VMware's hypervisor", Err: err, Hint: vmwareHint}
	}
	return &guestInfo{v}, nil
}

// get reads a variable; one that is not set is "".
func (g *guestInfo) get(name string) (string, error) {
	value, err := g.variables.Get(name)
	if err != nil {
		return "", &report.Error{Doing: "reading VMware's variable " + name, Err: err, Hint: vmwareHint}
	}
	return value, nil
}

// set writes a variable.
func (g *guestInfo) set(name, value string) error {
	if err := g.variables.Set(name, value); err != nil {
		return &report.Error{Doing: "deleting the config from VMware's variable " + name, Err: err,
			Hint: "check that the machine's setting isolation.tools.setInfo.disable is not TRUE, or delete the config on the host"}
	}
	return nil
}

// find takes data and encoding from the same source: a variable's data with the
// encoding of a property cannot be right.
func (g *guestInfo) find() (encoded, error) {
	data, err := g.get(vmwareData)
	if err != nil {
		return encoded{}, err
	}
	if data != "" {
		encoding, err := g.get(vmwareEncoding)
		return encoded{data, encoding, vmwareData}, err
	}
	e := encoded{from: "the OVF environment's property " + vmwareData}
	_, properties, err := g.environment()
	for _, p := range properties {
		switch p.key {
		case vmwareData:
			e.data = p.value
		case vmwareEncoding:
			e.encoding = p.value
		}
	}
	return e, err
}

// environment reads the OVF environment, if it has anything for us.
func (g *guestInfo) environment() (string, []ovfProperty, error) {
	document, err := g.get(vmwareOVF)
	if err != nil || !strings.Contains(document, vmwareData) {
		return "", nil, err
	}
	properties, err := ovfProperties(document)
	if err != nil {
		err = &report.Error{Doing: "reading VMware's variable " + vmwareOVF, Err: err, Hint: "look at the vApp options of this machine"}
	}
	return document, properties, err
}

func (g *guestInfo) fetch() (*UserData, error) {
	e, err := g.find()
	if err != nil || e.data == "" {
		return nil, err
	}
	text := []byte(deletedConfig) // whatever the encoding, which is deleted after it
	if e.data != vmwareDeleted {
		text, err = e.decode()
	}
	if err != nil {
		return nil, err
	}
	return &UserData{Text: text, Name: fmt.Sprintf("user config (VMware, %s)", e.from)}, nil
}

func (g *guestInfo) delete(env *Env) error {
	data, err := g.get(vmwareData)
	if err != nil {
		return err
	}
	if data != "" {
		// If the power fails between these two, the next deletion completes it.
		if err := errors.Join(g.change(env, vmwareData, vmwareDeleted), g.change(env, vmwareEncoding, vmwareDeletedEncoding)); err != nil {
			return err
		}
	}
	document, properties, err := g.environment()
	if err != nil {
		return err
	}
	return g.change(env, vmwareOVF, cutProperties(document, properties, vmwareData, vmwareEncoding))
}

// change sets a variable that has another value.
func (g *guestInfo) change(env *Env, name, value string) error {
	old, err := g.get(name)
	if err != nil || old == value {
		return err
	}
	env.Log.Info("deleting the config from VMware's variable " + name)
	return g.set(name, value)
}
