//go:build linux && !portable

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/files/clearing"
	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/trust"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/storage"
)

// readConfig reads the config with what it refers to, and has the request take it: as it is,
// or translated if that needs something that is on this machine alone. The error is errRefused
// if that has been printed.
func (r *resetting) readConfig(in input, stderr io.Writer) (*config.Config, error) {
	p := r.planning
	p.told.add(&machineFacts{Facts: ownFacts(r.system.arguments["ignition.platform.id"])})
	cfg, err := p.config(in, stderr)
	if err != nil {
		return nil, err
	}
	base, err := r.baseConfig()
	if err != nil {
		return nil, err
	}
	if base != nil {
		cfg = config.Merge(base, cfg)
	}
	r.request.Name = in.name
	switch {
	case r.given() != "":
		sources, err := r.butane()
		if err != nil {
			return nil, err
		}
		translated, _, err := translateTo(in, translateOptions{translationOptions: r.translationOptions}, sources, config.Stable)
		if err != nil {
			return nil, err
		}
		r.request.Config, r.request.Name = string(translated.JSON), in.name+", translated"
	case in.signed != nil:
		r.request.Config = string(in.signed)
	default:
		raw := in.text
		signature, err := signatureBeside(r.config)
		if err != nil {
			return nil, err
		}
		if signature != nil { // it is of the file as it is
			if raw, err = os.ReadFile(r.config); err != nil {
				return nil, fmt.Errorf("reading the config: %w", err)
			}
			if raw = append(bytes.TrimSuffix(signature, []byte("\n")), append([]byte("\n"), raw...)...); !isSigned(raw) {
				return nil, fmt.Errorf("%s%s is no signature", r.config, trust.Suffix)
			}
		}
		r.request.Config = string(raw)
	}
	return cfg, nil
}

// baseConfig is what the image has for all its machines, as the root has it; nil if there is
// none.
func (r *resetting) baseConfig() (base *config.Config, err error) {
	raws, err := providers.BaseConfigs(&providers.Env{Dirs: []string{r.root.HostPath(distribution.Dir)}, Platform: providers.Platform{ID: r.system.arguments["ignition.platform.id"]}})
	if err != nil {
		return nil, err
	}
	for _, raw := range raws {
		var problems report
		m := &merger{report: &problems, lines: newLineFinder(&problems), client: r.planning.client, facts: r.planning.told}
		cfg, err := m.read(newInput(raw.Name, raw.Text))
		if err == nil && cfg != nil {
			cfg, err = m.resolve(cfg)
		}
		switch {
		case err != nil:
			return nil, err
		case problems.problems.HasErrors():
			return nil, fmt.Errorf("the %s of the image is broken: firstlightctl validate says why", raw.Name)
		case base == nil:
			base = cfg
		default:
			base = config.Merge(base, cfg)
		}
	}
	return base, nil
}

func isSigned(raw []byte) bool {
	signature, _ := trust.Cut(raw)
	return signature != nil
}

// planConfig goes through the stages that the config is for.
func (r *resetting) planConfig(cfg *config.Config, devices []storage.InventoryDevice) error {
	p := r.planning
	p.planFetches(cfg)
	p.planSecrets(cfg)
	if err := p.planKernelArguments(cfg); err != nil {
		return err
	}
	m := &storage.Machine{Log: p.log, Run: system.Exec{Log: p.log}, ReusedLabels: r.system.settings.Words(distribution.ReusedLabels)}
	m.Kept, m.KeptFor = r.request.KeptRoot()
	p.known = &machineFacts{Devices: devices} // as the initramfs finds them: not in use
	p.planDisks(m, cfg)
	p.known = nil
	if r.plan != nil {
		if slices.ContainsFunc(r.plan.Stays, func(s clearing.Part) bool { return s.Path == "/etc" }) {
			p.notJudged("what base configs write to /etc, which stays, if only the initramfs has them")
		}
		p.result.clears = true
		p.add("mount", r.plan.Operations(nil), nil)
		dir, err := r.keptRoot(cfg)
		if err != nil {
			return fmt.Errorf("preparing a root with what stays: %w", err)
		}
		defer os.RemoveAll(dir)
		p.planAssumedRoot(m, cfg, dir)
	}
	p.planUnits(cfg)
	if len(p.result.Conflicts) > 0 { // nothing would be done
		p.result.Operations = []operation{}
	}
	p.result.Warnings = append(p.result.Warnings, p.log.Warnings()...)
	return nil
}

