package system

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// messages collects what is logged.
type messages struct {
	mu   sync.Mutex
	text strings.Builder
}

func (m *messages) Debug(text string, _ ...string) { m.add(text) }
func (m *messages) Warn(text string, _ ...string)  { m.add(text) }

func (m *messages) Waited(what string, _ time.Time) { m.add("waited for " + what) }

func (m *messages) add(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text.WriteString(text + "\n")
}

func (m *messages) all() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

// agentTest makes this test program an agent: it runs what stands in its value.
const agentTest = "FIRSTLIGHT_TEST_AGENT"

func TestMain(m *testing.M) {
	if script := os.Getenv(agentTest); script != "" {
		var inherit *os.File
		if dir := os.Getenv("LOCKED"); dir != "" {
			inherit, _ = LockDirectory(context.Background(), dir, time.Minute, nil)
		}
		Exec{Log: silent{}, Inherit: inherit}.Run(context.Background(), Command{Name: "sh", Args: []string{"-c", script}})
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// startAgent starts an agent that runs a script, and returns when the script has
// written its own PID.
func startAgent(t *testing.T, locked, script string) (agent *exec.Cmd, pid int) {
	t.Helper()
	at := t.TempDir() + "/pid"
	agent = exec.Command(os.Args[0])
	agent.Env = append(os.Environ(), agentTest+"=echo $$ > "+at+".new; mv "+at+".new "+at+"; "+script, "LOCKED="+locked)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Process.Kill(); agent.Wait() })
	eventually(t, "the script runs", func() bool {
		text, err := os.ReadFile(at)
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err == nil
	})
	return agent, pid
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute: %s", what)
		}
	}
}

func TestProgramsEndWithTheAgent(t *testing.T) {
	agent, pid := startAgent(t, "", "while :; do sleep 1; done")
	agent.Process.Kill()
	agent.Wait()
	eventually(t, "the script has ended", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
}

func TestLockIsHeldUntilTheLastProgramOfAKilledAgentHasEnded(t *testing.T) {
	dir := t.TempDir()
	// The grandchild outlives the agent: the signal is for its child only.
	agent, pid := startAgent(t, dir, "sleep 300 & echo $! > "+dir+"/left.new; mv "+dir+"/left.new "+dir+"/left; wait")
	eventually(t, "the grandchild runs", func() bool { return Exists(dir + "/left") })
	agent.Process.Kill()
	agent.Wait()
	eventually(t, "the script has ended", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	_, err := LockDirectory(t.Context(), dir, time.Second, nil)
	if err == nil || !strings.Contains(err.Error(), "another instance has been at work: sleep (PID ") {
		t.Fatalf("got %v", err)
	}
	text, err := os.ReadFile(dir + "/left")
	if err != nil {
		t.Fatal(err)
	}
	left, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(left, syscall.SIGKILL)
	f, err := LockDirectory(t.Context(), dir, time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestProcessThatKeepsTheOutputIsNotWaitedFor(t *testing.T) {
	log := new(messages)
	at := t.TempDir() + "/pid"
	out, err := Exec{Log: log}.Run(t.Context(), Command{Name: "sh", Args: []string{"-c", "echo done; sleep 600 & echo $! > " + at}})
	if err != nil || string(out) != "done\n" || !strings.Contains(log.all(), "sh has ended, but a process that it has started goes on") {
		t.Errorf("got %q, %v, and the log\n%s", out, err, log.all())
	}
	text, _ := os.ReadFile(at)
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

func TestProgramThatTakesLongIsWarnedOf(t *testing.T) {
	log := new(messages)
	if _, err := (Exec{Log: log}).Run(t.Context(), Command{Name: "sleep", Args: []string{"11"}}); err != nil {
		t.Fatal(err)
	}
	if got := log.all(); !strings.Contains(got, "waiting for sleep (PID ") || !strings.Contains(got, ", for 10s so far") || !strings.HasSuffix(got, "waited for sleep\n") {
		t.Errorf("the log is\n%s", got)
	}
}
