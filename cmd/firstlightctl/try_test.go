//go:build linux && !portable

package main

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/console"
	"github.com/firstlight-os/firstlight/internal/initramfs"
	"github.com/firstlight-os/firstlight/internal/qemu"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// A fakeMachine is in the place of QEMU: a shell script that gets the arguments of QEMU
// and prints what a console would. Its directory has the files of a machine, too.
func fakeMachine(t *testing.T, script string) (tmp string) {
	t.Helper()
	useTestFiles(t)
	programs := t.TempDir()
	for name, text := range map[string]string{
		"qemu-img": `case $1 in info) echo '{"format": "raw"}' ;; dd) for last; do :; done; echo boot > "${last#of=}" ;; esac`,
		// The probe of KVM runs it as well.
		qemu.Program: `case "$*" in *isa-debug-exit*) exit 1 ;; esac; echo "$@" > ` + programs + "/arguments\n" + script,
	} {
		testkit.WriteFile(t, filepath.Join(programs, name), "#!/bin/sh\n"+text+"\n")
		testkit.NoError(t, os.Chmod(filepath.Join(programs, name), 0o755))
	}
	for _, name := range []string{"image", "kernel", "initrd"} {
		testkit.WriteFile(t, name, "")
	}
	tmp = t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	t.Setenv("ARGUMENTS", programs+"/arguments")
	return tmp
}

const provisioned = "echo 'ignition[1]: files: op(1): [finished] writing file /x'; echo 'ignition[1]: umount: umount passed'\n"

func shellBox(kind error) string {
	return "cat <<'E'\n" + failure.Box("disks", kind) + "E\n"
}

