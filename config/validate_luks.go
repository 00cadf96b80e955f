package config

import (
	"net/url"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/doc"
)

func (v *validator) luks(l *Luks) {
	v.luksName(l)
	v.bytesAtMost(47, "the LUKS label", ValueOr(l.Label, ""), l.Object, "label")
	v.absolute(ValueOr(l.Device, ""), l.Object, "device")
	v.cex(l)
	v.clevis(&l.Clevis)
	v.resource(&l.KeyFile)
}

// luksName checks the name of a device of device-mapper, which becomes a field of a
// line of /etc/crypttab, too.
func (v *validator) luksName(l *Luks) {
	const longest = 127 // bytes, DM_NAME_LEN without the NUL
	if !v.fileName("LUKS volume", l.Name, longest, l.Object) {
		return
	}
	switch {
	case strings.Contains(l.Name, "/"):
		v.error(RuleLuksName, l.Origin("name"), "the name %s has a slash in it, which is not possible below /dev/mapper", quote(l.Name))
	case l.Name == "." || l.Name == ".." || l.Name == "control":
		v.error(RuleLuksName, l.Origin("name"), "the name %s is not possible below /dev/mapper, where it is something else", quote(l.Name))
	case strings.Contains(l.Name, " "):
		v.warn(RuleLuksNameBlank, l.Origin("name"), "the name %s has a blank in it, at which a line of /etc/crypttab is split: later boots will not open the volume", quote(l.Name))
	}
}

func (v *validator) cex(l *Luks) {
	if !ValueOr(l.Cex.Enabled, false) {
		return
	}
	if ValueOr(l.Clevis.Custom.Pin, "") != "" || l.Clevis.hasShares() {
		v.error(RuleUnlockConflict, l.Cex.Origin(), "a volume cannot be bound to a Crypto Express card and by clevis; remove one of the two")
	}
	if ValueOr(l.KeyFile.Source, "") != "" {
		v.error(RuleUnlockConflict, l.Cex.Origin(), "a volume that is bound to a Crypto Express card cannot have a %s", l.Key("keyFile"))
	}
}

// hasShares reports whether anything is set that a custom pin excludes.
func (c *Clevis) hasShares() bool {
	return len(c.Tang) > 0 || ValueOr(c.TPM2, false) || NonZero(c.Threshold)
}

func (v *validator) clevis(c *Clevis) {
	custom := ValueOr(c.Custom.Pin, "") != ""
	if v.version < V3_3 {
		custom = c.Custom.IsPresent()
	}
	if custom && c.hasShares() {
		v.error(RuleUnlockConflict, c.Origin(), "clevis.custom excludes tang, tpm2 and threshold; set these in its config, or remove it")
	}
	v.threshold(c)
	v.custom(&c.Custom)
	for i := range c.Tang {
		v.tang(&c.Tang[i])
	}
}

// threshold checks that it can be reached. Servers can come from a config that is merged.
func (v *validator) threshold(c *Clevis) {
	shares := len(c.Tang)
	if ValueOr(c.TPM2, false) {
		shares++
	}
	if threshold := ValueOr(c.Threshold, 0); shares > 0 && threshold > shares {
		v.unbootable(RuleClevisThreshold, c.Origin("threshold"), "the threshold is %d, but what can unlock the volume, servers and TPM, is %d in all", threshold, shares)
	}
}

func (v *validator) custom(c *ClevisCustom) {
	pin, text := ValueOr(c.Pin, ""), ValueOr(c.Config, "")
	needsNetwork := v.version >= V3_3 && ValueOr(c.NeedsNetwork, false)
	if pin == "" && text == "" && !needsNetwork {
		return
	}
	switch {
	case pin == "":
		v.error(RuleClevisCustomMissing, c.Origin("pin"), "the name of the clevis pin is missing")
	case v.version < V3_6 && !slices.Contains(clevisPins, pin):
		v.error(RuleClevisPin, c.Origin("pin"), "the clevis pin %s is unknown; before version %s of the spec it should be one of %s", quote(pin), V3_6, strings.Join(clevisPins, ", "))
	}
	if text == "" {
		v.error(RuleClevisCustomMissing, c.Origin("config"), "the config of the clevis pin is missing")
	}
}

func (v *validator) tang(t *Tang) {
	switch u, err := url.Parse(t.URL); {
	case err != nil:
		v.fault(cannotParse(err), t.Origin("url"))
	case u.Scheme != "http" && u.Scheme != "https":
		v.error(RuleURLScheme, t.Origin("url"), "the URL of a Tang server should start with http:// or https://")
	default:
		v.host(u, t.Object, "url")
	}
	if ValueOr(t.Thumbprint, "") == "" {
		v.error(RuleTangThumbprintMissing, t.Origin("thumbprint"), "the thumbprint of the Tang server's signing key is missing; it can be shown with tang-show-keys")
	}
	if a := ValueOr(t.Advertisement, ""); a != "" && !isJSON(a) {
		v.error(RuleTangAdvertisement, t.Origin("advertisement"), "the Tang server's advertisement is not JSON; it should be what the server answers for /adv, as a string")
	}
}

func isJSON(text string) bool {
	_, err := doc.ReadJSON([]byte(text), nil)
	return err == nil
}
