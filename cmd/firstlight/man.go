//go:build manpages

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/firstlight-os/firstlight/internal/man"
	"github.com/firstlight-os/firstlight/internal/system"
)

// With this build tag the program writes the manual pages of the agent's programs:
//
//	go run -tags manpages ./cmd/firstlight DIR VERSION DATE
func init() { programs["firstlight"] = writeManuals }

var manuals = []struct {
	page man.Page
	run  func(args []string) int
}{
	{man.Page{
		Name: "firstlight", Section: 8, Short: "provision a machine on its first boot",
		Synopsis: []string{"--platform=ID --stage=STAGE [--root=DIR] [flags]"},
		Text: `Firstlight runs in the initramfs, as /usr/bin/ignition, once for each stage, by the units
ignition-fetch-offline, ignition-fetch, ignition-kargs, ignition-disks, ignition-mount and
ignition-files. It gets the config of the machine, and makes the disks, files, users and
units that the config describes. Each stage looks at the machine, plans all that is to be
done, and only then changes anything.

With --stage=all it runs all stages, in an initramfs without systemd. A status other than
0 means that the machine must not boot. The failure is printed on all consoles, and is
left below /run/ignition.

Exit status:
  0  success
  1  something of the machine: a device, a helper program
  2  wrong usage
  3  the state file cannot be used
  other numbers say what the cause is: see operating.md`,
		Examples: []man.Example{
			{Text: "All stages, from an init of one's own:", Command: "firstlight --platform=qemu --root=/sysroot --stage=all"},
			{Text: "Only get the config, and print the log:", Command: "firstlight --platform=file --stage=fetch --log-to-stdout"},
		},
		SeeAlso: []string{"ignition-apply(8)", "ignition-rmcfg(8)", "firstlightctl(1)", "distribution.conf(5)"},
	}, runStage},
	{man.Page{
		Name: "ignition-apply", Section: 8, Short: "apply a config to the tree of a container image",
		Synopsis: []string{"[flags] CONFIG"},
		Text: `Ignition-apply writes the files, directories, links and units of a config to a directory,
while a container image is being built. What only a machine can have, such as users and
partitions, is refused. CONFIG may be - for standard input.

Exit status:
  0  success
  1  the config was not applied
  2  wrong usage
  other numbers say what the cause is: see operating.md`,
		Examples: []man.Example{{Text: "In a Containerfile:", Command: "RUN ignition-apply --ignore-unsupported config.ign"}},
		SeeAlso:  []string{"firstlight(8)", "firstlightctl-apply(1)"},
	}, applyConfig},
	{man.Page{
		Name: "firstlight-kargs", Section: 8, Short: "change the kernel arguments of boot loader entries",
		Synopsis: []string{"[--should-exist=ARGUMENT]... [--should-not-exist=ARGUMENT]..."},
		Text: `Firstlight-kargs is what ignition-kargs-helper runs in the initramfs where the distribution
has no helper of its own. It changes all entries (loader/entries/*.conf of the Boot Loader
Specification) on the disk that the boot loader was started from, and reboots if one of
them was not as it should be.

Exit status:
  0  the entries are as they should be
  1  they cannot be changed
  2  wrong usage`,
		Examples: []man.Example{{Text: "Disable simultaneous multithreading:", Command: "firstlight-kargs --should-exist=mitigations=auto,nosmt --should-not-exist=mitigations=off"}},
		SeeAlso:  []string{"firstlight(8)", "bootctl(1)"},
	}, setKernelArguments},
	{man.Page{
		Name: "firstlight-firstboot", Section: 8, Short: "find out whether this is the first boot, and end it",
		Synopsis: []string{"decide", "end"},
		Text: `Firstlight-firstboot decide is what ignition-firstboot.service runs in the initramfs, where
only the root filesystem tells which boot this is: it looks into that, and starts
ignition-complete.target or ignition-subsequent.target. Firstlight-firstboot end is what
ignition-firstboot-end.service runs in the booted system: the next boot is not the first
one, and what is left of a reset of the machine goes with the mark. How first boots are marked is FIRST_BOOT in distribution.conf.

Exit status:
  0  success
  1  failure
  2  wrong usage`,
		Examples: []man.Example{{Text: "End the first boot by hand:", Command: "/usr/libexec/firstlight-firstboot end"}},
		SeeAlso:  []string{"firstlight(8)", "firstlightctl(1)", "distribution.conf(5)"},
	}, markFirstBoot},
	{man.Page{
		Name: "ignition-rmcfg", Section: 8, Short: "delete the config from where the platform keeps it",
		Synopsis: []string{"--platform=ID [flags]"},
		Text: `Ignition-rmcfg deletes the user data of a machine that has been provisioned, where programs on
the machine could still read it: on VMware and VirtualBox. The unit
ignition-delete-config.service runs it once, if it is enabled.

Exit status:
  0  success
  1  the config was not deleted, or the platform has no way to do it
  2  wrong usage`,
		Examples: []man.Example{{Text: "On VMware:", Command: "ignition-rmcfg --platform=vmware"}},
		SeeAlso:  []string{"firstlight(8)"},
	}, removeConfig},
	{man.Page{
		Name: "afterburn", Section: 8, Short: "what the platform knows of this machine: attributes, hostname, SSH keys",
		Synopsis: []string{"multi {--provider=ID | --cmdline} [flags]"},
		Text: `Afterburn asks the metadata service, or the config drive, of the platform that this machine
runs on, and writes what it says where the flags want it. Each thing is asked once in a
boot, also if several units want to know it; the same call again asks anew.

Actions are done in this order: attributes, SSH keys, hostname, network, check-in. The first
that fails ends the run, and leaves the files of earlier runs as they are.

Exit status:
  0  success, also if the platform has nothing
  1  failure, also if it was called wrongly`,
		Examples: []man.Example{
			{Text: "Attributes for units, as afterburn.service has them:", Command: "afterburn multi --cmdline --attributes=/run/metadata/afterburn"},
			{Text: "SSH keys of a machine on Hetzner Cloud:", Command: "afterburn multi --provider=hetzner --ssh-keys=core"},
		},
		SeeAlso: []string{"firstlight(8)"},
	}, afterburn.run},
}

