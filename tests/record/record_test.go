package record_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system/systemtest"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A receiver takes what is posted.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	r := new(receiver)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if user, password, _ := req.BasicAuth(); req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json" || err != nil ||
			req.URL.RawQuery != "token=hidden1" || user != "box" || password != "hidden2" {
			t.Errorf("the request is %s %s %v, its body has %d bytes (%v)", req.Method, req.URL, req.Header, len(body), err)
		}
		r.mu.Lock()
		r.bodies = append(r.bodies, body)
		r.mu.Unlock()
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

// argument is the kernel argument for this receiver.
func (r *receiver) argument() string {
	return "firstlight.report.url=" + strings.Replace(r.URL, "http://", "http://box:hidden2@", 1) + "/boots?token=hidden1"
}

func (r *receiver) received() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.bodies)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestRecordIsSentOnceAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config  string
		stages  []string
		outcome string
	}{
		"all is well":      {goodConfig, everyStage, report.Provisioned},
		"in one process":   {goodConfig, []string{"all"}, report.Provisioned},
		"without umount":   {goodConfig, []string{"fetch-offline", "files", "finish"}, report.Provisioned},
		"a stage fails":    {badConfig, everyStage, report.Failed},
		"in one process a": {badConfig, []string{"all"}, report.Failed},
		"a broken config":  {`{"ignition": {"version": "3.4.0"}, "storage": 5}`, []string{"fetch"}, report.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, status(http.StatusCreated))
			m := newMachine(t, c.config, r.argument())
			code, log := m.boot(c.stages...)
			if (code == 0) != (c.outcome == report.Provisioned) {
				t.Fatalf("status %d:\n%s", code, log)
			}
			got := r.received()
			if len(got) != 1 {
				t.Fatalf("%d records were sent:\n%s", len(got), log)
			}
			sent := m.parse(got[0])
			if sent.Outcome != c.outcome || !strings.Contains(string(m.record()), `"outcome":"`+c.outcome+`"`) {
				t.Errorf("sent is %+v", sent)
			}
			last := sent.Stages[len(sent.Stages)-1]
			if (len(last.Problems) > 0) != (c.outcome == report.Failed) {
				t.Errorf("the problems are %+v", last.Problems)
			}
			if strings.Contains(log+string(got[0]), "hidden") || !strings.Contains(log, "the record of this boot was sent to "+r.URL+"/boots?...") {
				t.Errorf("the log is\n%s\nsent is %s", log, got[0])
			}
		})
	}
}

// The network is asked for, although the config needs none.
func TestNetworkIsBroughtUpForTheRecord(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, status(http.StatusOK))
	for arguments, want := range map[string]bool{"": false, r.argument(): true, "firstlight.report.url=": false} {
		m := newMachine(t, goodConfig, arguments)
		if code, log := m.boot("fetch-offline"); code != 0 {
			t.Fatal(log)
		}
		if _, err := os.Stat(m.path("run/ignition/neednet")); (err == nil) != want {
			t.Errorf("with %q the network is asked for: %v, want %v", arguments, err == nil, want)
		}
	}
}

