package metadata

import (
	"context"
	"fmt"
	"os"

	"github.com/firstlight-os/firstlight/internal/network"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// networkAction writes the files that a program reads to a directory, which is created also
// for none.
func networkAction(program string, render func(m *Machine) ([]network.File, error)) func(context.Context, *Machine, string) error {
	return func(_ context.Context, m *Machine, dir string) error {
		doing := "writing the network of this machine for " + program
		files, err := render(m)
		if err == nil {
			err = network.Write(dir, files)
		}
		if err != nil {
			return &report.Error{Doing: doing, Err: err}
		}
		if len(files) == 0 {
			m.Log.Info(m.Env.Platform.Name + " says nothing of the network of this machine")
			return nil
		}
		m.Log.Info(fmt.Sprintf("wrote %s for %s to %s", system.Plural(len(files), "file"), program, dir))
		return nil
	}
}

// rendered is for renderers of a network.
func rendered(render func(*network.Config) []network.File) func(m *Machine) ([]network.File, error) {
	return func(m *Machine) ([]network.File, error) {
		c, err := m.Asker.Network()
		if err != nil || c == nil {
			return nil, err
		}
		return render(c), nil
	}
}

// KargsFile is read by dracut, below its root.
const KargsFile = "/etc/cmdline.d/50-afterburn-network-kargs.conf"

// WriteKargs writes the kernel arguments for the network to a file for dracut: those of the
// platform, and without any, or if they cannot be made, the given ones. A person who boots
// with ip= has said what the network is.
func WriteKargs(ctx context.Context, o Options, name, unset string) error {
	arguments, err := system.KernelArguments()
	if err != nil {
		return err
	}
	if _, given := arguments["ip"]; given {
		o.Log.Warn("the kernel command line has ip=, so that the platform is not asked for the network")
		return nil
	}
	text := unset
	if o.Platform.Instance != nil {
		if text, err = askForKargs(ctx, o); err != nil {
			o.Log.Warn(fmt.Sprintf("the network of this machine is what the image has set, %q: %v", unset, err))
		}
		if text == "" {
			text = unset
		}
	}
	if err := system.WriteFile(name, []byte(text+"\n"), 0o644); err != nil {
		return &report.Error{Doing: "writing kernel arguments for the network", Err: err}
	}
	o.Log.Info(fmt.Sprintf("wrote the kernel arguments %q to %s", text, name))
	return nil
}

func askForKargs(ctx context.Context, o Options) (string, error) {
	m, answers, err := newMachine(ctx, o, "rd-network-kargs")
	if err != nil {
		return "", err
	}
	loadModules(ctx, m, o.Platform.Modules)
	text, err := m.Asker.NetworkKargs()
	if keepErr := answers.Close(err); keepErr != nil {
		o.Log.Warn(keepErr.Error())
	}
	return text, err
}

// loadModules is for before udev, which loads them otherwise. Those that are built in, or
// not there, are no failure: whether the drive comes is.
func loadModules(ctx context.Context, m *Machine, modules []string) {
	if _, err := os.Stat("/run/udev/control"); err == nil || len(modules) == 0 {
		return
	}
	if _, err := m.Env.Run.Run(ctx, system.Command{Name: "modprobe", Args: append([]string{"--all", "--quiet"}, modules...)}); err != nil {
		m.Log.Debug(fmt.Sprintf("loading the modules of drives: %v", err))
	}
}
