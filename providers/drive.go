package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/blkprobe"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
	"github.com/firstlight-os/firstlight/internal/trust"
)

// A configDrive is a filesystem with a known label and a known file. It is found
// by the labels that block devices show, so that udev is not needed, and read by
// the kernel, which mounts it.
type configDrive struct {
	label string
	// files are looked for in this order.
	files []string
	// also are read with the file that was found, where they are there.
	also []string
	// skip reports whether a file is not for us. May be nil.
	skip func(text []byte) bool
	// limit is how long the drive is waited for.
	limit time.Duration
	// hint is what to do if there is none.
	hint string
}

const (
	// driveLimit is for drives that need not be there.
	driveLimit = 30 * time.Second
	// offlineLimit is for a drive that may make the network unnecessary.
	offlineLimit = time.Second
)

// errNoDrive is wrapped if no drive of the sort has appeared.
var errNoDrive = errors.New("it has not appeared")

// fetch waits for the drive and reads it. Nil means that it is there and has
// none of the files. Transient errors are retried until the limit, others are
// final.
func (c *configDrive) fetch(ctx context.Context, env *Env) (*UserData, error) {
	raw, err := c.await(ctx, env, newBlockScanner(env))
	if raw == nil && err == nil {
		env.Log.Info(fmt.Sprintf("the drive labelled %q has no config in %s", c.label, strings.Join(c.files, " nor in ")))
	}
	return raw, err
}

func (c *configDrive) await(ctx context.Context, env *Env, s *blockScanner) (*UserData, error) {
	w := &driveWait{
		what: fmt.Sprintf("the drive labelled %q", c.label), limit: c.limit, hint: c.hint, choose: c.choose,
		scan: func(ctx context.Context) []*scanResult {
			all := s.scan(func(r *scanResult) { c.read(s, r) })
			return append(all, c.readByUdev(ctx, env, all)...)
		},
	}
	return w.run(ctx, env)
}

// read reads the files if a device has the label.
func (c *configDrive) read(s *blockScanner, r *scanResult) {
	for i := range r.signatures {
		for _, label := range r.signatures[i].Labels() {
			if label == c.label || r.label == "" && strings.EqualFold(label, c.label) {
				r.label = label
			}
		}
	}
	if r.label == "" {
		return
	}
	hasLabel := func(s *blkprobe.Signature) bool { return slices.Contains(s.Labels(), r.label) }
	c.readMounted(r, func(use func(dir string) error) error { return s.mounted(r, hasLabel, use) })
}

// readMounted has the files read where mount mounts the filesystem.
func (c *configDrive) readMounted(r *scanResult, mount func(use func(dir string) error) error) {
	file := c.files[0]
	err := mount(func(dir string) (err error) {
		file, err = c.readFiles(r, dir)
		return err
	})
	if err != nil {
		r.failure = fmt.Errorf("reading %s on %s, labelled %q: %w", file, r.name, r.label, err)
	}
}

// readFiles takes the first of the files that is there and not skipped. An error
// is about the file that it names.
func (c *configDrive) readFiles(r *scanResult, dir string) (file string, err error) {
	for _, file := range c.files {
		text, err := readBelow(dir, file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return file, err
		case c.skip == nil || !c.skip(text):
			r.file, r.text, r.also = file, text, map[string][]byte{}
			return r.readAlso(dir, append([]string{file + trust.Suffix}, c.also...))
		}
	}
	return c.files[0], nil
}

// readAlso reads what there is of the other files.
func (r *scanResult) readAlso(dir string, files []string) (file string, err error) {
	for _, file := range files {
		text, err := readBelow(dir, file)
		switch {
		case err == nil:
			r.also[file] = text
		case !errors.Is(err, fs.ErrNotExist):
			return file, err
		}
	}
	return r.file, nil
}

// choose decides among the drives with the label. One with a file counts before
// one that cannot be read, and that before one without; where the label is
// written as it should be counts before where it is not.
func (c *configDrive) choose(all []*scanResult) (raw *UserData, found bool, err error) {
	for _, exact := range []bool{true, false} {
		for _, r := range all {
			if r.label == "" || (r.label == c.label) != exact {
				continue
			}
			found = true
			if r.text != nil {
				return &UserData{Text: r.text, Name: fmt.Sprintf("user config (%s on %s, labelled %q)", r.file, r.name, r.label), also: r.also,
					Signature: signatureOnDrive(r)}, true, nil
			}
			if err == nil && r.failure != nil {
				err = &report.Error{Err: r.failure, Hint: "make the drive anew, or attach a working one"}
			}
		}
	}
	return nil, found, err
}

// readByUdev reads a filesystem whose format only udev and mount(8) know.
func (c *configDrive) readByUdev(ctx context.Context, env *Env, all []*scanResult) []*scanResult {
	link := filepath.Join(env.Root, "/dev/disk/by-label", strings.ReplaceAll(c.label, " ", `\x20`)) // as udev writes it
	node, err := filepath.EvalSymlinks(link)
	if err != nil {
		return nil
	}
	for _, r := range all {
		if r.path == node && (r.label != "" || r.err != nil) {
			return nil
		}
	}
	r := &scanResult{name: filepath.Base(node), path: node, label: c.label}
	c.readMounted(r, func(use func(dir string) error) error {
		_, err := inMountPoint(func(dir string) (func() error, error) {
			_, err := env.Run.Run(ctx, system.Command{Name: "mount", Args: []string{"-o", "ro,nosuid,nodev,noexec", "-t", "auto", link, dir}})
			return func() error { return detach(dir) }, err
		}, use)
		return err
	})
	return []*scanResult{r}
}

// unlessMissing makes a drive that is not there no config, and says so.
func unlessMissing(env *Env, raw *UserData, err error) (*UserData, error) {
	if errors.Is(err, errNoDrive) {
		env.Log.Warn(err.Error() + "; this machine goes on without a user config")
		return nil, nil
	}
	return raw, err
}

// source is the drive in a race with others.
func (c *configDrive) source(env *Env) source {
	return source{fmt.Sprintf("the drive labelled %q", c.label), func(ctx context.Context) (*UserData, error) { return c.fetch(ctx, env) }}
}
