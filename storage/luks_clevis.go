package storage

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// requiredTPM returns the TPM if a volume is bound to it: the driver may still be busy
// with it, for a slow one takes seconds to test itself. The settings of tpm2-tools in
// our environment, if there are any, name it otherwise. The workstation needs none.
func (m *Machine) requiredTPM(volumes []config.Luks) []requiredDevice {
	if m.Absent != nil || os.Getenv("TPM2TOOLS_TCTI") != "" {
		return nil
	}
	for i := range volumes {
		c := &volumes[i].Clevis
		custom, text := config.ValueOr(c.Custom.Pin, ""), config.ValueOr(c.Custom.Config, "")
		if config.ValueOr(c.TPM2, false) || custom == "tpm2" || custom == "sss" && strings.Contains(text, `"tpm2"`) {
			return []requiredDevice{{path: m.devPath("/dev/tpmrm0"), origin: c.Origin(), tpm: true}}
		}
	}
	return nil
}

// bind binds the volume to what clevis unlocks it with, tries that if it can
// be tried, and takes a generated key away again.
func (v *volume) bind(ctx context.Context) error {
	for _, t := range v.config.Clevis.Tang {
		if err := v.awaitTang(ctx, t); err != nil {
			return err
		}
	}
	pin, text, err := clevisPin(&v.config.Clevis)
	if err != nil {
		return err
	}
	err = v.withKeyFile(func(file string) error {
		c := system.Command{Name: "clevis", Args: []string{"luks", "bind", "-f", "-k", file, "-d", v.node, pin, text},
			Secrets: append(clevisSecrets(&v.config.Clevis, text), string(v.key))}
		_, err := v.m.Run.Run(ctx, c)
		return err
	})
	if err != nil {
		return &report.Error{Err: err, Origin: v.config.Clevis.Origin(),
			Hint: "check that each thumbprint is one that tang-show-keys prints on its server, and that the machine has the TPM"}
	}
	if canVerifyUnlock(&v.config.Clevis) {
		if err := v.verifyUnlock(ctx); err != nil {
			return err
		}
	}
	if !generatesKey(v.config) {
		return nil
	}
	if err := v.cryptsetup(ctx, "luksRemoveKey", v.node, "-"); err != nil {
		return err
	}
	v.storeKey(nil)
	return nil
}

// verifyUnlock lets clevis open the volume, as it will have to at every boot.
func (v *volume) verifyUnlock(ctx context.Context) error {
	if err := v.cryptsetup(ctx, "luksClose", v.config.Name); err != nil {
		return err
	}
	_, err := v.m.Run.Run(ctx, system.Command{Name: "clevis", Args: []string{"luks", "unlock", "-d", v.node, "-n", v.config.Name}})
	if err != nil {
		return &report.Error{Err: fmt.Errorf("trying whether clevis can unlock it: %w", err), Origin: v.config.Clevis.Origin(),
			Hint: "check that the Tang servers can be reached and that the machine has the TPM"}
	}
	return nil
}

// awaitTang asks a server for its keys, as clevis will, but patiently: the
// network may not be up yet.
func (v *volume) awaitTang(ctx context.Context, t config.Tang) error {
	if config.NonZero(t.Advertisement) {
		return nil
	}
	if v.m.Fetch == nil {
		return fmt.Errorf("%w: nothing to fetch with", report.ErrBug)
	}
	at, err := url.Parse(t.URL)
	if err != nil {
		// What is wrong with it may be part of a password.
		return &report.Error{Err: errors.New("the URL of the Tang server cannot be parsed"), Origin: t.Origin("url")}
	}
	source := at.JoinPath("adv").String()
	if _, err := v.m.Fetch(ctx, config.Resource{Source: &source}); err != nil {
		return &report.Error{Err: fmt.Errorf("asking the Tang server for its keys: %w", err), Origin: t.Origin("url")}
	}
	return nil
}

// canVerifyUnlock reports whether clevis can be asked to unlock the volume now:
// the servers were asked for their keys and the TPM is there. A server that gave
// its keys beforehand need not be reachable.
func canVerifyUnlock(c *config.Clevis) bool {
	shares := 0
	for _, t := range c.Tang {
		if !config.NonZero(t.Advertisement) {
			shares++
		}
	}
	if config.ValueOr(c.TPM2, false) {
		shares++
	}
	return !config.NonZero(c.Custom.Pin) && shares >= max(1, config.ValueOr(c.Threshold, 1))
}

// stringsOf returns the strings of a JSON text, with their escapes. One that is not closed
// goes on to the end.
func stringsOf(text string) (all []string) {
	for {
		_, rest, found := strings.Cut(text, `"`)
		if !found {
			return all
		}
		end := 0
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(rest))
		all = append(all, rest[:end])
		text = rest[min(end+1, len(rest)):]
	}
}

// clevisSecrets are what must not be shown of the config that clevis gets: all of it,
// and in what clevis says the credentials of Tang servers; of another pin's config,
// whose meaning only that knows, each string that is not short.
func clevisSecrets(c *config.Clevis, text string) []string {
	const short = 8 // bytes
	all := []string{text}
	if config.NonZero(c.Custom.Pin) {
		for _, s := range stringsOf(text) {
			if len(s) >= short {
				all = append(all, s)
			}
		}
		return all
	}
	for _, t := range c.Tang {
		u, err := url.Parse(t.URL)
		if err != nil {
			continue // awaitTang refuses it
		}
		all = append(all, u.RawQuery)
		if password, set := u.User.Password(); set {
			_, inURL, _ := strings.Cut(u.User.String(), ":")
			all = append(all, inURL, password)
		}
	}
	return all
}

// clevisPin is the pin and its config, as clevis-encrypt-sss(1) wants it.
func clevisPin(c *config.Clevis) (pin, text string, err error) {
	if config.NonZero(c.Custom.Pin) {
		return *c.Custom.Pin, config.ValueOr(c.Custom.Config, ""), nil
	}
	type tang struct {
		URL           string   `json:"url"`
		Thumbprint    string   `json:"thp,omitempty"`
		Advertisement json.Raw `json:"adv,omitempty"`
	}
	type pins struct {
		Tang []tang    `json:"tang,omitempty"`
		TPM2 *struct{} `json:"tpm2,omitempty"`
	}
	var p pins
	for _, t := range c.Tang {
		p.Tang = append(p.Tang, tang{t.URL, config.ValueOr(t.Thumbprint, ""), json.Raw(config.ValueOr(t.Advertisement, ""))})
	}
	if config.ValueOr(c.TPM2, false) {
		p.TPM2 = new(struct{})
	}
	encoded, err := json.Marshal(struct {
		Pins      pins `json:"pins"`
		Threshold int  `json:"t"`
	}{p, max(1, config.ValueOr(c.Threshold, 1))})
	if err != nil {
		err = fmt.Errorf("making the config of clevis: %w", err)
	}
	return "sss", string(encoded), err
}
