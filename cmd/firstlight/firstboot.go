package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/files/rootfs"
	"github.com/firstlight-os/firstlight/internal/bootloader"
	"github.com/firstlight-os/firstlight/internal/distribution"
	"github.com/firstlight-os/firstlight/internal/firstboot"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/reset"
	"github.com/firstlight-os/firstlight/internal/system"
)

// markFirstBoot is firstlight-firstboot, for the units of the dracut module and of
// the booted system:
//
//	firstlight-firstboot decide   in the initramfs: starts the targets of this boot
//	firstlight-firstboot end      in the booted system: the next boot is not the first
//
// How first boots are marked is a setting of the distribution. For people there is
// firstlightctl firstboot.
func markFirstBoot(args []string) int {
	f := newFlags("firstlight-firstboot")
	verbs, status, done := parseAnywhere(f, args)
	if done {
		return status
	}
	if len(verbs) != 1 {
		return usage(errors.New("one of decide and end is expected"))
	}
	settings, err := distribution.Read(filepath.Join(distribution.Dir, distribution.File))
	if err == nil {
		var way firstboot.Way
		if way, err = firstboot.Of(settings); err == nil {
			err = markBy(way, verbs[0], report.NewLogger(false).With("firstboot"))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "firstlight-firstboot: "+system.PrintableLine(err.Error()))
		return exitFailed
	}
	return exitOK
}

func markBy(way firstboot.Way, verb string, log *report.Logger) error {
	switch verb {
	case "end":
		root, err := rootfs.Open("/")
		if err != nil {
			return err
		}
		defer root.Close()
		later, err := isLater(way, root)
		if err != nil {
			return err
		}
		return end(way, root, later, log)
	case "decide":
		return decide(context.Background(), way, log)
	}
	return fmt.Errorf("%q is neither decide nor end", verb)
}

// isLater reports whether this boot is none of a reset any more, but has what is left of one:
// its kernel argument or its request.
func isLater(way firstboot.Way, root *rootfs.Root) (bool, error) {
	if root.Exists(firstBootFile) {
		return false, nil
	}
	arguments, err := system.KernelArguments()
	_, argued := arguments[reset.Argument]
	return argued || way.HasRequest(root), err
}

// end has the next boot not be the first one. What this one has done is on the disks
// before its mark is gone: a power cut leaves a machine that is provisioned, or one that
// will be.
//
// A later boot is the one after a reset whose end was interrupted, or that was being asked for
// when the power failed: there is no mark, and all else goes now.
func end(way firstboot.Way, root *rootfs.Root, later bool, log *report.Logger) error {
	unix.Sync()
	armed, seen, err := way.Armed(root)
	if later && armed && err == nil {
		log.Info("the next boot is to be the first one again, so that nothing is removed: " + seen)
		return nil
	}
	if err == nil {
		err = way.Disarm(root)
	}
	if err != nil {
		return fmt.Errorf("ending the first boot: %w", err)
	}
	if later {
		log.Info("what is left of a reset is removed")
	} else {
		log.Info("the first boot has ended; its mark was: " + seen)
	}
	return nil
}

// firstBootFile has ignition-firstboot-end.service of the booted system run.
const firstBootFile = "/run/ignition/firstboot"

// decide looks at the root filesystem, and starts the target for this boot. The
// generator could not, since there was no root filesystem yet.
func decide(ctx context.Context, way firstboot.Way, log *report.Logger) error {
	arguments, err := system.KernelArguments()
	if err != nil {
		return err
	}
	first, seen := false, ""
	m := bootloader.Machine{RootArgument: arguments["root"], RootFlags: arguments["rootflags"]}
	err = m.InRoot(func(root *rootfs.Root) (err error) {
		if ostree := arguments["ostree"]; ostree != "" {
			if root, err = firstboot.Deployment(root, ostree); err != nil {
				return err
			}
			defer root.Close()
		}
		first, seen, err = way.Armed(root)
		return err
	})
	if err != nil {
		return fmt.Errorf("finding out whether this is the first boot: %w", err)
	}
	target, what := "ignition-subsequent.target", "not the first boot"
	if first {
		target, what = "ignition-complete.target", "the first boot"
	}
	if first {
		if err := system.WriteFile(firstBootFile, nil, 0o600); err != nil {
			return err
		}
	}
	log.Info(fmt.Sprintf("this is %s: on the root filesystem, %s", what, seen))
	_, err = system.Exec{Log: log}.Run(ctx, system.Command{Name: "systemctl", Args: []string{"start", "--no-block", target}})
	return err
}
