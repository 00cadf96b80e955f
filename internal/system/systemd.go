//go:build linux

package system

import (
	"context"
	"fmt"
	"strings"
)

// UnitsActive reports whether systemd runs one of the units, or is about to.
func UnitsActive(ctx context.Context, run Runner, units ...string) (bool, error) {
	args := append([]string{"show", "--property=ActiveState,Job"}, units...)
	states, err := run.Run(ctx, Command{Name: "systemctl", Args: args})
	return err == nil && anyActive(string(states)), err
}

// anyActive reads the output of systemctl show.
func anyActive(states string) bool {
	for line := range strings.Lines(states) {
		property, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if property == "ActiveState" && (value == "active" || value == "activating") {
			return true
		}
		if property == "Job" && value != "" && value != "0" {
			return true
		}
	}
	return false
}

// FailedUnits returns the units of systemd that have failed.
func FailedUnits(ctx context.Context, run Runner) ([]string, error) {
	list, err := run.Run(ctx, Command{Name: "systemctl", Args: []string{"list-units", "--state=failed", "--plain", "--no-legend"}})
	var units []string
	for line := range strings.Lines(string(list)) {
		unit, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		units = append(units, PrintableLine(unit))
	}
	return units, err
}

// BootID returns the kernel's name for this boot.
func BootID() (string, error) {
	id, err := ReadFile("/proc/sys/kernel/random/boot_id", KernelText)
	if err != nil {
		return "", fmt.Errorf("reading the boot id: %w", err)
	}
	return strings.TrimSpace(string(id)), nil
}