func TestTryEndsAsTheAgentDoes(t *testing.T) {
	const image, hang = "try --image image good.bu", "exec sleep 1000000"
	for name, tc := range map[string]struct {
		args, script string
		status       int
		stdout       string
		stderr       string
	}{
		"provisioned":                        {image, provisioned + hang, 0, "writing file /x\n   0 s  umount", ""},
		"provisioned, and off":               {image, provisioned, 0, "The machine was provisioned (", ""},
		"the config is to blame":             {image, shellBox(failure.ErrConfig) + hang, 4, "not provisioned: exit status 4 (", "| Firstlight could not provision this machine: the config has to be fixed"},
		"something cannot be fetched":        {image, shellBox(failure.ErrFetch), 5, "not provisioned: exit status 5 (", "| stage      disks  "},
		"the reference fails":                {image, "echo 'ignition-disks.service: Main process exited, code=exited, status=3/X'", 3, "exit status 3", "the stage disks has failed with exit status 3, and the console does not show why"},
		"panic":                              {image, "echo 'Kernel panic - not syncing: No init found'; " + hang, 1, "exit status 1", "the kernel has stopped: No init found"},
		"emergency":                          {image, "echo 'You are in emergency mode'", 1, "exit status 1", "the boot was given up, for another reason than the agent"},
		"no agent":                           {image, "printf '\\nweb1 login: '; " + hang, 1, "", "there is no agent in the image, or this was not its first boot"},
		"an agent that logs little":          {image, "echo 'Starting Ignition (files)...'; printf '\\nweb1 login: '; " + hang, 0, "The machine was provisioned", ""},
		"silence":                            {image, "", 1, "", "the machine has ended by itself, and its console shows nothing of a first boot; an image needs the kernel argument console=ttyS0"},
		"a stage without an end":             {image, "echo 'Starting Ignition (disks)...'", 1, "", "the machine has ended by itself, in the stage disks"},
		"patience":                           {"try --timeout 1ms --image image good.bu", hang, 1, "", "the boot was not over after 1ms (--timeout)"},
		"the console is shown":               {"try -v --image image good.bu", "printf 'a\\033[1mb\\n'; " + provisioned, 0, "", "ab\nignition[1]: files"},
		"QEMU fails":                         {image, "echo 'qemu: no such device' >&2; exit 1", 2, "", "running the machine: exit status 1\nfirstlightctl: qemu: no such device\n"},
		"a config with an error":             {"try --image image refused.ign", "", 4, "", "refused.ign:2:33: error: "},
		"a config that is not there":         {"try --image image none.ign", "", 2, "", "reading the config: open none.ign: no such file or directory"},
		"no image":                           {"try good.ign", "", 2, "", "give either --image, or --kernel and --initrd, or --demo\n"},
		"both":                               {"try --image image --kernel kernel --initrd initrd good.ign", "", 2, "", "give either --image, or --kernel and --initrd, or --demo\nfirstlightctl: --initrd, --root and --append go with --kernel"},
		"a kernel alone":                     {"try --kernel kernel good.ign", "", 2, "", "--kernel needs --initrd, which has the agent"},
		"a root without its place":           {"try --kernel kernel --initrd initrd --root image good.ign", "", 2, "", `in --append "root=LABEL=root rw"`},
		"an image that is not there":         {"try --image none good.ign", "", 2, "", "stat none: no such file or directory"},
		"a disk that cannot be":              {"try --image image --disk 2x --disk ide:1G good.ign", "", 2, "", "--disk: \"2x\" is no disk; give [BUS:]SIZE[:serial=TEXT], as in 2G, scsi:512M or nvme:10G:serial=abc\nfirstlightctl: --disk: the disk \"ide:1G\" has the bus"},
		"unknown firmware":                   {"try --image image --firmware coreboot good.ign", "", 2, "", "--firmware=coreboot: there are auto, bios and uefi"},
		"UEFI for a kernel":                  {"try --kernel kernel --initrd initrd --firmware uefi good.ign", "", 2, "", "--firmware=uefi goes with --image"},
		"hardly any memory":                  {"try --image image --memory 1 --processors 0 --timeout 0s good.ign", "", 2, "", "a machine needs 128 MiB\nfirstlightctl: --processors=0: a machine needs one\nfirstlightctl: --timeout=0s: that is no time at all\n"},
		"a config for a cluster":             {"try --image image shift.bu", "", 2, "", "is for OpenShift"},
		"a record that cannot be saved":      {"try --image image --record no/where good.bu", provisioned, 2, "The machine was provisioned", "saving the record: open no/where: no such file or directory"},
		"record and failure":                 {"try --image image --record console good.bu", shellBox(failure.ErrConfig), 4, "The text of the console (the agent has sent no record) is in console.\n", ""},
		"the record of a silent console":     {"try --image image --record record good.bu", sendRecord("provisioned"), 0, "The record of the boot is in record.\n", ""},
		"a failure that only the record has": {"try --image image --record record good.bu", sendRecord("failed"), 1, "The record of the boot is in record.\n", "the record says that the first boot has failed"},
		"an unknown platform":                {"try --image image --platform vmware good.ign", "", 2, "", `--platform: there is no emulation of "vmware"; there are akamai, aliyun, aws, azure,`},
		"three boots":                        {"try --image image --boots 3 good.ign", "", 2, "", "--boots=3: a machine boots once or twice"},
		"a shell without input":              {"try --image image --shell -", "", 2, "", "the config has to come from a file"},
		"nothing to serve":                   {"try --image image --serve good.ign good.ign", "", 2, "", "--serve=good.ign: there is no such directory"},
		"an agent for an image":              {"try --image image --agent good.ign", "", 2, "", "--agent goes with --kernel and --initrd: the initramfs of an image is inside of it"},
		"no agent to put in":                 {"try --kernel kernel --initrd initrd --agent=none good.ign", "", 2, "", "reading the agent: open none: no such file or directory"},
		"two boots":                          {"try --image image --boots 2 good.ign", second("", provisioned), 0, "On the second boot nothing of a first boot ran (", ""},
		"a first boot again":                 {"try --image image --boots 2 good.ign", provisioned, 1, "The machine was provisioned (", "the stage files runs again: the machine takes this for its first boot, too"},
		"a record again":                     {"try --image image --boots 2 good.ign", second(sendRecord("provisioned"), provisioned), 1, "exit status 1", "the agent has run again"},
		"an emergency at last":               {"try --image image --boots 2 good.ign", second("echo 'You are in emergency mode'", provisioned), 1, "", "the second boot has ended in an emergency shell"},
		"a panic at last":                    {"try --image image --boots 2 good.ign", second("echo 'Kernel panic - not syncing: x'", provisioned), 1, "", "the kernel has stopped: x"},
		"no second after a failure":          {"try --image image --boots 2 good.ign", second("touch ran", shellBox(failure.ErrConfig)), 4, "", "| stage      disks"},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := fakeMachine(t, tc.script)
			var stdout, stderr bytes.Buffer
			if status := run(strings.Fields(tc.args), nil, &stdout, &stderr); status != tc.status {
				t.Errorf("exit status %d, want %d", status, tc.status)
			}
			testkit.Contains(t, "stdout", stdout.String(), tc.stdout)
			testkit.Contains(t, "stderr", stderr.String(), tc.stderr)
			if t.Failed() {
				t.Logf("stdout:\n%s\nstderr:\n%s", &stdout, &stderr)
			}
			left, err := os.ReadDir(tmp)
			if err != nil || len(left) > 0 {
				t.Errorf("there is left: %v %v", left, err)
			}
		})
	}
}

