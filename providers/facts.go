package providers

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/internal/fetch"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// Facts are what configs ask of this machine; config.FactNames are all there are. What was
// asked once is the same in the whole boot.
type Facts struct {
	// Known are those that were asked for, by name.
	Known map[string]string
	// Answers is the directory of those of the platform.
	Answers string
}

// A factSource is where a fact comes from: from the machine itself, or from an attribute of
// the instance with one of some names, behind the prefix of the platform.
type factSource struct {
	name       string
	machine    func(ctx context.Context, env *Env) (string, error)
	attributes []string
	isAddress  bool
}

// factSources is the table of them. Values of an instance that more than one attribute
// could have are those of the first that is there.
var factSources = []factSource{
	{name: "platform", machine: func(_ context.Context, env *Env) (string, error) { return env.Platform.ID, nil }},
	{name: "architecture", machine: func(context.Context, *Env) (string, error) { return runtime.GOARCH, nil }},
	{name: "hostname"},
	// What the API of OpenStack calls a machine by is its UUID: INSTANCE_ID is as EC2 has it.
	{name: "instance-id", attributes: []string{"OPENSTACK_INSTANCE_UUID", "INSTANCE_ID"}},
	{name: "region", attributes: []string{"REGION", "REGION_ID", "REGION_CODE"}},
	{name: "zone", attributes: []string{"AVAILABILITY_ZONE", "ALIYUN_ZONE_ID", "SCALEWAY_ZONE_ID", "AVAILABILITY_DOMAIN"}},
	{name: "private-ipv4", attributes: []string{"IPV4_PRIVATE", "PRIVATE_IPV4", "IPV4_LOCAL", "LOCAL_IPV4", "IP_LOCAL"}, isAddress: true},
	{name: "private-ipv6", attributes: []string{"IPV6_PRIVATE"}, isAddress: true},
	{name: "public-ipv4", attributes: []string{"IPV4_PUBLIC", "PUBLIC_IPV4", "EIPV4", "IP_EXTERNAL"}, isAddress: true},
	{name: "public-ipv6", attributes: []string{"IPV6_PUBLIC", "PUBLIC_IPV6", "AWS_IPV6", "AKAMAI_IPV6_SLAAC"}, isAddress: true},
	{name: "address", machine: routeAddress},
	{name: "mac", machine: routeMAC},
	{name: "serial", machine: serialNumber},
}

// hostnameArgument is the kernel argument that counts before every other hostname.
const hostnameArgument = "systemd.hostname"

// Get returns a fact. It needs the network if the error wraps fetch.ErrNeedNetwork.
func (f *Facts) Get(ctx context.Context, env *Env, name string) (string, error) {
	if value, known := f.Known[name]; known {
		return value, nil
	}
	i := slices.IndexFunc(factSources, func(s factSource) bool { return s.name == name })
	if i < 0 {
		return "", fmt.Errorf("%w: nothing is known of the fact %q", report.ErrBug, name)
	}
	value, err := f.ask(ctx, env, &factSources[i])
	if errors.Is(err, fetch.ErrNeedNetwork) {
		return "", err
	}
	if err != nil {
		return "", &report.Error{Err: err, Hint: "facts that this machine can have: " + strings.Join(env.factNames(), ", ") + "; write the value itself, or \"when\" with the platforms that have it"}
	}
	if f.Known == nil {
		f.Known = map[string]string{}
	}
	f.Known[name] = value
	env.Log.Info(fmt.Sprintf("the fact %s is %s", name, system.PrintableLine(value)))
	return value, nil
}

// fact is Get for the facts of the boot.
func (env *Env) fact(ctx context.Context) func(name string) (string, error) {
	return func(name string) (string, error) { return env.Facts.Get(ctx, env, name) }
}

// ask asks the machine or its platform.
func (f *Facts) ask(ctx context.Context, env *Env, s *factSource) (value string, err error) {
	argument := env.Arguments[hostnameArgument]
	switch {
	case s.machine != nil:
		return s.machine(ctx, env)
	case s.name == "hostname" && argument != "":
		return argument, nil
	case !env.Platform.Instance.hasFact(s):
		return "", fmt.Errorf("the platform %s does not tell it", env.Platform.ID)
	}
	err = f.withAsker(ctx, env, func(a *Asker) (err error) {
		value, err = a.fact(s)
		return err
	})
	if err == nil && value == "" {
		err = fmt.Errorf("%s has none for this machine", env.Platform.Name)
	}
	return value, err
}

