//go:build linux && !portable

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files"
	"github.com/firstlight-os/firstlight/internal/fetch"
	failure "github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/storage"
)

// factsVersion is the version of the format. It rises when a reader of an older one would
// be wrong.
const factsVersion = 1

// maxFacts bounds facts that are read, in bytes. A disk with 128 partitions takes 40 KiB.
const maxFacts = 16 << 20

// machineFacts are what a plan has to know of a machine that is elsewhere. There are no
// secrets in them: no contents, no hashes, no values of kernel arguments that are not ours.
type machineFacts struct {
	Version int `json:"version"`
	failure.Machine
	// Platform is the value of ignition.platform.id.
	Platform string `json:"platform,omitempty"`
	// Facts are those that the machine itself can tell a config.
	Facts map[string]string `json:"facts,omitempty"`
	// KernelArguments are words without a value, and names with "=" of those whose
	// value is left out.
	KernelArguments []string                  `json:"kernelArguments"`
	Devices         []storage.InventoryDevice `json:"devices"`
	Users           []factUser                `json:"users"`
	Groups          []factGroup               `json:"groups"`
}

type factUser struct {
	Name string `json:"name"`
	UID  uint32 `json:"uid"`
	GID  uint32 `json:"gid"`
}

type factGroup struct {
	Name string `json:"name"`
	GID  uint32 `json:"gid"`
}

func factsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "facts",
		Short: "Print what a plan has to know of this machine",
		Example: "  firstlightctl facts > web1.json\n" +
			"  firstlightctl plan --facts web1.json web1.bu",
		Long: `Print, as JSON, what a plan has to know of this machine: its block devices with
their links, partitions and formats, users and groups, kernel arguments, and of
what a config can ask ("${fact:NAME}") all that no platform has to be asked for.
On another one "firstlightctl plan --facts FILE" plans a first boot with it.

It holds no contents of files or disks, no password hashes, and of kernel
arguments with a value only the names, unless they are Ignition's or ours and no
secret. What is mounted, and arrays and volumes that are open, are as at a first
boot: not in use.

Reading devices takes root.

` + factsExit,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			facts, leftOut, err := gatherFacts(&storage.Machine{}, "/")
			switch {
			case err != nil:
				return err
			case leftOut != nil && os.Geteuid() != 0:
				return fmt.Errorf("%w; run this as root", leftOut)
			}
			for _, err := range failure.Leaves(leftOut) {
				fmt.Fprintln(c.ErrOrStderr(), "note:", printable(err.Error())+"; it is left out")
			}
			return encode(c.OutOrStdout(), facts)
		},
	}
}

const factsExit = `Exit status:
  0  success
  2  wrong usage, or something that cannot be read`

// gatherFacts looks at a machine, with its users below a root. Devices that cannot be
// looked at, such as a drive without a disc, are left out; leftOut joins an error for
// each.
func gatherFacts(m *storage.Machine, root string) (f *machineFacts, leftOut, err error) {
	f = &machineFacts{Version: factsVersion, Machine: failure.ThisMachine()}
	line, err := system.CommandLine()
	if err != nil {
		return nil, nil, err
	}
	f.KernelArguments, f.Platform = shownArguments(line)
	f.Facts = ownFacts(f.Platform)
	f.Devices, leftOut = m.Inventory()
	f.Users, f.Groups, err = readAccounts(os.DirFS(root))
	return f, leftOut, err
}

// ownFacts are those of this machine that nobody else has to be asked for.
func ownFacts(platform string) map[string]string {
	facts := map[string]string{}
	env := &providers.Env{Platform: providers.Platform{ID: platform}, Log: quietLogger(), Fetch: fetch.New(nil, fetchLimit), Facts: new(providers.Facts)}
	env.Fetch.Offline = true
	for _, name := range config.FactNames() {
		// What it cannot tell, or has no value for a config, is given by hand.
		if value, err := env.Facts.Get(context.Background(), env, name); err == nil && value != "" {
			facts[name] = value
		}
	}
	return facts
}

// add adds those of a machine that were not given by hand.
func (g givenFacts) add(f *machineFacts) {
	for name, value := range f.Facts {
		if _, given := g[name]; !given {
			g[name] = value
		}
	}
}

