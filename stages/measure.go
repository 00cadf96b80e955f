package stages

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/tpm"
)

const (
	// measureArgument is the kernel argument that counts before the setting MEASURE.
	measureArgument = "firstlight.measure"
	// measurementsFile, beside the state, has a line for each measurement of this boot.
	measurementsFile = "measurements.json"

	tpmDevice = "/dev/tpmrm0"
	// tpmTable is there where the firmware has a TPM 2.0.
	tpmTable = "/sys/firmware/acpi/tables/TPM2"
	tpmLimit = 30 * time.Second
)

// A measurement is what a PCR was extended with: an event.
type measurement struct {
	PCR     int         `json:"pcr"`
	Digests []pcrDigest `json:"digests"`
	Config  string      `json:"config"` // its name
	Bytes   int         `json:"bytes"`
}

type pcrDigest struct {
	Algorithm string `json:"algorithm"`
	Digest    string `json:"digest"` // in hexadecimal
}

// wantsMeasuring decides whether configs are measured: no, yes, where there is a TPM, or
// required.
func (p *process) wantsMeasuring() (string, error) {
	value, given := p.env.Arguments[measureArgument]
	if !given {
		return p.settings.Value(distribution.Measure), nil
	}
	switch value {
	case "no", "yes", "required":
		return value, nil
	}
	return "", &report.Error{Err: fmt.Errorf("the kernel argument %s=%s should be no, yes or required", measureArgument, value), Hint: "fix it on the kernel command line"}
}

// measure extends the TPM's PCR with the digests of a config that is going to be read. A
// config is measured once in a boot, however often stages read it.
func (p *process) measure(ctx context.Context, raw []byte, name string) error {
	if p.env == nil || p.planOnly { // no boot, or one that changes nothing
		return nil
	}
	wanted, err := p.wantsMeasuring()
	if err != nil || wanted == "no" {
		return err
	}
	if err := p.measureNow(ctx, raw, name, wanted == "required"); err != nil {
		return &report.Error{Doing: "measuring the " + name, Err: err,
			Hint: fmt.Sprintf("check the TPM in the setup of the machine's firmware; the kernel argument %s=no boots without measuring", measureArgument)}
	}
	return nil
}

func (p *process) measureNow(ctx context.Context, raw []byte, name string, required bool) error {
	device, err := p.openTPM(ctx, required)
	if device == nil || err != nil {
		return err
	}
	defer device.Close()
	t := tpm.New(device)
	banks, others, err := t.ActiveBanks()
	if err != nil {
		return err
	}
	m := measurement{PCR: tpm.PCR, Config: system.PrintableLine(name), Bytes: len(raw)}
	for _, b := range banks {
		m.Digests = append(m.Digests, pcrDigest{b.Name, hex.EncodeToString(b.Digest(raw))})
	}
	done, err := system.ReadFile(p.beside(measurementsFile), system.KernelText)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if bytes.Contains(done, []byte(m.Digests[len(banks)-1].Digest)) {
		return nil
	}
	if len(others) > 0 {
		p.log.Warn("measuring configs: the TPM has banks of other algorithms, too, which stay as they are: " + strings.Join(others, ", "))
	}
	if err := t.Extend(banks, raw); err != nil {
		return err
	}
	p.log.Info(fmt.Sprintf("the %s was measured into PCR %d", name, tpm.PCR))
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	// If this is interrupted the config is measured twice, and the PCR is not the expected
	// one: better than a config that was read and not measured.
	return withRunHint(system.WriteFile(p.beside(measurementsFile), append(append(done, line...), '\n'), 0o600))
}

// openTPM returns nil if the machine has none, and need not have one.
func (p *process) openTPM(ctx context.Context, required bool) (io.ReadWriteCloser, error) {
	if p.TPM != nil {
		return p.TPM()
	}
	return p.openDevice(ctx, tpmDevice, required || system.Exists(tpmTable))
}

// openDevice waits for a device whose driver should come.
func (p *process) openDevice(ctx context.Context, name string, expected bool) (io.ReadWriteCloser, error) {
	wait := system.Wait{What: "the TPM (" + name + ")", Limit: tpmLimit, Wake: system.DeviceEvents(""), Every: time.Second, Warn: p.log.Warn, Waited: p.log.Waited}
	if expected {
		if err := wait.Until(ctx, func() (string, bool, error) { return "", system.Exists(name), nil }); err != nil {
			return nil, err
		}
	}
	device, err := tpm.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.log.Info("configs are not measured: this machine has no TPM 2.0")
		return nil, nil
	case err != nil:
		return nil, err
	}
	return device, nil
}
