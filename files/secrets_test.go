package files

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/testkit"
)

// credentials is a Fetcher of credentials, by their names.
type credentials map[string]string

func (c credentials) Fetch(_ context.Context, r config.Resource, w io.Writer) error {
	_, err := io.WriteString(w, c[strings.TrimPrefix(*r.Source, "credential:")])
	return err
}

func TestUnitsFromASource(t *testing.T) {
	w := newFixture(t)
	w.symlink("/dev/null", "etc/systemd/system/a.service")
	w.Tree.Fetch = credentials{"unit": "[Service]", "dropin": "[Unit]"}
	w.mustApply(units(`{"name": "a.service", "contentsFrom": {"source": "credential:unit"}, "dropins": [
		{"name": "d.conf", "contentsFrom": {"source": "credential:dropin"}}, {"name": "plain.conf", "contents": "[Unit]\n"}]}`))
	w.wantText("etc/systemd/system/a.service", "[Service]")
	w.wantMode("etc/systemd/system/a.service", 0o600)
	w.wantText("etc/systemd/system/a.service.d/d.conf", "[Unit]")
	w.wantMode("etc/systemd/system/a.service.d/d.conf", 0o600)
	w.wantMode("etc/systemd/system/a.service.d/plain.conf", 0o644)
}

func TestUnitsFromASourceThatFails(t *testing.T) {
	w := newFixture(t)
	w.write("etc/systemd/system/a.service", "before")
	err := w.apply(units(`{"name": "a.service", "contentsFrom": {"source": "https://example.com/a"}}`))
	testkit.ErrorContains(t, "a broken connection", err, "the connection was cut")
	w.wantText("etc/systemd/system/a.service", "before")
	w.mkdir("etc/systemd/system/b.service")
	w.wantConflicts(units(`{"name": "b.service", "contentsFrom": {"source": "data:,x"}}`), "writing unit b.service: at /etc/systemd/system/b.service there is a directory")
}

// What is in a unit from a source is not known while the boot is planned.
func TestUnitsFromASourceAreDisabledBySystemctl(t *testing.T) {
	w := newFixture(t)
	w.Tree.Fetch = credentials{"a": "[Install]"}
	w.mustApply(units(`{"name": "a.service", "enabled": false, "contentsFrom": {"source": "credential:a"}}`))
	w.wantCommands("systemctl --root R disable a.service")
}

// endless has more than any secret.
type endless struct{}

func (endless) Fetch(_ context.Context, _ config.Resource, w io.Writer) error {
	for {
		if _, err := io.WriteString(w, strings.Repeat("x", 64<<10)); err != nil {
			return err
		}
	}
}

func TestSecretsAreBounded(t *testing.T) {
	w := newFixture(t)
	w.Tree.Fetch = endless{}
	err := w.apply(units(`{"name": "a.service", "contentsFrom": {"source": "credential:a"}}`))
	testkit.ErrorContains(t, "an endless secret", err, "it is larger than 1 MiB")
}

func TestPasswordHashesFromASource(t *testing.T) {
	for _, c := range []struct{ name, program, text, want string }{
		{"new", "useradd", "$6$secret\n", "new:$6$secret\n"},
		{"ann", "usermod", "$6$secret\r\n", "ann:$6$secret\n"},
		{"ann", "usermod", "", "ann:*\n"},
	} {
		w, k := withAccounts(t), new(keeper)
		w.Tree.Run, w.Tree.Fetch = k, credentials{"hash": c.text}
		w.mustApply(`"passwd": {"users": [{"name": "` + c.name + `", "passwordHashFrom": {"source": "credential:hash"}}]}`)
		if last := k.commands[len(k.commands)-1]; last.Name != "chpasswd" || string(last.Stdin) != c.want || k.commands[0].Name != c.program {
			t.Errorf("%s: %s got %q, want %q", c.name, last.Name, last.Stdin, c.want)
		}
		for _, command := range k.commands {
			if strings.Contains(strings.Join(command.Args, " "), "secret") || strings.Contains(w.log.String(), "secret") {
				t.Errorf("the secret is shown: %q, %s", command.Args, w.log)
			}
		}
	}
}

