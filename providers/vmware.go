package providers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/hypervisor"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Platform vmware: variables that the hypervisor keeps for its guest, set by
// govc vm.change -e guestinfo.ignition.config.data=..., or properties of the
// OVF environment, which is one of these variables. The distribution can choose other
// names, whose last part is data or url.
// https://docs.vmware.com/en/VMware-vSphere/index.html
const (
	vmwareURL      = ".url"      // ends the name of a variable with the URL of a config
	vmwareEncoding = ".encoding" // follows the name of a variable with a config
	vmwareOVF      = "guestinfo.ovfenv"

	// The variables cannot be taken away. These stand for a config that was
	// deleted, an empty JSON object, also where the reference deletes.
	vmwareDeleted         = "e30K"
	vmwareDeletedEncoding = "base64"

	vmwareHint = "check that this machine runs under VMware, or set the kernel argument ignition.platform.id to what it runs under"
)

func fetchVMware(ctx context.Context, env *Env) (*UserData, error) {
	g, err := openGuestInfo(env)
	if err != nil {
		return nil, err
	}
	return g.fetch(ctx, env)
}

func deleteVMware(_ context.Context, env *Env) error {
	g, err := openGuestInfo(env)
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
	// names are those of variables that may have a config.
	names []string
}

func openGuestInfo(env *Env) (*guestInfo, error) {
	v, err := hypervisor.OpenVMware()
	if err != nil {
		return nil, &report.Error{Doing: "calling VMware's hypervisor", Err: err, Hint: vmwareHint}
	}
	return &guestInfo{v, env.Settings.Words(distribution.GuestInfoNames)}, nil
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
	for _, name := range g.names {
		data, err := g.get(name)
		if err != nil {
			return encoded{}, err
		}
		if data != "" {
			encoding, err := g.get(name + vmwareEncoding)
			return encoded{data, encoding, name}, err
		}
	}
	_, properties, err := g.environment()
	values := map[string]string{}
	for _, p := range properties {
		values[p.key] = p.value
	}
	for _, name := range g.names {
		if values[name] != "" {
			return encoded{values[name], values[name+vmwareEncoding], "the OVF environment's property " + name}, err
		}
	}
	return encoded{}, err
}

// environment reads the OVF environment, if it has anything for us.
func (g *guestInfo) environment() (string, []ovfProperty, error) {
	document, err := g.get(vmwareOVF)
	if err != nil || !slices.ContainsFunc(g.names, func(name string) bool { return strings.Contains(document, name) }) {
		return "", nil, err
	}
	properties, err := ovfProperties(document)
	if err != nil {
		err = &report.Error{Doing: "reading VMware's variable " + vmwareOVF, Err: err, Hint: "look at the vApp options of this machine"}
	}
	return document, properties, err
}

func (g *guestInfo) fetch(ctx context.Context, env *Env) (*UserData, error) {
	e, err := g.find()
	if err != nil || e.data == "" {
		return nil, err
	}
	if strings.HasSuffix(e.from, vmwareURL) {
		resource := config.Resource{Source: &e.data}
		text, err := env.Fetch.Bytes(ctx, resource, config.CurrentLimit())
		if err != nil {
			return nil, err
		}
		return &UserData{Text: text, Name: fmt.Sprintf("user config (%s from VMware, %s)", fetch.Redact(e.data), e.from), Signature: SignatureURL(env.Fetch, resource)}, nil
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
	var secret []string
	for _, name := range g.names {
		if strings.HasSuffix(name, vmwareURL) {
			continue // what it names is not here
		}
		secret = append(secret, name, name+vmwareEncoding)
		data, err := g.get(name)
		if err != nil {
			return err
		}
		if data == "" {
			continue
		}
		// If the power fails between these two, the next deletion completes it.
		if err := errors.Join(g.change(env, name, vmwareDeleted), g.change(env, name+vmwareEncoding, vmwareDeletedEncoding)); err != nil {
			return err
		}
	}
	document, properties, err := g.environment()
	if err != nil {
		return err
	}
	return g.change(env, vmwareOVF, cutProperties(document, properties, secret...))
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
