package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/metadata"
	"github.com/firstlight-os/firstlight/providers"
	"github.com/firstlight-os/firstlight/stages"
)

// An afterburnName is a name of the program afterburn, with the kernel arguments that
// --cmdline reads and the platforms that have other IDs there.
type afterburnName struct {
	name      string
	arguments []string
	ids       map[string]string
}

var (
	afterburn = afterburnName{"afterburn", []string{"ignition.platform.id"}, nil}
	// Flatcar's name.
	coreosMetadata = afterburnName{"coreos-metadata", []string{"flatcar.oem.id", "coreos.oem.id", "ignition.platform.id"}, map[string]string{"ec2": "aws", "gce": "gcp"}}
)

// afterburnCommands are the sub-commands, by their words.
var afterburnCommands = map[string]func(n afterburnName, args []string) (int, error){
	"multi":                afterburnName.multi,
	"exp rd-network-kargs": afterburnName.networkKargs,
	"render-ignition":      afterburnName.renderIgnition,
}

// run is the program. It exits with 1 also if it was called wrongly.
func (n afterburnName) run(args []string) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		args = append([]string{"multi"}, args...) // as it was called before there were others
	}
	words := 1
	if args[0] == "exp" && len(args) > 1 {
		words = 2
	}
	command, known := afterburnCommands[strings.Join(args[:words], " ")]
	var err error
	status := exitOK
	switch {
	case known:
		status, err = command(n, args[words:])
	case args[0] == "help":
		_, err = n.multi([]string{"-help"})
	default:
		err = fmt.Errorf("there is no command %q", strings.Join(args[:words], " "))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", n.name, system.PrintableLine(err.Error()))
		status = exitFailed
	}
	return status
}

// platformFlags are on each command: exactly one is needed.
type platformFlags struct {
	provider string
	cmdline  bool
}

func (p *platformFlags) define(f *flag.FlagSet) {
	f.StringVar(&p.provider, "provider", "", "the `ID` of the platform that this machine runs on")
	f.BoolVar(&p.cmdline, "cmdline", false, "take the ID of the platform from the kernel command line")
}

// id returns the ID of the platform.
func (p *platformFlags) id(n afterburnName) (string, error) {
	if p.cmdline == (p.provider != "") {
		return "", errors.New("exactly one of --provider and --cmdline is needed")
	}
	id := p.provider
	if p.cmdline {
		arguments, err := system.KernelArguments()
		if err != nil {
			return "", err
		}
		for _, name := range slices.Backward(n.arguments) {
			if arguments[name] != "" {
				id = arguments[name]
			}
		}
		if id == "" {
			return "", fmt.Errorf("the kernel command line has no %s=ID", strings.Join(n.arguments, ", nor "))
		}
	}
	if other := n.ids[id]; other != "" {
		id = other
	}
	return id, nil
}

// multi does what its flags say. The error is one of the call; others have been reported.
func (n afterburnName) multi(args []string) (int, error) {
	f := newFlags(n.name)
	var p platformFlags
	p.define(f)
	f.Bool("legacy-cli", false, "no effect")
	timeout := f.Duration("fetch-timeout", metadata.DefaultTimeout, "how long to ask a service that does not answer")
	values := map[string]*string{}
	switches := map[string]*bool{}
	for _, a := range metadata.Actions {
		if a.Value == "" {
			switches[a.Flag] = f.Bool(a.Flag, false, a.Usage)
		} else {
			values[a.Flag] = f.String(a.Flag, "", fmt.Sprintf("%s: `%s`", a.Usage, a.Value))
		}
	}
	if err := n.parse(f, args); err != nil || f.Lookup("version").Value.String() == "true" {
		return exitOK, err
	}
	id, err := p.id(n)
	if err != nil {
		return 0, err
	}
	o := metadata.Options{AnswersDir: providers.AnswersDir, Timeout: *timeout, Log: report.NewLogger(false).With("afterburn")}
	if o.Platform, err = providers.InstanceByID(id); err != nil {
		return 0, err
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for _, a := range metadata.Actions {
		switch {
		case !given[a.Flag]:
		case a.Value != "":
			o.Requests = append(o.Requests, metadata.Request{Action: a, Value: *values[a.Flag]})
		case *switches[a.Flag]:
			o.Requests = append(o.Requests, metadata.Request{Action: a})
		}
	}
	if o.Settings, err = stages.Settings(); err == nil {
		err = metadata.Run(context.Background(), o)
	}
	return afterburnFailed(o, err), nil
}

// parse parses flags, and prints what --version and --help want.
func (n afterburnName) parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return f.Set("version", "true") // there is nothing more to do
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err == nil && f.Lookup("version").Value.String() == "true" {
		fmt.Printf("%s %s (Firstlight %s)\n", n.name, afterburnVersion, system.Version)
	}
	return err
}

// afterburnVersion is the one whose command line, files and names these are.
const afterburnVersion = "5.10.0"

// reportFile is what the emergency shell of the initramfs shows.
const reportFile = "/run/ignition/report.txt"

// afterburnFailed reports how a run has failed, nil for well, and returns the exit status.
// In the initramfs it has stopped the boot, and is shown as a stage's failure is.
func afterburnFailed(o metadata.Options, err error) int {
	if err == nil {
		return exitOK
	}
	failure := report.NewFailure("metadata", err)
	failure.Log(o.Log)
	box := failure.Box()
	if !system.Exists("/etc/initrd-release") {
		fmt.Fprint(os.Stderr, box)
		return exitFailed
	}
	err = errors.Join(system.WriteFile(reportFile, []byte(box), 0o600), o.Log.Show(box, o.Settings.Is(distribution.Consoles, "quiet")))
	if err != nil {
		o.Log.Warn("showing the report: " + err.Error())
	}
	return exitFailed
}
