// Package console reads on the serial console of a machine how its first boot goes.
//
// It understands what the agent logs, where the journal or the kernel shows its log on
// the console, the failure box, and what systemd says of the agent's units. The last is
// all that there is of another agent than ours.
//
// What a machine prints can be forged by whatever runs in it; everything that an Event
// has is printable.
//
// The package may import internal/report (for the box) and internal/system.
package console
