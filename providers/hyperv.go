package providers

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/firstlight-os/firstlight/internal/hypervisor"
	"github.com/firstlight-os/firstlight/internal/report"
)

// Platform hyperv: key-value pairs of Hyper-V's data exchange, set on the host.
// Values are short, so a config comes as ignition.config.0, .1 and so on.
// https://learn.microsoft.com/virtualization/hyper-v-on-windows/reference/integration-services
const (
	kvpDevice    = "/dev/vmbus/hv_kvp"
	kvpConfigKey = "ignition.config"
)

func fetchHyperV(ctx context.Context, env *Env) (*UserData, error) {
	text, err := readOnce(env, "hyperv", func() ([]byte, error) { return readKVP(ctx, env, deviceLimit) })
	if err != nil {
		return nil, &report.Error{Doing: "reading the key-value pairs of Hyper-V", Err: err,
			Hint: "check that the service Data Exchange is on for this machine, that the initramfs has the module hv_utils, and that no hv_kvp_daemon runs before this stage"}
	}
	pairs := hypervisor.KVP(text)
	raw := &UserData{Text: pairs.Text(kvpConfigKey), Name: "user config (Hyper-V key-value pairs)"}
	for pool := range hypervisor.KVPPools {
		raw.Files = append(raw.Files, OutputFile{Path: fmt.Sprintf("/var/lib/hyperv/.kvp_pool_%d", pool), Text: pairs.Pool(byte(pool)), Mode: 0o600})
	}
	return raw, nil
}

// readKVP takes all pairs that the host has, which it does not say again.
func readKVP(ctx context.Context, env *Env, limit time.Duration) ([]byte, error) {
	loaded := loadDriver(ctx, env, "hv_utils", "/sys/bus/vmbus/drivers/hv_utils")
	if err := awaitNode(ctx, env, kvpDevice, limit, loaded); err != nil {
		return nil, err
	}
	return hypervisor.ReadKVP(ctx, filepath.Join(env.Root, kvpDevice))
}
