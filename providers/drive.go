package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A config drive is a filesystem with a known label and a known file. It is
// found by reading superblocks, so that neither udev nor drivers of filesystems
// are needed, and read the same way, but for UDF and what is rarer still.
type configDrive struct {
	label string
	// files are looked for in this order.
	files []string
	// skip passes over files that are not for us. May be nil.
	skip func(text []byte) bool
	// limit is how long the drive is waited for.
	limit time.Duration
	// hint is what to do if there is none.
	hint string
}

const (
	// driveWait is for drives that need not be there.
	driveWait = 30 * time.Second
	// shortLook is for a drive that may make the network unnecessary.
	shortLook = time.Second
	// lookAgain is the pause between looks if no event asks for one: some drives
	// do not tell that they have a disc now.
	lookAgain = 2 * time.Second
)

// errNoDrive is wrapped if no drive of the sort has appeared.
var errNoDrive = errors.New("it has not appeared")

// fetch waits for the drive and reads it. Nil means that it is there and has
// none of the files. What goes wrong for the moment is tried again until the
// limit, the rest is final.
func (c *configDrive) fetch(ctx context.Context, env *Env) (*UserData, error) {
	raw, err := c.await(ctx, env, newEye(env))
	if raw == nil && err == nil {
		env.Log.Info(fmt.Sprintf("the drive labelled %q has no config in %s", c.label, strings.Join(c.files, " nor in ")))
	}
	return raw, err
}

func (c *configDrive) await(ctx context.Context, env *Env, eye *eye) (*UserData, error) {
	s := &search{
		what: fmt.Sprintf("the drive labelled %q", c.label), limit: c.limit, hint: c.hint, settle: c.settle,
		look: func(ctx context.Context) []*finding {
			all := eye.look(c.examine)
			return append(all, c.linked(ctx, env, all)...)
		},
	}
	return s.await(ctx, env)
}

// longestWait is for drives where --fetch-timeout is 0.
const longestWait = 10 * time.Minute

// A search looks at all devices until it has what it is for.
type search struct {
	what  string // it is for
	limit time.Duration
	hint  string
	look  func(context.Context) []*finding
	// settle chooses. Found tells that what was searched is there.
	settle func([]*finding) (raw *UserData, found bool, err error)
}

func (s *search) await(ctx context.Context, env *Env) (*UserData, error) {
	if s.limit == 0 { // every wait for a drive ends
		s.limit = longestWait
	}
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	wake := watchDevices(ctx, env, "block", lookAgain)
	begun, warnings := time.Now(), warnings{next: firstWarning}
	for {
		all := s.look(ctx)
		raw, found, err := s.settle(all)
		if found && !passing(err) {
			return raw, err
		}
		if waited := time.Since(begun); warnings.due(waited) {
			text := fmt.Sprintf("waiting for %s, %v of %v; there are: %s", s.what, waited.Round(time.Second), s.limit, list(all))
			if err != nil {
				text += "; it is tried again after: " + err.Error()
			}
			env.Log.Warn(text)
		}
		if ctx.Err() != nil && err == nil {
			err = s.missing(all)
		}
		if ctx.Err() != nil {
			return nil, err
		}
		select {
		case <-wake:
		case <-ctx.Done(): // one last look
		}
	}
}

// missing is the end of a wait for nothing. A device that hangs may be the one:
// then it cannot be said that there is none.
func (s *search) missing(all []*finding) error {
	doing := "waiting for " + s.what
	for _, f := range all {
		if f.err == errBusy {
			return &report.Error{Doing: doing, Err: fmt.Errorf("%s %w, so that nobody knows whether it is the one; there are: %s", f.name, errBusy, list(all)),
				Hint: fmt.Sprintf("take %s away or mend it; the kernel log (dmesg) may say what is wrong with it", f.name)}
		}
	}
	return &report.Error{Doing: doing, Err: fmt.Errorf("%w within %v; there are: %s", errNoDrive, s.limit, list(all)), Hint: s.hint}
}

// examine reads the files if a drive has the label.
func (c *configDrive) examine(f *finding) {
	var fits volume
	for _, v := range f.volumes {
		for _, label := range v.labels() {
			exact := label == c.label && f.label != c.label
			if exact || f.label == "" && strings.EqualFold(label, c.label) {
				f.label, fits = label, v
			}
		}
	}
	if fits != nil {
		c.read(f, func(file string) ([]byte, error) {
			text, err := fits.read(file)
			if errors.Is(err, errors.ErrUnsupported) {
				return mountAndRead(f.path, "iso9660", file)
			}
			return text, err
		})
	}
}

// read takes the first of the files that is there and not passed over.
func (c *configDrive) read(f *finding, read func(string) ([]byte, error)) {
	for _, file := range c.files {
		text, err := read(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			f.failure = fmt.Errorf("reading %s on %s, labelled %q: %w", file, f.name, f.label, err)
			return
		case c.skip == nil || !c.skip(text):
			f.file, f.text = file, text
			return
		}
	}
}

// settle chooses among the drives with the label. One with a file counts before
// one that cannot be read, and that before one without; where the label is
// written as it should be counts before where it is not.
func (c *configDrive) settle(all []*finding) (raw *UserData, found bool, err error) {
	for _, exact := range []bool{true, false} {
		for _, f := range all {
			if f.label == "" || (f.label == c.label) != exact {
				continue
			}
			found = true
			if f.text != nil {
				return &UserData{Text: f.text, Name: fmt.Sprintf("user config (%s on %s, labelled %q)", f.file, f.name, f.label)}, true, nil
			}
			if err == nil && f.failure != nil {
				err = &report.Error{Err: f.failure, Hint: "make the drive anew, or attach a working one"}
			}
		}
	}
	return nil, found, err
}

// linked looks for filesystems that only udev knows by their label, and reads
// them as the kernel does.
func (c *configDrive) linked(ctx context.Context, env *Env, all []*finding) []*finding {
	link := filepath.Join(env.Root, "/dev/disk/by-label", strings.ReplaceAll(c.label, " ", `\x20`)) // as udev writes it
	node, err := filepath.EvalSymlinks(link)
	if err != nil {
		return nil
	}
	for _, f := range all {
		if f.path == node && (f.label != "" || f.err != nil) {
			return nil
		}
	}
	f := &finding{drive: drive{name: filepath.Base(node), path: node}, label: c.label}
	c.read(f, func(file string) ([]byte, error) {
		return inMountPoint(file, func(dir string) error {
			_, err := env.Run.Run(ctx, system.Command{Name: "mount", Args: []string{"-o", "ro", "-t", "auto", link, dir}})
			return err
		})
	})
	return []*finding{f}
}

// list is all that was seen, for messages.
func list(all []*finding) string {
	var names []string
	for _, f := range all {
		names = append(names, f.String())
	}
	if len(names) == 0 {
		return "no block devices at all"
	}
	return strings.Join(names, ", ")
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
