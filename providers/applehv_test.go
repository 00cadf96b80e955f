package providers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// host answers each connection with the next of its answers, and the last one
// from then on. An answer "" closes the connection without any.
func host(t *testing.T, answers ...string) func() (stream, error) {
	name := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for i := 0; ; i++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			request := make([]byte, 1024)
			n, _ := conn.Read(request)
			for _, want := range []string{"GET / HTTP/1.1\r\n", "\r\nHost: d\r\n", "\r\nAccept: application/json\r\n"} {
				if !strings.Contains(string(request[:n]), want) {
					t.Errorf("%q is not in %q", want, request[:n])
				}
			}
			fmt.Fprint(conn, answers[min(i, len(answers)-1)])
			conn.Close()
		}
	}()
	return func() (stream, error) { return net.Dial("unix", name) }
}

func answer(status, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

func TestConfigOverVsock(t *testing.T) {
	ok := answer("200 OK", "config")
	for name, answers := range map[string][]string{
		"at once":    {ok},
		"by chunks":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ncon\r\n3\r\nfig\r\n0\r\n\r\n"},
		"busy first": {answer("503 Service Unavailable", "not yet"), answer("429 Slow down", ""), ok},
		"cut first":  {ok[:len(ok)-2], "HTTP/1.1 200", "", ok},
	} {
		env := newEnv(t)
		env.Timeout = time.Minute
		t.Run(name, func(t *testing.T) {
			gives(t, "config")(fetchVsock(context.Background(), env, host(t, answers...)))
		})
		if got := env.Run.(*systemtest.Recorder).Lines(); len(got) != 1 || got[0] != "modprobe vsock" {
			t.Errorf("ran %q", got)
		}
	}
	gives(t, "")(fetchVsock(context.Background(), newEnv(t), host(t, "HTTP/1.1 204 No Content\r\n\r\n")))
}

func TestVsockDriverThatComesLate(t *testing.T) {
	env, log := newLoggedEnv(t)
	env.Timeout = time.Minute
	dial, calls := host(t, answer("200 OK", "config")), 0
	late := []error{syscall.EAFNOSUPPORT, syscall.ENODEV, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ETIMEDOUT}
	gives(t, "config")(fetchVsock(context.Background(), env, func() (stream, error) {
		if calls++; calls <= len(late) {
			return nil, late[calls-1]
		}
		return dial()
	}))
	if calls != 6 {
		t.Errorf("dialled %d times, said %q", calls, log)
	}
}

func TestVsockThatDoesNotAnswerIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env, log := newLoggedEnv(t)
		env.Timeout = time.Minute
		env.Run = &systemtest.Recorder{Answers: map[string]systemtest.Answer{"modprobe": {Err: errors.New("exit status 1"), Stdout: "not found"}}}
		_, err := fetchVsock(t.Context(), env, func() (stream, error) { return nil, syscall.ENODEV })
		says(t, err, "asking the hypervisor for the config (vsock port 1024)", "the hypervisor's answer has not appeared within 1m0s",
			"the last error: no such device", "modprobe: not found", "check vfkit's --ignition=CONFIG")
		testkit.Contains(t, "the log", log.String(), "WARNING  : waiting for the hypervisor's answer")
		_, err = fetchVsock(t.Context(), env, func() (stream, error) {
			silent, _ := net.Pipe()
			return silent, nil
		})
		says(t, err, "has not appeared within", "i/o timeout")
	})
}

func TestVsockAnswerThatIsNoConfigIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		answer("404 Not Found", "a page"): "it answered with HTTP status 404 instead of a config",
		answer("302 Found", ""):           "it answered with HTTP status 302 instead of a config",
		"SSH-2.0-x\r\n":                   "malformed HTTP",
	} {
		_, err := fetchVsock(context.Background(), newEnv(t), host(t, text))
		says(t, err, want)
	}
}
