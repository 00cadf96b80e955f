package providers

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/report"
)

// Platform hyperv: key-value pairs of Hyper-V's data exchange, set on the host.
// Values are short, so a config comes as ignition.config.0, .1 and so on.
// https://learn.microsoft.com/virtualization/hyper-v-on-windows/reference/integration-services
const (
	kvpDevice    = "/dev/vmbus/hv_kvp"
	kvpConfigKey = "ignition.config"
	// kvpSilence is what the host says by: that was all.
	kvpSilence = time.Second
	// kvpMost is how many messages are taken; a host has far less to say.
	kvpMost = 1 << 16
)

func fetchHyperV(ctx context.Context, env *Env) (*UserData, error) {
	text, err := readOnce(env, "hyperv", func() ([]byte, error) { return readKVP(ctx, env, deviceLimit) })
	if err != nil {
		return nil, &report.Error{Doing: "reading the key-value pairs of Hyper-V", Err: err,
			Hint: "check that the service Data Exchange is on for this machine, that the initramfs has the module hv_utils, and that no hv_kvp_daemon runs before this stage"}
	}
	pairs := kvpPairs(text)
	raw := &UserData{Text: pairs.config(), Name: "user config (Hyper-V key-value pairs)"}
	for pool := range kvpPools {
		raw.Files = append(raw.Files, OutputFile{Path: fmt.Sprintf("/var/lib/hyperv/.kvp_pool_%d", pool), Text: pairs.pool(byte(pool)), Mode: 0o600})
	}
	return raw, nil
}

// readKVP takes all pairs that the host has, which it does not say again.
func readKVP(ctx context.Context, env *Env, limit time.Duration) ([]byte, error) {
	loaded := loadDriver(ctx, env, "hv_utils", "/sys/bus/vmbus/drivers/hv_utils")
	if err := awaitNode(ctx, env, kvpDevice, limit, loaded); err != nil {
		return nil, err
	}
	fd, err := unix.Open(filepath.Join(env.Root, kvpDevice), unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", kvpDevice, err)
	}
	defer unix.Close(fd)
	return exchangeKVP(ctx, fd, kvpSilence)
}

// exchangeKVP is the part of the daemon: it registers, then takes what it is told
// until nothing comes any more.
func exchangeKVP(ctx context.Context, fd int, silence time.Duration) (kvpPairs, error) {
	var message [kvpMessage]byte
	message[0] = kvpRegister
	if _, err := unix.Write(fd, message[:]); err != nil {
		return nil, fmt.Errorf("registering with the host: %w", err)
	}
	var pairs kvpPairs
	for range kvpMost {
		there, err := readable(ctx, fd, silence)
		if !there || err != nil {
			return pairs, err
		}
		n, err := unix.Read(fd, message[:])
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			continue
		case err != nil:
			return nil, fmt.Errorf("reading a message of the host: %w", err)
		case n != kvpMessage:
			return nil, fmt.Errorf("a message of the host has %d bytes, not %d", n, kvpMessage)
		}
		answer, pair := answerKVP(message[:])
		pairs = append(pairs, pair...)
		if answer == nil {
			continue
		}
		if _, err := unix.Write(fd, answer); err != nil {
			return nil, fmt.Errorf("answering the host: %w", err)
		}
	}
	return nil, fmt.Errorf("the host has not ended after %d messages", kvpMost)
}

// readable waits for a message, but not for long.
func readable(ctx context.Context, fd int, silence time.Duration) (bool, error) {
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(silence.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			err = fmt.Errorf("waiting for a message of the host: %w", err)
		}
		return n > 0, err
	}
	return false, context.Cause(ctx)
}

// config is the whole config, or its pieces up to the first that is missing.
func (p kvpPairs) config() []byte {
	if whole, _ := p.value(kvpConfigKey); whole != "" {
		return []byte(whole)
	}
	var text []byte
	for i := 0; ; i++ {
		piece, there := p.value(kvpConfigKey + "." + strconv.Itoa(i))
		if !there {
			return text
		}
		text = append(text, piece...)
	}
}
