package stages

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
)

// resetHint is for a boot that cannot find out how the machine is to be reset.
const resetHint = `nothing was changed. For the system as it was, start the machine without the kernel argument that makes this a first boot (in the menu of the boot loader) and run "firstlightctl reset --cancel" there`

// useReset has the user config come from the request, and from nowhere else, if this
// machine is being reset.
func (p *process) useReset() {
	p.state.Reset = nil // of an earlier stage, which has read it from the same place
	id, argued := p.env.Arguments[reset.Argument]
	switch {
	case argued:
		p.env.First = func(ctx context.Context) (*providers.UserData, error) { return p.resetFromFile(ctx, id) }
	case p.Credentials != "" && system.Exists(p.resetCredential()):
		p.env.First = p.resetFromCredential
	}
}

// resetCredential is where the request is if it is a credential.
func (p *process) resetCredential() string {
	return filepath.Join(p.Credentials, filepath.Base(reset.CredentialFile))
}

func (p *process) resetFromCredential(context.Context) (*providers.UserData, error) {
	text, err := system.ReadFile(p.resetCredential(), reset.MaxCredential)
	if err == nil {
		var r reset.Request
		if r, err = reset.Parse(text); err == nil {
			return p.resetTo(r, "the credential "+reset.Credential), nil
		}
	}
	return nil, &report.Error{Doing: "reading the credential " + reset.Credential, Err: err, Hint: resetHint}
}

// resetFromFile looks for the request with the ID that the kernel argument has.
func (p *process) resetFromFile(ctx context.Context, id string) (*providers.UserData, error) {
	var r reset.Request
	wanted := bootloader.Wanted{What: fmt.Sprintf("the request of the reset %q", id), Path: reset.File, Limit: reset.MaxSize, Warn: p.log.Warn, Waited: p.log.Waited}
	wanted.Accept = func(text []byte) (err error) {
		if r, err = reset.Parse(text); err == nil && r.ID != id {
			err = fmt.Errorf("%s is the request %q", reset.File, r.ID)
		}
		return err
	}
	find := p.BootFile
	if find == nil {
		find = bootloader.Machine{RootArgument: p.env.Arguments["root"], RootFlags: p.env.Arguments["rootflags"]}.FindFile
	}
	where, err := find(ctx, wanted)
	if err != nil {
		return nil, &report.Error{Doing: fmt.Sprintf("looking for the request that the kernel argument %s=%s names", reset.Argument, id), Err: err, Hint: resetHint}
	}
	return p.resetTo(r, where), nil
}

// resetTo leaves the request to the later stages, but for its config, which is cached as
// any other.
func (p *process) resetTo(r reset.Request, where string) *providers.UserData {
	p.log.Info(fmt.Sprintf("this machine is being reset, as the request %s of %v wants it (%s)", r.ID, r.Created, where))
	data := &providers.UserData{Text: []byte(r.Config), Name: fmt.Sprintf("user config (%s, of a reset)", r.Name), Source: "reset"}
	r.Config = ""
	p.state.Reset = &r
	return data
}