// sendRecord is a script that writes a record to the port.
func sendRecord(outcome string) string {
	return `echo '{"version": 1, "outcome": "` + outcome + `"}' > /dev/fd/3`
}

// second is a script that does one thing at the first boot, and another at the next one.
func second(later, first string) string {
	return "if [ -e booted ]; then " + cmp.Or(later, ":") + "; exit; fi; touch booted\n" + first
}

// Of a machine that has no end the power button is pressed.
func TestTryShutsTheMachineDownForTheSecondBoot(t *testing.T) {
	fakeMachine(t, second("", provisioned+`exec python3 -c 'import re, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(re.search("unix:([^, ]*)", " ".join(sys.argv)).group(1))
s.listen()
print("\nweb1 login: ", end="", flush=True)
c, _ = s.accept()
c.send(b"{\"QMP\": {}}\n")
for want in b"qmp_capabilities", b"system_powerdown":
    assert want in c.recv(1000)
    c.send(b"{\"event\": \"X\"}\n{\"return\": {}}\n")' "$@"`))
	short, err := os.MkdirTemp("/tmp", "") // for the path of a socket
	testkit.NoError(t, err)
	defer os.RemoveAll(short)
	t.Setenv("TMPDIR", short)
	var stdout, stderr bytes.Buffer
	status := run(strings.Fields("try --image image --boots 2 good.ign"), nil, &stdout, &stderr)
	if status != 0 || !strings.Contains(stdout.String(), "On the second boot nothing") || strings.Contains(stdout.String(), "power is cut") {
		t.Errorf("status %d\n%s\n%s", status, &stdout, &stderr)
	}
}

func TestShellIsTheConsole(t *testing.T) {
	fakeMachine(t, provisioned+"printf '\\nweb1 login: '; read -r name; echo \"hello $name\"")
	keys, typist := io.Pipe()
	out := &testkit.Output{On: map[string]func(){"Ctrl-]": func() { io.WriteString(typist, "core\n") }}}
	status := run(strings.Fields("try --image image --shell good.ign"), keys, out, io.Discard)
	testkit.Equal(t, "status", status, 0)
	testkit.Contains(t, "stdout", out.String(), "The console of the machine is open", "hello core\n", "The machine was provisioned")
}

func TestKeyEndsTheShell(t *testing.T) {
	fakeMachine(t, provisioned+"exec sleep 1000000")
	var stdout bytes.Buffer
	status := run(strings.Fields("try --image image --shell good.ign"), strings.NewReader("reboot\x1dmore"), &stdout, io.Discard)
	testkit.Equal(t, "status", status, 0)
	testkit.Contains(t, "stdout", stdout.String(), "Ctrl-]", "The machine was provisioned")
}

