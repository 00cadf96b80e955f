package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// The kernel's TPM has the config that the agent has read, once. (It is here as one of the
// machines of the lab has a TPM.)
func TestConfigsAreMeasuredIntoTheKernelsTPM(t *testing.T) {
	b := newBoot(t, `{"ignition": {"version": "3.4.0"}}`)
	text, err := os.ReadFile(b.path("config.ign"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.path("cmdline"), []byte("firstlight.measure=required\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.env = append(b.env, "IGNITION_KERNEL_CMDLINE_PATH="+b.path("cmdline"))
	value, err := hex.DecodeString(pcr(t))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(text)
	want := sha256.Sum256(append(value, digest[:]...))
	for range 2 {
		b.must("fetch-offline")
		if got := pcr(t); !strings.EqualFold(got, hex.EncodeToString(want[:])) {
			t.Errorf("got %s, want %x", got, want)
		}
	}
}

func pcr(t *testing.T) string { return run(t, "cat", "/sys/class/tpm/tpm0/pcr-sha256/12") }
