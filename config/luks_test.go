package config

import "testing"

func TestClevisIsThereIfThereIsAnythingToBindTo(t *testing.T) {
	for clevis, want := range map[string]bool{
		`{}`:                      false,
		`{"tpm2": false}`:         false,
		`{"threshold": 1}`:        false,
		`{"custom": {"pin": ""}}`: false,
		`{"tpm2": true}`:          true,
		`{"tang": [{"url": "http://t", "thumbprint": "x"}]}`: true,
		`{"custom": {"pin": "tang", "config": "{}"}}`:        true,
	} {
		cfg, _, _ := Parse([]byte(`{"ignition": {"version": "3.5.0"}, "storage": {"luks": [{"name": "x", "device": "/dev/x", "clevis": `+clevis+`}]}}`), "")
		if cfg == nil {
			t.Fatalf("%s cannot be read", clevis)
		}
		if got := cfg.Storage.Luks[0].HasClevis(); got != want {
			t.Errorf("%s: %v", clevis, got)
		}
	}
}
