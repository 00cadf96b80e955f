package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// monitorPatience is how long QEMU may take to answer.
const monitorPatience = 10 * time.Second

// PressPowerButton asks the system in a machine to shut down, by the monitor of the
// machine (QMP).
func PressPowerButton(ctx context.Context, monitor string) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", monitor)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(monitorPatience)); err != nil {
		return err
	}
	// It greets first, then answers each command; events may come between.
	lines := bufio.NewScanner(c)
	if !lines.Scan() {
		return fmt.Errorf("the monitor of QEMU does not greet: %w", lines.Err())
	}
	for _, command := range []string{"qmp_capabilities", "system_powerdown"} {
		if _, err := fmt.Fprintf(c, "{\"execute\": %q}\n", command); err != nil {
			return err
		}
		if err := answer(lines); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
	return nil
}

func answer(lines *bufio.Scanner) error {
	for lines.Scan() {
		var a struct {
			Return json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return err
		}
		switch {
		case a.Error != nil:
			return fmt.Errorf("QEMU says: %s", a.Error.Desc)
		case a.Return != nil:
			return nil
		}
	}
	return fmt.Errorf("the monitor of QEMU does not answer: %v", lines.Err())
}
