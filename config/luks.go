package config

// HasClevis tells whether clevis unlocks the volume.
func (l *Luks) HasClevis() bool {
	return IsSet(l.Clevis.Custom.Pin) || len(l.Clevis.Tang) > 0 || Or(l.Clevis.TPM2, false)
}