// withAsker asks the platform of env for what no program has asked in this boot.
func (f *Facts) withAsker(ctx context.Context, env *Env, ask func(*Asker) error) error {
	answers := new(Answers)
	if f != nil && f.Answers != "" {
		opened, err := OpenAnswers(ctx, f.Answers, "", env.Log)
		if err != nil {
			return err
		}
		answers = opened
	}
	err := ask(NewAsker(ctx, env, answers))
	if keepErr := answers.Close(err); keepErr != nil {
		env.Log.Warn(keepErr.Error())
	}
	return err
}

// factNames are the facts that there can be on this machine.
func (env *Env) factNames() []string {
	var names []string
	for i := range factSources {
		s := &factSources[i]
		if s.machine != nil || s.name == "hostname" && env.Arguments[hostnameArgument] != "" || env.Platform.Instance.hasFact(s) {
			names = append(names, s.name)
		}
	}
	return names
}

// hasFact reports whether a platform has a fact for machines, at least for some of them.
func (i *Instance) hasFact(s *factSource) bool {
	for ; i != nil; i = i.otherwise {
		isHostname := s.name == "hostname" && (i.hostname != "" || i.hostnameBy != nil)
		if isHostname || slices.Contains(i.moreFacts, s.name) || i.factRow(s) != nil || slices.ContainsFunc(i.attributes, func(r row) bool { return s.rank(r.name) >= 0 }) {
			return true
		}
	}
	return false
}

// factRow is the row of a fact; nil if there is none.
func (i *Instance) factRow(s *factSource) *factRow {
	for k := range i.facts {
		if i.facts[k].fact == s.name {
			return &i.facts[k]
		}
	}
	return nil
}

// rank is the place of an attribute among those that a fact could be, -1 for none.
func (s *factSource) rank(attribute string) int {
	attribute = "_" + strings.TrimSuffix(attribute, "_0")
	return slices.IndexFunc(s.attributes, func(name string) bool { return strings.HasSuffix(attribute, "_"+name) })
}

// fact asks for an attribute, and for no others that are elsewhere.
func (a *Asker) fact(s *factSource) (string, error) {
	if s.name == "hostname" {
		return a.Hostname()
	}
	if err := a.choose(); err != nil {
		return "", err
	}
	if r := a.instance.factRow(s); r != nil {
		value, err := a.value(r.at)
		if r.part != nil && value != "" {
			value = r.part(value)
		}
		return s.plain(value), err
	}
	for rank := range s.attributes {
		for _, r := range a.instance.attributes {
			if s.rank(r.name) != rank {
				continue
			}
			if value, err := a.value(r.at); err != nil || value != "" {
				return s.plain(value), err
			}
		}
	}
	if !slices.Contains(a.instance.moreFacts, s.name) {
		return "", nil
	}
	more, err := a.instance.moreAttributes(a)
	for _, m := range more {
		if err == nil && s.rank(m.Name) >= 0 {
			return s.plain(m.Value), nil
		}
	}
	return "", err
}

// plain is a value without the length of its network, which some addresses come with.
func (s *factSource) plain(value string) string {
	if s.isAddress {
		value, _, _ = strings.Cut(value, "/")
	}
	return value
}

// serialFiles have the serial number of a machine, and emptySerials are what firmware has
// there that knows none.
var (
	serialFiles  = []string{"/sys/class/dmi/id/product_serial", "/proc/device-tree/serial-number"}
	emptySerials = []string{"", "0", "none", "not specified", "default string", "system serial number", "to be filled by o.e.m."}
)

// serialNumber is that of the firmware. As udev does it in names of devices, blanks and
// what means something to a shell is an underscore.
func serialNumber(_ context.Context, env *Env) (string, error) {
	for _, name := range serialFiles {
		text, err := system.ReadFile(filepath.Join(env.Root, name), system.SettingsText)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		serial := strings.Trim(string(text), " \t\r\n\x00")
		if slices.Contains(emptySerials, strings.ToLower(serial)) {
			continue
		}
		return strings.Map(func(c rune) rune {
			if c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("+-.:=@_", c)) {
				return c
			}
			return '_'
		}, strings.Join(strings.Fields(serial), "_")), nil
	}
	return "", errors.New("the firmware of this machine has no serial number")
}

// A defaultRoute is where packets leave this machine for everywhere else.
type defaultRoute struct {
	link string
	// network and probe are for a socket that would use it.
	network, probe string
}