func writeManuals(args []string) int {
	if len(args) != 3 {
		return usage(fmt.Errorf("usage: firstlight DIR VERSION DATE"))
	}
	pages := []man.Page{settingsPage()}
	for _, m := range manuals {
		printUsage = func(_ string, f *flag.FlagSet) {
			f.VisitAll(func(f *flag.Flag) {
				value, text := flag.UnquoteUsage(f)
				shown := man.Flag{Names: []string{"--" + f.Name}, Value: value, Usage: text}
				if f.DefValue != "false" {
					shown.Default = f.DefValue
				}
				m.page.Flags = append(m.page.Flags, shown)
			})
		}
		m.run([]string{"-help"})
		pages = append(pages, m.page)
	}
	for _, p := range pages {
		product := "firstlight"
		if p.Name == afterburn.name { // whose files are in a package of their own
			product = p.Name
		}
		if err := p.Write(filepath.Join(args[0], product, "man"), args[1], args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "firstlight:", err)
			return exitFailed
		}
	}
	return exitOK
}

var (
	settingRow = regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| (.+?) \\| (.+?) \\| (.+) \\|$")
	mdLink     = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)
)

// settingsPage is made of the section "Settings" of docs/distributors.md, in the source tree
// that this runs in.
func settingsPage() man.Page {
	text, err := system.ReadFile("docs/distributors.md", system.SettingsText)
	if err != nil {
		panic(err)
	}
	_, section, _ := strings.Cut(mdLink.ReplaceAllString(string(text), "$1"), "\n## Settings\n")
	prose, _, _ := strings.Cut(section, "\n| key |")
	p := man.Page{
		Name: "distribution.conf", Section: 5, Short: "what a distribution sets for all its first boots",
		Synopsis: []string{""}, Text: strings.ReplaceAll(prose, "`", ""),
		Examples: []man.Example{{Text: "User data for other programs is left to them, and keys go where sshd reads them:", Command: "FOREIGN_USER_DATA=pass\n    SSH_KEYS=file"}},
		SeeAlso:  []string{"firstlight(8)"},
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range settingRow.FindAllStringSubmatch(section, -1) {
		for i := range m {
			m[i] = strings.ReplaceAll(m[i], "`", "")
		}
		p.Flags = append(p.Flags, man.Flag{Names: m[1:2], Value: m[2], Usage: m[4], Default: m[3]})
	}
	return p
}
