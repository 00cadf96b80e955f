//go:build linux

package system

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// cmdlineVariable names a file to read instead of /proc/cmdline.
const cmdlineVariable = "IGNITION_KERNEL_CMDLINE_PATH"

// CommandLine returns the kernel command line.
func CommandLine() (string, error) {
	path := os.Getenv(cmdlineVariable)
	if path == "" {
		path = "/proc/cmdline"
	}
	text, err := ReadFile(path, KernelText)
	if err != nil {
		return "", fmt.Errorf("reading the kernel command line: %w", err)
	}
	return string(text), nil
}

// OtherCommandLine reports whether CommandLine is not that of this kernel.
func OtherCommandLine() bool { return os.Getenv(cmdlineVariable) != "" }

// KernelArguments reads the kernel command line, as ParseKernelArguments does.
func KernelArguments() (map[string]string, error) {
	text, err := CommandLine()
	if err != nil {
		return nil, err
	}
	return ParseKernelArguments(text), nil
}

// ParseKernelArguments reads a kernel command line: words separated by white space, of
// which the last of a name counts. A word without "=" has the value "".
func ParseKernelArguments(line string) map[string]string {
	arguments := map[string]string{}
	for word := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(word, "=")
		arguments[name] = value
	}
	return arguments
}

// SecondsArgument returns the value of a kernel argument that is a time in seconds.
func SecondsArgument(arguments map[string]string, name string, unset time.Duration) (time.Duration, error) {
	text, given := arguments[name]
	if !given {
		return unset, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("the kernel argument %s=%s is not a number of seconds", name, text)
	}
	return time.Duration(seconds) * time.Second, nil
}