// A connection of the machine is a process of this program.
func TestServersOfTheMachine(t *testing.T) {
	useTestFiles(t)
	for name, tc := range map[string]struct {
		o       tryOptions
		options string
		request string
		want    string
	}{
		"files": {tryOptions{platform: qemuPlatform, serve: "dir"}, "guestfwd=tcp:10.0.2.100:80-cmd:SELF try --connect DIR/server0", "GET /hello HTTP/1.0", "200 OK"},
		"a platform": {tryOptions{platform: "hetzner", serve: "dir"},
			"net=169.254.0.0/16,guestfwd=tcp:169.254.169.254:80-cmd:SELF try --connect DIR/server0,guestfwd=tcp:169.254.2.100:80-cmd:SELF try --connect DIR/server1", "GET /hetzner/v1/userdata HTTP/1.0", "the config"},
		"another network": {tryOptions{platform: "aliyun"}, "net=100.100.0.0/16,guestfwd=tcp:100.100.100.200:80-cmd:SELF try --connect DIR/server0", "GET /latest/user-data HTTP/1.0", "401 Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("/tmp", "")
			testkit.NoError(t, err)
			defer os.RemoveAll(dir)
			n, err := tc.o.network(dir, []byte("the config"))
			testkit.NoError(t, err)
			defer n.close()
			self, err := os.Executable()
			testkit.NoError(t, err)
			testkit.Equal(t, "options", n.options, strings.NewReplacer("SELF", self, "DIR", dir).Replace(tc.options))
			var answer, stderr bytes.Buffer
			status := run([]string{"try", "--connect", dir + "/server0"}, strings.NewReader(tc.request+"\r\n\r\n"), &answer, &stderr)
			testkit.Equal(t, "status", status, 0)
			testkit.Contains(t, "answer", answer.String()+stderr.String(), tc.want)
		})
	}
}

func TestServersNeedAPathThatQEMUCanUse(t *testing.T) {
	o := tryOptions{platform: "aws"}
	_, err := o.network("/tmp/"+strings.Repeat("x", 200), nil)
	testkit.ErrorContains(t, "long", err, "serving at http://169.254.169.254/: ", " is too long for a socket; set TMPDIR to a shorter directory")
	dir, err := os.MkdirTemp("/tmp", "a b")
	testkit.NoError(t, err)
	defer os.RemoveAll(dir)
	n, err := o.network(dir, nil)
	n.close()
	testkit.ErrorContains(t, "blank", err, "has a blank or a quotation mark")
}

func TestTryPutsTheAgentIn(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	fakeMachine(t, "while [ $# -gt 0 ]; do [ \"$1\" != -initrd ] || cp \"$2\" "+seen+"; shift; done\n"+provisioned)
	agent := filepath.Join(t.TempDir(), "agent")
	testkit.WriteFile(t, agent, staticProgram)
	base := initramfs.Overlay([]byte("old agent"))
	testkit.NoError(t, os.WriteFile("initrd", base, 0o600))
	var stderr bytes.Buffer
	if status := run([]string{"try", "--kernel", "kernel", "--initrd", "initrd", "--agent=" + agent, "good.ign"}, nil, io.Discard, &stderr); status != 0 {
		t.Fatalf("%s", &stderr)
	}
	text := testkit.ReadFile(t, seen)
	found, ok := initramfs.AgentOf([]byte(text))
	testkit.Equal(t, "is an overlay", ok, true)
	testkit.Equal(t, "agent", string(found), staticProgram)
	testkit.Equal(t, "the initramfs", testkit.ReadFile(t, "initrd"), string(base))
}

func TestTrySavesTheRecord(t *testing.T) {
	fakeMachine(t, sendRecord("provisioned"))
	testkit.Equal(t, "status", run(strings.Fields("try --image image --record record good.bu"), nil, io.Discard, io.Discard), 0)
	testkit.Equal(t, "record", testkit.ReadFile(t, "record"), `{"version": 1, "outcome": "provisioned"}`)
}

func TestTryDescribesTheMachine(t *testing.T) {
	for name, tc := range map[string]struct {
		args string
		want []string
		not  string
	}{
		"an image": {"--image image", []string{"-m 2048", "-smp 2", "if=none,id=drive0,format=qcow2", "serial=root", "-netdev user", "name=dev.firstlight.report",
			"name=opt/com.coreos/config,file=", "name=opt/org.flatcar-linux/config,file="}, "-no-reboot"},
		"a kernel": {"--kernel kernel --initrd initrd --append a=b", []string{"-no-reboot", "-kernel kernel", "-initrd initrd",
			"console=ttyS0", "ignition.firstboot ignition.platform.id=qemu a=b "}, "drive0"},
		"disks": {"--image image --memory 512 --processors 1 --disk 1G --disk nvme:2G:serial=abc",
			[]string{"-m 512", "-smp 1", "virtio-blk-pci,drive=drive1,serial=disk1", "nvme,drive=drive2,serial=abc"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			fakeMachine(t, provisioned)
			testkit.Equal(t, "status", run(append([]string{"try", "good.ign"}, strings.Fields(tc.args)...), nil, io.Discard, io.Discard), 0)
			arguments := testkit.ReadFile(t, os.Getenv("ARGUMENTS"))
			testkit.Contains(t, "arguments", arguments, tc.want...)
			if tc.not != "" && strings.Contains(arguments, tc.not) {
				t.Errorf("%q is in %s", tc.not, arguments)
			}
		})
	}
}