// A secret is no argument, whatever the initramfs lacks.
func TestPasswordHashesFromASourceNeedTheirProgram(t *testing.T) {
	const sections = `"passwd": {"users": [{"name": "ann", "passwordHashFrom": {"source": "data:,$6$secret"}}]}`
	w, k := withAccounts(t), &keeper{fails: map[string]error{"chpasswd": exec.ErrNotFound}}
	w.Tree.Run = k
	plan, err := w.Plan(t.Context(), parse(t, sections))
	testkit.NoError(t, err)
	w.Close()
	needed := []string{}
	for _, o := range plan {
		needed = append(needed, o.Programs...)
	}
	testkit.Contains(t, "the programs", strings.Join(needed, " "), "usermod chpasswd")
	var missing *system.CommandError
	if err := w.apply(sections); !errors.As(err, &missing) || missing.Command.Name != "chpasswd" {
		t.Errorf("got %v", err)
	}
	for _, command := range k.commands {
		if strings.Contains(strings.Join(command.Args, " "), "secret") {
			t.Errorf("%s has it as an argument", command.Name)
		}
	}
}

func TestPublicKeysFromSources(t *testing.T) {
	w := withAccounts(t)
	w.mkdir("home/ann")
	w.own("home/ann", 1000, 1000)
	w.Tree.Fetch = credentials{"two": "ssh-ed25519 B\nssh-ed25519 C\n", "one": "ssh-ed25519 D"}
	w.mustApply(`"passwd": {"users": [{"name": "ann", "sshAuthorizedKeys": ["ssh-ed25519 A"], "sshAuthorizedKeysFrom": [{"source": "credential:two"}, {"source": "credential:one"}]}]}`)
	w.wantText("home/ann/.ssh/authorized_keys.d/ignition", "ssh-ed25519 A\nssh-ed25519 B\nssh-ed25519 C\nssh-ed25519 D\n")
	w.wantMode("home/ann/.ssh/authorized_keys.d/ignition", 0o600)
	w.Tree.Fetch = dataFetcher{}
	err := w.apply(`"passwd": {"users": [{"name": "ann", "sshAuthorizedKeysFrom": [{"source": "https://example.com/k"}]}]}`)
	testkit.ErrorContains(t, "a broken connection", err, "the connection was cut")
}

// The state of the disks stage has the source of such a key alone.
func TestKeysOfVolumesThatAreSecretsAreReadAgain(t *testing.T) {
	w := newFixture(t)
	source := "age:https://example.com/k"
	w.Tree.Keys = map[string]string{"l": source}
	got := ""
	w.Tree.Fetch = fetchFunc(func(r config.Resource) string {
		got = config.ValueOr(r.Source, "") + " " + config.ValueOr(r.Compression, "")
		return "key"
	})
	cfg, problems, err := config.Parse([]byte(`{"ignition": {"version": "3.6.0+firstlight.1"}, "storage": {"luks": [{"name": "l", "device": "/dev/vda", "keyFile": {"source": "`+source+`", "compression": "gzip"}}]}}`), "test")
	if err != nil {
		t.Fatal(problems)
	}
	plan, err := w.Plan(t.Context(), cfg)
	testkit.NoError(t, err)
	defer w.Close()
	for _, o := range plan {
		if o.Name == "writing /etc/luks/l" {
			testkit.NoError(t, o.Do(t.Context()))
		}
	}
	testkit.Equal(t, "what was fetched", got, source+" gzip")
}

type fetchFunc func(config.Resource) string

func (f fetchFunc) Fetch(_ context.Context, r config.Resource, w io.Writer) error {
	_, err := io.WriteString(w, f(r))
	return err
}