// keptRoot makes a directory that has, of what the config names, what will be there when the
// root is cleared. Users and groups that are not known then are taken for granted.
func (r *resetting) keptRoot(cfg *config.Config) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "firstlightctl-"); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	c := copier{from: r.root, to: dir, plan: r.plan}
	for _, name := range namesOf(cfg) {
		if err := c.copy(name, 0); err != nil {
			return "", err
		}
	}
	if slices.ContainsFunc(slices.Concat(system.UserDatabases, system.GroupDatabases), func(name string) bool { return system.Exists(dir + name) }) {
		return dir, nil
	}
	users, groups := assumedAccounts(cfg)
	if len(users)+len(groups) > 0 {
		r.planning.notJudged("which users and groups there are when the files are written, as /etc/passwd goes: it was taken for granted that there are %s", strings.Join(slices.Concat(users, groups), ", "))
	}
	assumed, err := newAssumedRoot(cfg, nil)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(assumed.dir)
	return dir, os.CopyFS(dir, os.DirFS(assumed.dir))
}

// copied are the files of a root that the files stage reads.
var copied = slices.Concat([]string{path.Join(distribution.Dir, distribution.File), "/etc/login.defs", "/etc/default/useradd"}, system.UserDatabases, system.GroupDatabases)

// namesOf are the paths that the files stage looks at for a config.
func namesOf(cfg *config.Config) []string {
	names := slices.Clone(copied)
	for _, d := range cfg.Storage.Directories {
		names = append(names, d.Path)
	}
	for _, f := range cfg.Storage.Files {
		names = append(names, f.Path)
	}
	for _, l := range cfg.Storage.Links {
		names = append(names, l.Path)
	}
	for _, a := range cfg.Storage.Archives {
		names = append(names, a.Path)
	}
	for _, u := range cfg.Passwd.Users {
		names = append(names, config.ValueOr(u.HomeDir, "/home/"+u.Name))
	}
	return names
}

// A copier copies what stays of a root: nodes without what is in them, but for copied.
type copier struct {
	from *rootfs.Root
	to   string
	plan *clearing.Plan
}

// maxLinks is how many links the kernel follows.
const maxLinks = 40

// copy copies the nodes on the way to a path.
func (c copier) copy(name string, links int) error {
	parts := strings.Split(strings.Trim(path.Clean(name), "/"), "/")
	at := "/"
	for i, part := range parts {
		at = path.Join(at, part)
		source := c.source(at)
		if source == "" {
			return nil
		}
		st, err := c.from.Lstat(source)
		if err != nil || st == nil {
			return err
		}
		to := filepath.Join(c.to, at)
		switch {
		case system.Exists(to): // by an earlier path
		case st.IsLink():
			if err := os.Symlink(st.Target, to); err != nil {
				return err
			}
		case st.IsDir():
			if err := os.Mkdir(to, 0o700); err != nil {
				return err
			}
		case slices.Contains(copied, at):
			text, err := c.from.ReadFile(source)
			if err == nil {
				err = os.WriteFile(to, text, 0o600)
			}
			if err != nil {
				return err
			}
		default:
			if err := os.WriteFile(to, nil, 0o600); err != nil {
				return err
			}
		}
		if err := likeNode(to, st); err != nil {
			return err
		}
		if st.IsLink() && links < maxLinks {
			rest := path.Join(append([]string{st.Target}, parts[i+1:]...)...)
			if !path.IsAbs(st.Target) {
				rest = path.Join(path.Dir(at), rest)
			}
			return c.copy(rest, links+1)
		}
	}
	return nil
}