// routeTables are those of the kernel, that of IPv4 first. The columns are those of a
// destination, its length or mask, the metric, the flags and the interface.
var routeTables = []struct {
	file                                     string
	destination, length, metric, flags, link int
	base                                     int // of the metric
	network, probe                           string
}{
	{"/proc/net/route", 1, 7, 6, 3, 0, 10, "udp4", "192.0.2.1:9"},
	{"/proc/net/ipv6_route", 0, 1, 5, 8, 9, 16, "udp6", "[2001:db8::1]:9"},
}

// findRoute returns the default route of least metric, that of IPv4 if there are both.
func findRoute(env *Env) (found defaultRoute, ok bool, err error) {
	const rejects, up = 0x0200, 0x0001 // RTF_REJECT, RTF_UP
	for _, t := range routeTables {
		text, err := system.ReadFile(filepath.Join(env.Root, t.file), maxRoutes)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return found, false, err
		}
		least := uint64(1 << 32)
		for line := range strings.Lines(string(text)) {
			columns := strings.Fields(line)
			if len(columns) <= max(t.link, t.length, t.flags) || strings.Trim(columns[t.destination]+columns[t.length], "0") != "" {
				continue
			}
			flags, flagsErr := strconv.ParseUint(columns[t.flags], 16, 64)
			metric, metricErr := strconv.ParseUint(columns[t.metric], t.base, 64)
			if flagsErr == nil && metricErr == nil && flags&up != 0 && flags&rejects == 0 && columns[t.link] != "lo" && metric < least {
				found, least = defaultRoute{columns[t.link], t.network, t.probe}, metric
			}
		}
		if found.link != "" {
			return found, true, nil
		}
	}
	return found, false, nil
}

// maxRoutes is the most that is read of routes, in bytes.
const maxRoutes = 4 << 20

// awaitRoute waits for a default route.
func awaitRoute(ctx context.Context, env *Env) (found defaultRoute, err error) {
	if env.Fetch.Offline {
		found, ok, err := findRoute(env)
		if err == nil && !ok {
			err = fmt.Errorf("looking for the default route: %w", fetch.ErrNeedNetwork)
		}
		return found, err
	}
	wait := system.Wait{What: "a default route", Limit: env.Fetch.NetworkWait, Warn: env.Log.Warn, Waited: env.Log.Waited}
	err = wait.Until(ctx, func() (state string, done bool, err error) {
		found, done, err = findRoute(env)
		return "", done, err
	})
	return found, err
}

// routeMAC is the address of the interface of the default route.
func routeMAC(ctx context.Context, env *Env) (string, error) {
	to, err := awaitRoute(ctx, env)
	if err != nil {
		return "", err
	}
	text, err := system.ReadFile(filepath.Join(env.Root, "/sys/class/net", to.link, "address"), system.SettingsText)
	if err != nil {
		return "", err
	}
	mac := strings.TrimSpace(string(text))
	if digits, err := hex.DecodeString(strings.ReplaceAll(mac, ":", "")); err != nil || strings.Trim(string(digits), "\x00") == "" {
		return "", fmt.Errorf("the interface %s of the default route has no MAC address", to.link)
	}
	return mac, nil
}

// routeAddress is the address that the kernel would give a packet over the default route.
func routeAddress(ctx context.Context, env *Env) (string, error) {
	to, err := awaitRoute(ctx, env)
	if err != nil {
		return "", err
	}
	source := env.source
	if source == nil {
		source = sourceOf
	}
	address, err := source(to.network, to.probe)
	if err != nil {
		return "", fmt.Errorf("looking for the address of %s, which the default route leads over: %w", to.link, err)
	}
	return address.String(), nil
}

// sourceOf is the address of a socket of UDP, which sends nothing yet.
func sourceOf(network, probe string) (netip.Addr, error) {
	conn, err := net.Dial(network, probe)
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return local.Addr().Unmap().WithZone(""), err
}

// fillURL puts facts into the URL of a kernel argument.
func fillURL(ctx context.Context, env *Env, argument, url string) (string, error) {
	filled, err := config.FillURL(url, env.fact(ctx))
	if err != nil {
		err = &report.Error{Origin: config.Origin{Source: "kernel command line", Path: argument}, Err: fmt.Errorf("the kernel argument %s=%s: %w", argument, fetch.Redact(url), err)}
	}
	return filled, err
}