func TestTryGivesTheMachineTheTranslatedConfig(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	fakeMachine(t, `cp "$(echo "$*" | sed 's/.*name=opt.com.coreos.config,file=\([^ ]*\).*/\1/')" `+seen+"\n"+provisioned)
	testkit.Equal(t, "status", run(strings.Fields("try --image image --files-dir dir local.bu"), nil, io.Discard, io.Discard), 0)
	testkit.Contains(t, "config", testkit.ReadFile(t, seen), `{"ignition":{"version":"3.4.0"}`, `"source":"data:,hello"`)
}

func TestStoppedTryLeavesNothing(t *testing.T) {
	tmp := fakeMachine(t, "echo 'ignition[1]: disks: begin'; exec sleep 1000000")
	ctx, stop := context.WithCancel(t.Context())
	out := &testkit.Output{On: map[string]func(){"disks": stop}}
	err := try(ctx, "good.ign", tryOptions{image: "image", firmware: "bios", memory: 512, processors: 1, timeout: 1 << 40, platform: qemuPlatform, boots: 1}, nil, out, io.Discard)
	testkit.Equal[error](t, "error", err, exitStatus(statusStopped))
	testkit.Contains(t, "stdout", out.String(), "Stopped; the machine is gone and nothing is left of it.")
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("there is left: %v %v", left, err)
	}
}

func TestMachineThatDoesNotComeUp(t *testing.T) {
	w := watcher{provisioned: true, stuck: true}
	v := w.verdict("")
	testkit.Equal(t, "status", v.status, 1)
	testkit.Contains(t, "text", v.text, "the machine was provisioned, but has not come up")
}

// The record can come before the console has shown the end, and the other way round.
func TestVerdictWaitsForWhatIsMissing(t *testing.T) {
	record := []byte(`{"version": 1, "outcome": "failed"}`)
	for name, tc := range map[string]struct {
		events         []console.Event
		record         []byte
		wants          bool
		over, complete bool
	}{
		"nothing":                   {nil, nil, false, false, false},
		"a stage":                   {[]console.Event{{Kind: console.StageStarted, Stage: "disks"}}, nil, false, false, false},
		"failed without a box":      {[]console.Event{{Kind: console.StageFailed, Stage: "disks", Status: 1}}, nil, false, true, false},
		"box":                       {[]console.Event{{Kind: console.Failed, Text: "box", Status: 4}}, nil, false, true, true},
		"box without a record":      {[]console.Event{{Kind: console.Failed, Text: "box", Status: 4}}, nil, true, true, false},
		"box and record":            {[]console.Event{{Kind: console.Failed, Text: "box", Status: 4}}, record, true, true, true},
		"record without a box":      {nil, record, true, true, false},
		"box and other JSON":        {[]console.Event{{Kind: console.Failed, Text: "box", Status: 4}}, []byte(`{"a": 1}`), true, true, false},
		"no record, but it goes on": {[]console.Event{{Kind: console.Provisioned}, {Kind: console.Switched}}, nil, true, true, true},
		"no record, and a shell":    {[]console.Event{{Kind: console.Failed, Text: "box", Status: 4}, {Kind: console.Emergency}}, nil, true, true, true},
		"unfinished record":         {nil, []byte(`{"outcome": "unfinished"}`), true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := watcher{wantsRecord: tc.wants}
			for _, e := range tc.events {
				w.take(e)
			}
			if tc.record != nil {
				w.takeRecord(tc.record)
			}
			testkit.Equal(t, "over", w.over(), tc.over)
			testkit.Equal(t, "complete", w.complete(), tc.complete)
		})
	}
}
