package providers

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/system"
)

// spool is the list as vmur prints it.
const spool = `ORIGINID FILE CLASS RECORDS  CPY HOLD DATE  TIME     NAME      TYPE     DIST
MAINT    0001 A PUN 00000004 001 NONE 11/20 09:00:01 OTHER     EXEC     SYSTEM
MAINT    0007 A PUN 00000012 001 NONE 11/20 09:00:02 machine   ign      SYSTEM
MAINT    0009 A PUN 00000012 001 NONE 11/20 09:00:03 another   ign      SYSTEM

`

// withPrograms has shell scripts in place of the programs of s390-tools.
func withPrograms(t *testing.T, scripts map[string]string) (env *Env, ran func() string) {
	env, dir := newEnv(t), t.TempDir()
	env.Run = system.Exec{Log: env.Log}
	log := filepath.Join(dir, "log")
	for _, name := range []string{"modprobe", "chccwdev", "cio_ignore", "udevadm", "vmur"} {
		script := "#!/bin/sh\necho \"${0##*/} $*\" >> " + log + "\n" + scripts[name] + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("TMPDIR", t.TempDir())
	return env, func() string {
		text, _ := os.ReadFile(log)
		return string(text)
	}
}

// vmur has one file and forgets it when it is received.
const vmurScript = `case $1 in
li) cat <<'EOT'
` + spool + `EOT
;;
re) [ "$2 $3" = "-f 0007" ] && [ ! -e "$0.received" ] || exit 1
    printf 'config\000\000' > "$4"; touch "$0.received" ;;
esac`

func TestConfigInTheSpoolIsReceivedOnce(t *testing.T) {
	env, ran := withPrograms(t, map[string]string{
		"chccwdev": `[ -e "$0.unignored" ]`,
		// chccwdev works from then on.
		"cio_ignore": `touch "${0%/*}/chccwdev.unignored"`,
		"vmur":       vmurScript,
	})
	for range 2 {
		gives(t, "config\x00\x00")(fetchZVM(context.Background(), env))
	}
	lines := strings.Split(strings.TrimSpace(ran()), "\n")
	for i, want := range []string{"modprobe vmur", "chccwdev -e 000c", "cio_ignore -r 000c", "chccwdev -e 000c", "udevadm settle", "vmur li", "vmur re -f 0007 /"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Fatalf("ran %q, want %q at %d", lines, want, i)
		}
	}
	if len(lines) != 7 {
		t.Errorf("ran %q", lines)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("%v was left", left)
	}
}

func TestSpoolWithoutAConfigIsNoConfig(t *testing.T) {
	env, ran := withPrograms(t, nil)
	gives(t, "")(fetchZVM(context.Background(), env))
	if strings.Contains(ran(), "cio_ignore") || !strings.Contains(ran(), "vmur li") {
		t.Errorf("ran %q", ran())
	}
}

func TestReaderThatDoesNotWorkIsAnError(t *testing.T) {
	for name, tc := range map[string]struct {
		scripts map[string]string
		want    []string
	}{
		"no device":        {map[string]string{"chccwdev": "echo no such device; exit 1"}, []string{"chccwdev: no such device", "chccwdev -e 000c: exit status 1", "punch the config to reader 000c"}},
		"not ignored":      {map[string]string{"chccwdev": "exit 1", "cio_ignore": "exit 2"}, []string{"cio_ignore -r 000c: exit status 2", "chccwdev -e 000c: exit status 1"}},
		"no list":          {map[string]string{"vmur": "exit 3", "modprobe": "echo no module; exit 1"}, []string{"vmur li: exit status 3", "before that: modprobe: no module"}},
		"no udev":          {map[string]string{"udevadm": "exit 4"}, []string{"udevadm settle: exit status 4"}},
		"no file":          {map[string]string{"vmur": strings.Replace(vmurScript, "-f 0007", "-f 9999", 1)}, []string{"vmur re -f 0007", "exit status 1"}},
		"received nothing": {map[string]string{"vmur": strings.Replace(vmurScript, `> "$4"`, "", 1)}, []string{"config.ign: no such file or directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			env, _ := withPrograms(t, tc.scripts)
			_, err := fetchZVM(context.Background(), env)
			says(t, err, append(tc.want, "reading the config from z/VM's reader")...)
		})
	}
}

func TestSpoolIDs(t *testing.T) {
	for list, want := range map[string]string{
		"":                            "",
		spool:                         "0007",
		"a 1 A P 4 1 N D T n":         "",
		"a 1 A P 4 1 N D T n\t":       "",
		"a 1 A P 4 1 N D T n IGN x\n": "1",
		"\na 1 A P 4 1 N D T n ign\n": "",
	} {
		if got := spoolID(list); got != want {
			t.Errorf("%q: got %q, want %q", list, got, want)
		}
	}
}

func FuzzSpool(f *testing.F) {
	f.Add(spool)
	f.Add("a 1 A P 4 1 N D T n IGN x\n")
	f.Fuzz(func(t *testing.T, list string) {
		if id := spoolID(list); strings.ContainsAny(id, " \n") || !strings.Contains(list, id) {
			t.Errorf("%q of %q", id, list)
		}
	})
}
