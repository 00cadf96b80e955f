package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/tests/counters/counter"
)

// stages are those of a first boot, as systemd runs them.
var stages = []string{"fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount"}

// A content is how many things a config has.
type content struct{ files, links, units, remote int }

// someContent is the config that stages are compared by, and step what is added to find out
// what one thing costs.
var someContent = content{files: 100, links: 20, units: 10, remote: 20}

const step = 200

// measure runs a first boot in several ways.
func measure(ctx context.Context, agent, dir string) ([]counter.Counter, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	var requests atomic.Int64
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // ends with the listener
		requests.Add(1)
		fmt.Fprintln(w, "contents")
	}))
	b := boots{agent: agent, dir: dir, url: "http://" + listener.Addr().String()}
	var all []counter.Counter
	plain, err := b.boot(ctx, someContent, false)
	if err != nil {
		return nil, err
	}
	all = append(all, counter.Counter{Name: "20 remote files, requests", Value: int(requests.Load())})
	traced, err := b.boot(ctx, someContent, true)
	if err != nil {
		return nil, err
	}
	for i, name := range stages {
		all = append(all, counter.Counter{Name: name + ", programs started", Value: traced[i].programs},
			counter.Counter{Name: name + ", bytes read", Value: plain[i].read}, counter.Counter{Name: name + ", KiB of memory", Value: plain[i].memory})
	}
	for _, more := range []struct {
		name string
		content
	}{{"a file", content{files: step}}, {"a link", content{links: step}}, {"a unit", content{units: step}}} {
		few, err := b.boot(ctx, more.times(1), true)
		if err != nil {
			return nil, err
		}
		many, err := b.boot(ctx, more.times(2), true)
		if err != nil {
			return nil, err
		}
		for i, name := range stages {
			if name == "fetch" || name == "files" {
				each := (many[i].calls - few[i].calls + step/2) / step
				all = append(all, counter.Counter{Name: name + ", system calls for " + more.name, Value: each})
			}
		}
	}
	return all, nil
}

func (c content) times(n int) content {
	return content{c.files * n, c.links * n, c.units * n, c.remote * n}
}

func (c content) config(url string) string {
	var files, links, units []string
	for i := range c.files {
		files = append(files, fmt.Sprintf(`{"path": "/etc/d%d/f%d", "contents": {"source": "data:,hello"}}`, i%10, i))
	}
	for i := range c.remote {
		files = append(files, fmt.Sprintf(`{"path": "/etc/remote/f%d", "contents": {"source": "%s/f%d"}}`, i, url, i))
	}
	for i := range c.links {
		links = append(links, fmt.Sprintf(`{"path": "/etc/links/l%d", "target": "/etc/passwd"}`, i))
	}
	for i := range c.units {
		units = append(units, fmt.Sprintf(`{"name": "u%d.service", "enabled": true, "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}`, i))
	}
	return fmt.Sprintf(`{"ignition": {"version": "3.4.0"}, "storage": {"files": [%s], "links": [%s]}, "systemd": {"units": [%s]}}`,
		strings.Join(files, ", "), strings.Join(links, ", "), strings.Join(units, ", "))
}

// A cost is that of one stage.
type cost struct {
	calls, programs int // if it is traced
	read, memory    int // else: bytes, and KiB
}

// boots are first boots of machines.
type boots struct {
	agent, dir, url string
	count           int
}

// boot runs all stages.
func (b *boots) boot(ctx context.Context, c content, traced bool) ([]cost, error) {
	b.count++
	dir := filepath.Join(b.dir, fmt.Sprint("boot", b.count))
	for name, text := range map[string]string{
		"root/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
		"root/etc/group":  "root:x:0:\n",
		"config.ign":      c.config(b.url),
		"cmdline":         "",
		"image/none":      "",
	} {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	var costs []cost
	for _, name := range stages {
		c, err := b.stage(ctx, dir, name, traced)
		if err != nil {
			return nil, err
		}
		costs = append(costs, c)
	}
	return costs, nil
}

func (b *boots) stage(ctx context.Context, dir, name string, traced bool) (c cost, err error) {
	in := func(name string) string { return filepath.Join(dir, name) }
	argv := []string{b.agent, "-stage=" + name, "-platform=file", "-log-to-stdout", "-root=" + in("root"), "-config-cache=" + in("run/cache"),
		"-state-file=" + in("run/state"), "-neednet=" + in("run/neednet")}
	if traced {
		argv = append([]string{"strace", "-f", "-c", "-o", in("calls")}, argv...)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "IGNITION_CONFIG_FILE="+in("config.ign"), "IGNITION_KERNEL_CMDLINE_PATH="+in("cmdline"), "IGNITION_SYSTEM_CONFIG_DIR="+in("image"),
		"IGNITION_SYSTEM_LOCAL_CONFIG_DIR="+in("image"), "IGNITION_SYSTEM_RUNTIME_CONFIG_DIR="+in("image"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		return c, err
	}
	// Dead, it still has its figures until somebody waits for it.
	deadErr := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
	figures, readErr := os.ReadFile(fmt.Sprintf("/proc/%d/io", cmd.Process.Pid))
	if err := cmd.Wait(); err != nil {
		return c, fmt.Errorf("stage %s: %w\n%s", name, err, out.Bytes())
	}
	if err := errors.Join(deadErr, readErr); err != nil {
		return c, err
	}
	if traced {
		text, err := os.ReadFile(in("calls"))
		if err != nil {
			return c, err
		}
		c.calls, c.programs, err = parseCalls(string(text))
		return c, err
	}
	c.memory = int(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	_, err = fmt.Sscanf(string(figures), "rchar: %d", &c.read)
	return c, err
}

// schedulers are the system calls of Go's scheduler and memory.
var schedulers = map[string]bool{
	"futex": true, "epoll_pwait": true, "epoll_ctl": true, "epoll_create1": true, "nanosleep": true, "sched_yield": true, "sched_getaffinity": true,
	"clone": true, "clone3": true, "tgkill": true, "getpid": true, "gettid": true, "rt_sigaction": true, "rt_sigprocmask": true, "rt_sigreturn": true,
	"sigaltstack": true, "madvise": true, "mmap": true, "munmap": true, "mprotect": true, "exit": true, "exit_group": true, "restart_syscall": true,
	"timer_create": true, "timer_settime": true, "timer_delete": true, "set_robust_list": true, "rseq": true, "eventfd2": true, "prctl": true,
}

// parseCalls reads the table of "strace -c": how many system calls there were, and how many
// programs they started, without the traced one.
func parseCalls(table string) (calls, programs int, err error) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 || fields[len(fields)-1] == "total" {
			continue
		}
		n, err := strconv.Atoi(fields[3])
		if err != nil {
			continue // the head
		}
		name := fields[len(fields)-1]
		if !schedulers[name] {
			calls += n
		}
		if name == "execve" {
			programs += n
			if len(fields) == 6 { // some have failed
				failed, err := strconv.Atoi(fields[4])
				if err != nil {
					return 0, 0, fmt.Errorf("reading strace's %q: %w", line, err)
				}
				programs -= failed
			}
		}
	}
	if programs == 0 {
		return 0, 0, fmt.Errorf("strace has not seen the agent start:\n%s", table)
	}
	return calls, programs - 1, nil
}
