package stages

import (
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/json"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/tpm"
)

// checkSealing refuses volumes that clevis would bind to the PCR that this boot measures
// into: it has another value in all later ones, in which they would stay closed.
func (p *process) checkSealing(cfg *config.Config) error {
	wanted, err := p.wantsMeasuring()
	if err != nil || wanted == "no" {
		return err
	}
	for i := range cfg.Storage.Luks {
		custom := &cfg.Storage.Luks[i].Clevis.Custom
		var pin any
		if json.Unmarshal([]byte(config.ValueOr(custom.Config, "")), &pin) == nil && usesPCR(pin) {
			return report.Conflict(custom.Origin("config"), fmt.Sprintf("use other PCRs, or boot without measuring: %s=no", measureArgument),
				"the volume %q would be bound to PCR %d, into which the configs of this boot are measured: it would not open in any later boot", cfg.Storage.Luks[i].Name, tpm.PCR)
		}
	}
	return nil
}

// usesPCR looks for the PCR in the config of a pin of clevis, which can have others in it.
func usesPCR(pin any) bool {
	switch pin := pin.(type) {
	case []any:
		for _, p := range pin {
			if usesPCR(p) {
				return true
			}
		}
	case map[string]any:
		for name, value := range pin {
			if name == "pcr_ids" && hasPCR(fmt.Sprint(value)) || usesPCR(value) {
				return true
			}
		}
	}
	return false
}

// hasPCR takes "7,12", a list of such, and a number.
func hasPCR(list string) bool {
	for _, id := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune("[], ", r) }) {
		if id == fmt.Sprint(tpm.PCR) {
			return true
		}
	}
	return false
}