// shownValues are the kernel arguments whose values are no secrets.
var shownValues = []string{"ignition.firstboot", "ignition.platform.id", "ignition.config.hash", "firstlight.device_timeout", "firstlight.measure", "firstlight.network_timeout", "firstlight.plan"}

// shownArguments are the words of a kernel command line, without values that may be
// secrets.
func shownArguments(line string) (shown []string, platform string) {
	shown = []string{}
	for word := range strings.FieldsSeq(line) {
		name, value, given := strings.Cut(word, "=")
		if name == "ignition.platform.id" {
			platform = value
		}
		if given && !slices.Contains(shownValues, name) {
			word = name + "="
		}
		shown = append(shown, word)
	}
	return shown, platform
}

// readAccounts reads names and numbers only. Names that no account can have are left out.
func readAccounts(root fs.FS) ([]factUser, []factGroup, error) {
	users, groups := []factUser{}, []factGroup{}
	knownUsers, knownGroups, err := files.KnownAccounts(func(name string) ([]byte, error) {
		text, err := fs.ReadFile(root, strings.TrimPrefix(name, "/"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return text, err
	})
	for _, u := range knownUsers {
		if isAccountName(u.Name) {
			users = append(users, factUser{u.Name, uint32(u.UID), uint32(u.GID)})
		}
	}
	for _, g := range knownGroups {
		if isAccountName(g.Name) {
			groups = append(groups, factGroup{g.Name, uint32(g.GID)})
		}
	}
	return users, groups, err
}

// isAccountName reports whether a name can stand in a database.
func isAccountName(name string) bool {
	return name != "" && !strings.ContainsAny(name, ":\n,") && !strings.ContainsAny(name[:1], "+-#")
}

// databases are the users and groups as passwd(5) and group(5). Where homes are is not
// known.
func (f *machineFacts) databases() (passwd, group string) {
	for _, u := range f.Users {
		home := "/home/" + u.Name
		if u.UID == 0 {
			home = "/root"
		}
		passwd += fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", u.Name, u.UID, u.GID, home)
	}
	for _, g := range f.Groups {
		group += fmt.Sprintf("%s:x:%d:\n", g.Name, g.GID)
	}
	return passwd, group
}

// readFacts reads what factsCommand has printed.
func readFacts(file string, stdin io.Reader) (*machineFacts, error) {
	text, err := read(file, stdin)
	if err == nil {
		var f *machineFacts
		if f, err = parseFacts(text); err == nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("reading the facts: %w", err)
}

func parseFacts(text []byte) (*machineFacts, error) {
	if len(text) > maxFacts {
		return nil, fmt.Errorf("they have %d bytes, of which at most %d can be", len(text), maxFacts)
	}
	f := new(machineFacts)
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	if f.Version != factsVersion {
		return nil, fmt.Errorf("they are of version %d; this program reads version %d", f.Version, factsVersion)
	}
	for _, d := range f.Devices {
		if err := d.Check(); err != nil {
			return nil, err
		}
	}
	for _, u := range f.Users {
		if !isAccountName(u.Name) || strings.Contains(u.Name, "/") {
			return nil, fmt.Errorf("%q is no name of a user", u.Name)
		}
	}
	for _, g := range f.Groups {
		if !isAccountName(g.Name) {
			return nil, fmt.Errorf("%q is no name of a group", g.Name)
		}
	}
	return f, nil
}

// compareWithFacts compares what the config wants with words whose values may be left
// out: then nothing is known of an argument of that name.
func (a *plannedArguments) compareWithFacts(known []string) {
	for _, word := range slices.Concat(a.ShouldExist, a.ShouldNotExist) {
		for w := range strings.FieldsSeq(word) {
			name, value, given := strings.Cut(w, "=")
			if given && value != "" && !slices.Contains(shownValues, name) && slices.Contains(known, name+"=") {
				return
			}
		}
	}
	a.compare(strings.Join(known, " "))
}

// noteFacts says what is not in facts.
func (p *planning) noteFacts(cfg *config.Config) {
	s := cfg.Storage
	if len(s.Disks)+len(s.Filesystems)+len(s.Raid)+len(s.Luks) > 0 {
		p.notJudged("what is left in sectors of the disks where no partition begins now, and which arrays and volumes the initramfs starts by itself")
	}
	p.notJudged("where the homes of users are that exist: /home/NAME was planned for")
}
