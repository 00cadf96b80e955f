package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/internal/system"
)

// An ending is a way to end this boot at once.
type ending struct {
	doing string
	verb  string // of systemctl
	how   int    // of reboot(2)
}

var (
	restart  = ending{"rebooting", "reboot", unix.LINUX_REBOOT_CMD_RESTART}
	powerOff = ending{"powering off", "poweroff", unix.LINUX_REBOOT_CMD_POWER_OFF}
)

// endLimit is for how long the manager may take to end this process.
const endLimit = 5 * time.Minute

// now ends the boot. Where that works it does not return: no stage may run before.
func (e ending) now(ctx context.Context, run system.Runner) error {
	unix.Sync()
	if system.Exists("/run/systemd/system") { // see sd_booted(3)
		if _, err := run.Run(ctx, system.Command{Name: "systemctl", Args: []string{e.verb, "--force"}}); err != nil {
			return err
		}
		time.Sleep(endLimit)
		return fmt.Errorf("%s: systemd has not ended this process within %v", e.doing, endLimit)
	}
	if err := unix.Reboot(e.how); err != nil {
		return fmt.Errorf("%s: %w", e.doing, err)
	}
	return nil
}
