package providers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/http"
	"github.com/firstlight-os/firstlight/internal/hypervisor"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Platform applehv: Apple's hypervisor framework by vfkit, which serves the
// config over HTTP on a vsock port of the host.
// https://github.com/crc-org/vfkit/blob/main/doc/usage.md
const (
	appleHVPort = 1024
	// appleHVLimit is for the wait where the stage's timeout is 0.
	appleHVLimit = 5 * time.Minute
)

func fetchAppleHV(ctx context.Context, env *Env) (*UserData, error) {
	return fetchVsock(ctx, env, func() (stream, error) { return hypervisor.DialVsock(unix.VMADDR_CID_HOST, appleHVPort) })
}

// A stream is what a net.Conn and a vsock's *os.File have in common.
type stream interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// fetchVsock asks until there is an answer: the driver that carries the stream,
// and the server on the host, may come later than we do.
func fetchVsock(ctx context.Context, env *Env, dial func() (stream, error)) (*UserData, error) {
	loaded := loadDriver(ctx, env, "vsock", "/sys/devices/virtual/misc/vsock")
	limit := env.Timeout
	if limit == 0 {
		limit = appleHVLimit
	}
	deadline := time.Now().Add(limit)
	var text []byte
	err := env.wait("the hypervisor's answer", "", limit).Until(ctx, func() (state string, done bool, err error) {
		text, err = askVsock(dial, deadline)
		if isTransientVsock(err) {
			return fmt.Sprintf("the last error: %v", err), false, nil
		}
		return "", err == nil, err
	})
	if err != nil {
		return nil, &report.Error{Doing: fmt.Sprintf("asking the hypervisor for the config (vsock port %d)", appleHVPort), Err: withCause(err, loaded),
			Hint: "check vfkit's --ignition=CONFIG on the host, and that the initramfs has the modules vsock and vmw_vsock_virtio_transport"}
	}
	return &UserData{Text: text, Name: "user config (from the hypervisor by vsock)"}, nil
}

// isTransientVsock reports whether a host or a driver may only not be there yet.
func isTransientVsock(err error) bool {
	for _, e := range []error{errBusyHost, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded,
		syscall.EAFNOSUPPORT, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.EINTR,
		syscall.ENETUNREACH, syscall.ENODEV, syscall.EPIPE, syscall.ETIMEDOUT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// errBusyHost is a status that may be another one later.
var errBusyHost = errors.New("it is busy")

func askVsock(dial func() (stream, error), deadline time.Time) ([]byte, error) {
	conn, err := dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// A host that goes silent is asked again, as one that does not answer.
	const silence = 30 * time.Second
	if soon := time.Now().Add(silence); soon.Before(deadline) {
		deadline = soon
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: d\r\nUser-Agent: "+system.UserAgent()+"\r\nAccept: application/json\r\nConnection: close\r\n\r\n"); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, int64(config.CurrentLimit().Bytes))))
	if err != nil {
		return nil, err
	}
	switch status := answer.StatusCode; {
	case status == http.StatusOK, status == http.StatusNoContent:
		return io.ReadAll(answer.Body)
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return nil, fmt.Errorf("%w: it answered with HTTP status %d", errBusyHost, status)
	default:
		return nil, fmt.Errorf("it answered with HTTP status %d instead of a config", status)
	}
}