func TestKernelArgumentPrecedesTheDistributions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		argument      func(theirs, ours *receiver) string
		theirs, other int
	}{
		"none":         {func(_, _ *receiver) string { return "" }, 1, 0},
		"another":      {func(_, other *receiver) string { return other.argument() }, 0, 1},
		"switched off": {func(_, _ *receiver) string { return "firstlight.report.url=" }, 0, 0},
	} {
		theirs, other := newReceiver(t, status(http.StatusOK)), newReceiver(t, status(http.StatusOK))
		m := newMachine(t, goodConfig, c.argument(theirs, other))
		_, setting, _ := strings.Cut(theirs.argument(), "=")
		m.write("image/distribution.conf", "REPORT_URL="+setting+"\n")
		if code, log := m.boot(everyStage...); code != 0 {
			t.Fatal(log)
		}
		if got := []int{len(theirs.received()), len(other.received())}; !slices.Equal(got, []int{c.theirs, c.other}) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// A boot goes on whatever becomes of its record, and there is one warning.
func TestServersThatTakeNoRecord(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		requests int // 0 is any number
		words    []string
	}{
		"404":      {status(http.StatusNotFound), 1, []string{"the server answered 404 Not Found"}},
		"redirect": {http.RedirectHandler("http://"+closed.Addr().String()+"/", http.StatusTemporaryRedirect).ServeHTTP, 1, []string{"the server answered 307 Temporary Redirect"}},
		"500":      {status(http.StatusInternalServerError), 0, []string{"its time limit was reached", "the server answered 500 Internal Server Error"}},
		"silence": {func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}, 1, []string{"its time limit was reached"}},
		"down": {nil, 0, []string{"its time limit was reached", "refuses the connection"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, c.answer)
			argument := r.argument()
			if c.answer == nil {
				r.Close()
			}
			m := newMachine(t, goodConfig, argument)
			code, log := m.boot(everyStage...)
			if code != 0 {
				t.Fatalf("the boot has failed:\n%s", log)
			}
			found := warnings(log)
			if len(found) != 1 || !strings.HasPrefix(found[0], "WARNING  : umount: sending the record of this boot to "+r.URL+"/boots?...: ") {
				t.Errorf("the warnings are %q", found)
			}
			for _, word := range c.words {
				if !strings.Contains(log, word) {
					t.Errorf("%q is not in\n%s", word, log)
				}
			}
			if got := len(r.received()); c.requests > 0 && got != c.requests {
				t.Errorf("%d requests, want %d", got, c.requests)
			}
			if strings.Contains(log, "hidden") {
				t.Errorf("the log shows a secret:\n%s", log)
			}
		})
	}
}

func TestWrongURLsAreWarnings(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"ftp://h/x", "http://", "nonsense", "http://h:x/", "data:,x"} {
		m := newMachine(t, goodConfig, "firstlight.report.url="+url)
		code, log := m.boot(everyStage...)
		if found := warnings(log); code != 0 || len(found) != 1 || !strings.Contains(found[0], "this is not a URL of http or https") {
			t.Errorf("%s: status %d, warnings %q", url, code, found)
		}
	}
}

// port makes a port. The tests that have one do not run beside others.
func port(t *testing.T) *os.File {
	t.Helper()
	const name = ports + "/dev.firstlight.report"
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(name) })
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestPortGetsTheRecord(t *testing.T) {
	f := port(t)
	for config, outcome := range map[string]string{goodConfig: report.Provisioned, badConfig: report.Failed} {
		m := newMachine(t, config, "")
		_, log := m.boot(everyStage...)
		text := make([]byte, 64<<10)
		n, err := f.Read(text)
		if err != nil || !bytes.HasSuffix(text[:n], []byte("}\n")) || bytes.Count(text[:n], []byte("\n")) != 1 || m.parse(text[:n]).Outcome != outcome {
			t.Errorf("%v, %q\n%s", err, text[:n], log)
		}
		if found := warnings(log); len(found) > 0 {
			t.Errorf("the warnings are %q", found)
		}
	}
}

func TestPortThatNobodyReadsIsAWarning(t *testing.T) {
	f := port(t)
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, goodConfig, "")
	code, log := m.boot(everyStage...)
	if found := warnings(log); code != 0 || len(found) != 1 || !strings.HasSuffix(found[0], "dev.firstlight.report: nobody has read it for 8s") {
		t.Errorf("status %d, warnings %q", code, found)
	}
}

