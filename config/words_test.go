package config

import "testing"

func TestWordsOfTheConfigsLanguage(t *testing.T) {
	const text = `set wipeTable or sizeMiB (not "wipeTable" of "/aB"), ignition.config.merge[0].httpHeaders, unknownWord`
	if got := InUserSyntax(Origin{Line: 1}, text); got != text {
		t.Errorf("JSON: %s", got)
	}
	want := `set wipe_table or size_mib (not "wipeTable" of "/aB"), ignition.config.merge[0].http_headers, unknownWord`
	if got := InUserSyntax(Origin{Line: 1, Butane: true}, text); got != want {
		t.Errorf("Butane: %s", got)
	}
}
