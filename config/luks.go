package config

// HasClevis reports whether clevis unlocks the volume.
func (l *Luks) HasClevis() bool {
	return NonZero(l.Clevis.Custom.Pin) || len(l.Clevis.Tang) > 0 || ValueOr(l.Clevis.TPM2, false)
}