// What stops a boot may be a unit of another program; the emergency hook calls this then.
// (No other test runs meanwhile: there is one systemd for all of them.)
func TestFailureOfAnotherUnitIsSent(t *testing.T) {
	r := newReceiver(t, status(http.StatusNoContent))
	m := newMachine(t, goodConfig, r.argument())
	if code, log := m.agent("--send-record"); code != 0 || log != "" {
		t.Errorf("before the first stage: status %d\n%s", code, log)
	}
	m.boot("fetch-offline", "files")
	m.program("systemctl", `echo "ostree-x.service loaded failed failed An operation"`)
	isEmergency(t)
	if code, log := m.boot("umount"); code != 0 || len(r.received()) > 0 {
		t.Fatalf("status %d, %d records were sent\n%s", code, len(r.received()), log)
	}
	for range 2 {
		if code, log := m.agent("--send-record"); code != 0 || strings.Contains(log, "WARNING") {
			t.Errorf("status %d\n%s", code, log)
		}
	}
	got := r.received()
	if len(got) != 1 {
		t.Fatalf("%d records were sent", len(got))
	}
	sent := m.parse(got[0])
	if sent.Outcome != report.Failed || !slices.Equal(sent.Units, []string{"ostree-x.service"}) || len(sent.Stages) != 3 {
		t.Errorf("got %+v", sent)
	}
	kept, err := os.ReadFile(m.path("root/var/log/firstlight/" + sent.Boot + ".json"))
	if err != nil || !bytes.Equal(kept, got[0]) || !bytes.Equal(m.record(), got[0]) {
		t.Errorf("kept is %s (%v), and sent %s", kept, err, got[0])
	}
}

// isEmergency is what systemd says of its emergency shell, as long as a test runs.
func isEmergency(t *testing.T) {
	socket := systemtest.Systemd(t, systemtest.Unit{Name: "emergency.service", State: "active"})
	testkit.NoError(t, os.Symlink(socket, systemdSocket))
	t.Cleanup(func() { os.Remove(systemdSocket) })
}

func TestFailureOfAStageIsNotSentAgain(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, status(http.StatusOK))
	m := newMachine(t, badConfig, r.argument())
	m.boot(everyStage...)
	m.boot("umount") // as systemd does
	if code, log := m.agent("--send-record"); code != 0 || len(r.received()) != 1 {
		t.Errorf("status %d, %d records were sent\n%s", code, len(r.received()), log)
	}
}

// A link of the image leads into the new system, not to what is mounted here.
func TestLinkAtBootLeadsNowhere(t *testing.T) {
	outside := t.TempDir()
	if err := unix.Mount("tmpfs", outside, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(outside, 0) })
	m := newMachine(t, badConfig, "")
	err := errors.Join(os.RemoveAll(m.path("root/var")), os.Symlink(outside, m.path("root/boot")))
	if err != nil {
		t.Fatal(err)
	}
	_, log := m.boot(everyStage...)
	if found, err := os.ReadDir(outside); err != nil || len(found) > 0 {
		t.Errorf("outside is %v (%v)\n%s", found, err, log)
	}
}

// A root without logs may have a boot filesystem that the distribution has mounted.
func TestRecordOfAFailureGoesToTheBootFilesystem(t *testing.T) {
	for name, c := range map[string]struct {
		mount bool
		flags uintptr
		logs  bool
		want  string
	}{
		"mounted":     {true, 0, false, "root/boot/firstlight"},
		"with logs":   {true, 0, true, "root/var/log/firstlight"},
		"read-only":   {true, unix.MS_RDONLY, false, ""},
		"a directory": {false, 0, false, ""},
	} {
		m := newMachine(t, badConfig, "")
		if !c.logs {
			if err := os.RemoveAll(m.path("root/var")); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(m.path("root/boot"), 0o755); err != nil {
			t.Fatal(err)
		}
		if c.mount {
			if err := unix.Mount("tmpfs", m.path("root/boot"), "tmpfs", c.flags, ""); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { unix.Unmount(m.path("root/boot"), 0) })
		}
		_, log := m.boot(everyStage...)
		if found := warnings(log); len(found) > 0 {
			t.Errorf("%s: the warnings are %q", name, found)
		}
		for _, dir := range []string{"root/boot/firstlight", "root/var/log/firstlight"} {
			kept, err := os.ReadFile(m.path(dir + "/" + m.parse(m.record()).Boot + ".json"))
			if dir == c.want && (err != nil || m.parse(kept).Outcome != report.Failed) || dir != c.want && err == nil {
				t.Errorf("%s: in %s is %q (%v), want it in %q", name, dir, kept, err, c.want)
			}
		}
	}
}
