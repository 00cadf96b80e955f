package providers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/firstlight-os/firstlight/fetch"
	"github.com/firstlight-os/firstlight/report"
	"github.com/firstlight-os/firstlight/system"
)

// The kernel arguments that name a config.
const (
	urlArgument    = "ignition.config.url"
	deviceArgument = "ignition.config.device"
	pathArgument   = "ignition.config.path"
)

// labelWait bounds the wait for ignition.config.device.
const labelWait = 30 * time.Second

// fetchCmdline gets the config that the kernel command line names: by URL, or
// as a file on a filesystem found by its label.
func fetchCmdline(ctx context.Context, env *Env) (*Raw, error) {
	url, device, file := env.Arguments[urlArgument], env.Arguments[deviceArgument], env.Arguments[pathArgument]
	switch {
	case url != "":
		if device != "" || file != "" {
			env.Log.Warn(fmt.Sprintf("the kernel argument %s counts, %s and %s are ignored", urlArgument, deviceArgument, pathArgument))
		}
		return fetchURL(ctx, env, url)
	case device != "" && file != "":
		return fetchLabelled(ctx, env, device, file)
	case device != "" || file != "":
		return nil, &report.Error{Err: fmt.Errorf("the kernel argument %s=%s needs %s=%s beside it", deviceArgument, orDots(device), pathArgument, orDots(file)),
			Hint: "give both kernel arguments, or neither"}
	}
	return nil, nil
}

func orDots(s string) string {
	if s == "" {
		return "..."
	}
	return s
}

func fetchURL(ctx context.Context, env *Env, url string) (*Raw, error) {
	if !strings.Contains(url, ":") {
		return nil, &report.Error{Err: fmt.Errorf("the kernel argument %s=%s has no scheme", urlArgument, url),
			Hint: "write the whole URL, such as https://example.com/machine.ign"}
	}
	text, err := env.Fetch.Bytes(ctx, resource(url), maxConfig)
	if err != nil {
		return nil, err
	}
	return &Raw{Text: text, Name: fmt.Sprintf("user config (%s from the kernel command line)", fetch.Redact(url)), Source: "cmdline"}, nil
}

// fetchLabelled reads a file from the filesystem of a label.
func fetchLabelled(ctx context.Context, env *Env, label, file string) (raw *Raw, err error) {
	if label != path.Base(label) || label == "." || label == ".." {
		return nil, fmt.Errorf("the kernel argument %s=%s is not a filesystem label", deviceArgument, label)
	}
	link := filepath.Join("/dev/disk/by-label", label)
	if err := awaitLink(ctx, env, link); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "ignition-config")
	if err != nil {
		return nil, fmt.Errorf("making a mount point: %w", err)
	}
	defer os.Remove(dir)
	if _, err := env.Run.Run(ctx, system.Command{Name: "mount", Args: []string{"-o", "ro", "-t", "auto", link, dir}}); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unmount(dir)) }()
	text, err := os.ReadFile(filepath.Join(dir, path.Clean("/"+file)))
	if err != nil {
		return nil, &report.Error{Err: err, Hint: fmt.Sprintf("check %s on the filesystem %s", file, label)}
	}
	return &Raw{Text: text, Name: fmt.Sprintf("user config (%s on filesystem %s)", file, label), Source: "cmdline"}, nil
}

func unmount(dir string) error {
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting %s: %w", dir, err)
	}
	return nil
}

// awaitLink waits for udev to make a link.
func awaitLink(ctx context.Context, env *Env, link string) error {
	ctx, cancel := context.WithTimeout(ctx, labelWait)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for waited := 0; ; waited++ {
		if _, err := os.Stat(link); err == nil {
			return nil
		}
		if waited%5 == 4 {
			env.Log.Warn(fmt.Sprintf("waiting for %s, %d s of %v", link, waited+1, labelWait))
		}
		select {
		case <-ctx.Done():
			return &report.Error{Err: fmt.Errorf("no filesystem with this label appeared within %v (%s)", labelWait, link),
				Hint: fmt.Sprintf("check the kernel argument %s, and that the device is attached", deviceArgument)}
		case <-tick.C:
		}
	}
}
