package stages

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
	"github.com/firstlight-os/firstlight/internal/tpm"
)

// measuring is a bench with a TPM, and reads its PCR.
func measuring(t *testing.T, cfg string) (b *bench, value func() string) {
	dial := testkit.TPM(t)
	b = newBench(t, cfg)
	b.write("image/usr/distribution.conf", "MEASURE=yes\n")
	b.opts.TPM = func() (io.ReadWriteCloser, error) { return dial() }
	return b, func() string {
		t.Helper()
		device, err := dial()
		testkit.NoError(t, err)
		defer device.Close()
		v, err := tpm.New(device).Value(sha256Bank())
		testkit.NoError(t, err)
		return hex.EncodeToString(v)
	}
}

func sha256Bank() tpm.Bank { return tpm.Banks[1] }

// predicted is the value of a PCR into which configs were measured.
func predicted(texts ...string) string {
	value := make([]byte, sha256Bank().Size())
	for _, text := range texts {
		value = sha256Bank().Extended(value, sha256Bank().Digest([]byte(text)))
	}
	return hex.EncodeToString(value)
}

func TestConfigsAreMeasuredInTheOrderInWhichTheyAreRead(t *testing.T) {
	grandchild := `{` + version + `}`
	child := `{"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "data:;base64,` + testkit.Base64(grandchild) + `"}]}}}`
	packed := testkit.Gzip(child)
	last := `{` + version + `, "storage": {"files": [{"path": "/f"}]}}`
	url := server(t, map[string]string{"/child.ign.gz": packed, "/last.ign": last})
	user := `{"ignition": {"version": "3.4.0", "config": {"merge": [
		{"source": "` + url + `/child.ign.gz", "compression": "gzip"}, {"source": "` + url + `/last.ign"}]}}}`
	b, value := measuring(t, user)
	b.write("image/usr/base.d/1.ign", `{`+version+`}`) // is measured with the image

	// Without a network the first config is read, and no other.
	b.must("fetch-offline")
	testkit.Equal(t, "offline", value(), predicted(user))
	b.must("fetch")
	want := predicted(user, packed, grandchild, last)
	testkit.Equal(t, "all", value(), want)
	b.must("fetch", "kargs", "disks", "mount", "files")
	testkit.Equal(t, "repeated", value(), want)

	lines := strings.Split(strings.TrimSpace(b.read("run/ignition/measurements.json")), "\n")
	testkit.Equal(t, "events", len(lines), 4)
	for i, text := range []string{user, packed, grandchild, last} {
		var event measurement
		testkit.NoError(t, json.Unmarshal([]byte(lines[i]), &event))
		testkit.Equal(t, "bytes", event.Bytes, len(text))
		testkit.Equal(t, "PCR", event.PCR, 12)
		testkit.Contains(t, "event", lines[i], `{"algorithm":"sha256","digest":"`+hex.EncodeToString(sha256Bank().Digest([]byte(text)))+`"}`)
	}
	testkit.Contains(t, "events", lines[1], `"config":"config from `+url+`/child.ign.gz"`)
	b.says("the config from " + url + "/last.ign was measured into PCR 12")

	// What a server has changed in the meantime is measured, too.
	b.write("user.ign", last+" ")
	b.must("fetch")
	testkit.Equal(t, "changed", value(), predicted(user, packed, grandchild, last, last+" "))
}

// What was refused was not read.
func TestConfigsAreMeasuredWithTheirSignature(t *testing.T) {
	b, value := measuring(t, signedConfig)
	sign := b.trustKey()
	b.refuses("fetch-offline", "is not signed")
	testkit.Equal(t, "refused", value(), strings.Repeat("0", 64))
	text := sign(signedConfig) + signedConfig
	b.write("user.ign", text)
	b.must("fetch-offline")
	testkit.Equal(t, "accepted", value(), predicted(text))
}

