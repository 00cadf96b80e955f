package metadata

import (
	"context"
	"fmt"
	"strings"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// maxHostname is the most that a kernel takes (HOST_NAME_MAX), in bytes.
const maxHostname = 64

// writeHostname writes what the kernel and systemd take for a hostname, or nothing.
func writeHostname(_ context.Context, m *Machine, name string) error {
	const doing = "writing the hostname of this machine"
	given, err := m.Asker.Hostname()
	if err != nil {
		return &report.Error{Doing: doing, Err: err, Hint: platformHint}
	}
	if given == "" {
		m.Log.Info(m.Env.Platform.Name + " has no hostname for this machine")
		return nil
	}
	hostname, err := m.checkedHostname(given)
	if err != nil {
		return &report.Error{Doing: doing, Err: err}
	}
	if err := writeFile(name, hostname+"\n"); err != nil {
		return &report.Error{Doing: doing, Err: err, Hint: platformHint}
	}
	m.Log.Info(fmt.Sprintf("wrote the hostname %s to %s", hostname, name))
	return nil
}

// checkedHostname says what of a hostname a machine cannot have.
func (m *Machine) checkedHostname(given string) (string, error) {
	hostname, err := CheckHostname(given)
	if err != nil {
		return "", &report.Error{Err: err, Hint: "give the machine another name at " + m.Env.Platform.Name}
	}
	if len(given) > maxHostname {
		m.Log.Warn(fmt.Sprintf("the hostname %s has %d bytes, of which a machine can have %d; it is %s", given, len(given), maxHostname, hostname))
	}
	return hostname, nil
}

// CheckHostname returns a hostname that a machine can have: at most 64 bytes of the given
// one, up to a dot if there is one in them. What is no hostname is an error.
func CheckHostname(given string) (string, error) {
	refuse := func(why string) (string, error) {
		return "", fmt.Errorf("%q is no hostname: %s", system.PrintableLine(given), why)
	}
	for _, r := range given {
		switch {
		case r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
		case r >= 0x80:
			return refuse("it has characters that are not ASCII; DNS writes them as xn--...")
		default:
			return refuse("it may have letters, digits, dots and dashes")
		}
	}
	hostname := strings.TrimSuffix(given, ".")
	if len(hostname) > maxHostname {
		hostname, _, _ = strings.Cut(hostname[:maxHostname], ".")
		hostname = strings.TrimRight(hostname, "-")
	}
	if hostname == "" {
		return refuse("it has no letter")
	}
	for label := range strings.SplitSeq(hostname, ".") {
		if label == "" || label[0] == '-' || strings.HasSuffix(label, "-") {
			return refuse("each part between dots begins and ends with a letter or digit")
		}
	}
	return hostname, nil
}
