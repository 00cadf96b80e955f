//go:build linux

package system

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// systemdSocket is where systemd answers root, whether there is a bus or not.
const systemdSocket = "/run/systemd/private"

// systemdPatience is how long systemd may take to answer.
const systemdPatience = 30 * time.Second

// UnitsActive reports whether systemd runs one of the units, or is about to. It is asked at
// a socket; "" is its own. To start the program systemctl, which asks there as well, would
// take several times as long as all else of a stage that has nothing to do.
func UnitsActive(ctx context.Context, socket string, units ...string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, systemdPatience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", cmp.Or(socket, systemdSocket))
	if err != nil {
		return false, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	answer, err := callSystemd(conn, "ListUnitsByNames", units)
	if err != nil {
		return false, cmp.Or(ctx.Err(), err)
	}
	return anyActive(answer)
}

// anyActive reads the answer of ListUnitsByNames: for each unit its name, description, load
// state, state, state of its kind, unit that it follows and object; the number of its job, 0
// for none, its kind and object.
func anyActive(units *dbusReader) (active bool, err error) {
	end := units.number()
	units.take(8, 0)
	for end += units.at; units.at < end && !units.damaged; {
		units.take(8, 0)
		var texts [7]string
		for i := range texts {
			texts[i] = units.text()
		}
		state, job := texts[3], units.number()
		units.text()
		units.text()
		active = active || state == "active" || state == "activating" || job != 0
	}
	if units.damaged {
		return false, errors.New("the answer of systemd is cut off")
	}
	return active, nil
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