func TestWhetherConfigsAreMeasured(t *testing.T) {
	for name, c := range map[string]struct {
		setting, argument string
		measured          bool
	}{
		"by default not":             {"", "", false},
		"as the image wants it":      {"MEASURE=yes\n", "", true},
		"as it must be":              {"MEASURE=required\n", "", true},
		"as the command line has it": {"", "firstlight.measure=yes", true},
		"against the image":          {"MEASURE=required\n", "firstlight.measure=no", false},
		"not where a boot plans":     {"MEASURE=yes\n", "firstlight.plan=1", false},
	} {
		t.Run(name, func(t *testing.T) {
			b, value := measuring(t, signedConfig)
			b.write("image/usr/distribution.conf", c.setting)
			b.write("cmdline", c.argument)
			b.must("fetch-offline")
			testkit.Equal(t, "measured", value() != strings.Repeat("0", 64), c.measured)
		})
	}
	b, _ := measuring(t, signedConfig)
	b.write("cmdline", "firstlight.measure=1")
	b.refuses("fetch-offline", "the kernel argument firstlight.measure=1 should be no, yes or required")
}

// A broken TPM answers nothing.
type brokenTPM struct{ io.ReadWriteCloser }

func (brokenTPM) Write(p []byte) (int, error) { return 0, errors.New("input/output error") }
func (brokenTPM) Close() error                { return nil }

func TestATPMThatFailsStopsTheBoot(t *testing.T) {
	b, _ := measuring(t, signedConfig)
	b.opts.TPM = func() (io.ReadWriteCloser, error) { return brokenTPM{}, nil }
	b.refuses("fetch-offline", "measuring the user config (", "sending the TPM a command: input/output error",
		"check the TPM in the setup of the machine's firmware; the kernel argument firstlight.measure=no boots without measuring")
	b.opts.TPM = func() (io.ReadWriteCloser, error) { return nil, errors.New("permission denied") }
	b.refuses("fetch-offline", "measuring the user config (", "permission denied")
	testkit.Equal(t, "measurements", system.Exists(b.path("run/ignition/measurements.json")), false)
}

func TestAMachineWithoutATPM(t *testing.T) {
	b := newBench(t, signedConfig)
	p := &process{Options: b.opts, log: b.opts.Log}
	device, err := p.openDevice(t.Context(), b.path("none"), false)
	if device != nil || err != nil {
		t.Errorf("got %v, %v", device, err)
	}
	b.says("configs are not measured: this machine has no TPM 2.0")
	// One that should be there is waited for.
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the test is over"))
	_, err = p.openDevice(ctx, b.path("none"), true)
	testkit.ErrorContains(t, "expected", err, "waiting for the TPM ("+b.path("none")+"): the test is over")
	_, err = p.openDevice(t.Context(), b.path(""), true)
	testkit.ErrorContains(t, "no device", err, "is a directory")
}

func TestAVolumeThatNoLaterBootWouldOpen(t *testing.T) {
	for pin, refused := range map[string]bool{
		`{}`: false, `{"pcr_ids": "7"}`: false, `{"pcr_ids": "7,11", "pcr_digest": "12"}`: false, `{"pcr_ids": "112"}`: false,
		`{"pcr_ids": "7,12"}`: true, `{"pcr_ids": "12"}`: true, `{"pcr_ids": ["7", "12"]}`: true, `{"pcr_ids": 12}`: true,
		`{"t": 1, "pins": {"tpm2": [{"pcr_bank": "sha256", "pcr_ids": "7, 12"}]}}`: true,
	} {
		quoted, err := json.Marshal(pin)
		testkit.NoError(t, err)
		b, _ := measuring(t, `{"ignition": {"version": "3.6.0"}, "storage": {"luks": [{"name": "data", "device": "/dev/vdb", "clevis": {"custom": {"pin": "any", "config": `+string(quoted)+`}}}]}}`)
		if !refused {
			b.must("fetch-offline")
			continue
		}
		b.refuses("fetch-offline", `the volume "data" would be bound to PCR 12, into which the configs of this boot are measured: it would not open in any later boot`,
			"line 1, column", "(storage.luks[0].clevis.custom.config)", "use other PCRs, or boot without measuring: firstlight.measure=no")
		b.write("image/usr/distribution.conf", "")
		b.must("fetch-offline")
	}
}
