package config

import "testing"

func TestWithAuthority(t *testing.T) {
	cfg := parsed(t, Newest, `"ignition":{$V,"security":{"tls":{"certificateAuthorities":[{"source":"http://a"},`+
		`{"source":"http://b","compression":"gzip","httpHeaders":[{"name":"h"}],"verification":{"hash":"`+sha512+`"}}]}}},"storage":{}`)
	before := string(cfg.Marshal())
	changed := cfg.WithAuthority(1, "data:,x")
	want := `{"ignition":{"version":"3.7.0-experimental","security":{"tls":{"certificateAuthorities":[{"source":"http://a"},` +
		`{"source":"data:,x","verification":{"hash":"` + sha512 + `"}}]}}},"storage":{}}`
	if got := string(changed.Marshal()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if after := string(cfg.Marshal()); after != before {
		t.Errorf("the original has changed: %s", after)
	}
	if got, want := changed.Ignition.Security.TLS.CertificateAuthorities[1].Origin("source"), cfg.Ignition.Security.TLS.CertificateAuthorities[1].Origin("source"); got != want {
		t.Errorf("the source is of %s, want %s", got, want)
	}
}