// likeNode gives a copy the owner and mode of a node. Who is not root has no others.
func likeNode(name string, st *rootfs.Stat) error {
	err := os.Lchown(name, int(st.Uid), int(st.Gid))
	if st.IsLink() || errors.Is(err, os.ErrPermission) {
		return nil
	}
	if err == nil {
		err = os.Chmod(name, fs.FileMode(st.Mode&0o777))
	}
	return err
}

// source is where the node that will be at a path is now, "" if none will be there.
func (c copier) source(name string) string {
	for _, s := range c.plan.Stays {
		if rootfs.Within(name, s.Path) || rootfs.Within(s.Path, name) {
			return name
		}
	}
	if c.plan.EtcFrom != "" && rootfs.Within(name, "/etc") {
		return c.plan.EtcFrom + strings.TrimPrefix(name, "/etc")
	}
	for _, g := range c.plan.Goes {
		if rootfs.Within(name, g.Path) {
			return ""
		}
	}
	return name
}

// reset draws what goes and what stays, and then the plan of the config.
func (d drawing) reset(r *resetResult) string {
	var b strings.Builder
	if r.Layout != "" {
		rows := [][]string{}
		for _, g := range r.Goes {
			note := ""
			if g.Path == "/etc" && r.EtcFrom != "" {
				note = "made anew from " + r.EtcFrom
			}
			rows = append(rows, partRow(g, note))
		}
		b.WriteString(d.wrap("", fmt.Sprintf("Reset to %s (%s).", r.Config, r.Layout)))
		all := clearing.Sum(r.Goes)
		if len(rows) == 0 {
			b.WriteString("Nothing is removed: the root has nothing but what stays.\n")
		} else {
			b.WriteString(d.color.bold(red, "this removes: "+all.String()) + "\n" + partTable(rows))
		}
		rows = [][]string{}
		for _, s := range r.Stays {
			rows = append(rows, partRow(s, string(s.Reason)))
		}
		if len(rows) > 0 {
			b.WriteString("this stays:\n" + partTable(rows))
		}
		id := "the machine gets another ID"
		if r.MachineID {
			id = "the machine keeps its ID"
		}
		b.WriteString(d.wrap("machine ID: ", id) + "\n")
	}
	return b.String() + d.plan(r.planResult)
}

// partRow is a row of partTable.
func partRow(p clearing.Part, note string) []string {
	counts := []string{strconv.FormatInt(p.Files, 10), system.FormatSize(uint64(p.Bytes))}
	if p.Reason == clearing.Mounted || p.Reason == clearing.Image {
		counts = []string{"", ""} // what it has is not looked at
	}
	return []string{printable(p.Path), counts[0], counts[1], note}
}

// partTable prints paths, files, bytes and notes as columns; numbers are aligned right.
func partTable(rows [][]string) string {
	rows = append([][]string{{"path", "files", "size", ""}}, rows...)
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := margin + row[0] + strings.Repeat(" ", widths[0]-width(row[0]))
		for i, cell := range row[1:3] {
			line += margin + strings.Repeat(" ", widths[i+1]-width(cell)) + cell
		}
		b.WriteString(strings.TrimRight(line+margin+row[3], " ") + "\n")
	}
	return b.String()
}

// resetEnd says what has come of it.
func (d drawing) resetEnd(r *resetResult, refused, preview bool) string {
	var b strings.Builder
	if r.Replaces != "" && r.Armed {
		b.WriteString("An earlier reset was pending; this one has taken its place.\n")
	}
	switch {
	case refused:
		b.WriteString("The config was refused, and nothing was written.\n")
	case len(r.Conflicts) > 0:
		b.WriteString("Nothing was written.\n")
	case preview:
		b.WriteString("This is a preview, and nothing was written.\n")
	case r.Armed:
		b.WriteString(d.wrap("", "The reset is pending ("+r.Request+"). It begins when the machine boots the next time: reboot it. Until then \"firstlightctl reset --cancel\" takes it back."))
	}
	return b.String()
}
