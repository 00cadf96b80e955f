package providers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/firstlight-os/firstlight/internal/report"
)

// The DVD that Azure provisions machines with: UDF or ISO 9660, with a
// description of the machine and its custom data.
// https://learn.microsoft.com/azure/virtual-machines/custom-data
const (
	ovfDescription = "ovf-env.xml"
	ovfCustomData  = "CustomData.bin"
)

// fetchOVF waits for the DVD and reads the custom data; nil if it has none. If no
// such DVD comes the error wraps errNoDrive.
func fetchOVF(ctx context.Context, env *Env) (*UserData, error) {
	return awaitOVF(ctx, env, newEye(env))
}

// fetchOVFNow reads the custom data if the DVD is there already; else it is nil,
// and who waits for the DVD says what is wrong.
func fetchOVFNow(env *Env) *UserData { return lookForOVF(newEye(env)) }

func lookForOVF(eye *eye) *UserData {
	raw, _, _ := settleOVF(eye.look(examineOVF))
	return raw
}

func awaitOVF(ctx context.Context, env *Env, eye *eye) (*UserData, error) {
	s := &search{
		what: "the DVD with " + ovfDescription, limit: env.Timeout, settle: settleOVF,
		look: func(context.Context) []*finding { return eye.look(examineOVF) },
		hint: "the platform attaches it for the first boot only: start a new machine from the image; to boot without a config, set ignition.platform.id=metal",
	}
	return s.await(ctx, env)
}

// examineOVF reads the custom data. Other discs are passed over, and disks that
// are none: those are in the hands of whoever has written them last.
func examineOVF(f *finding) {
	if !f.optical {
		return
	}
	for _, v := range f.volumes {
		description, err := v.read(ovfDescription)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		f.label = f.name
		if err == nil {
			f.text, f.file, err = customData(v, description)
		}
		if err != nil {
			f.failure = fmt.Errorf("reading the DVD in %s: %w", f.name, err)
		}
		return
	}
}

// customData is in a file of its own, and as base64 in the description, too.
func customData(v volume, description []byte) (text []byte, file string, err error) {
	text, err = v.read(ovfCustomData)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, ovfCustomData, err
	}
	encoded, ok := element(string(description), "CustomData")
	if !ok {
		return nil, "", nil
	}
	if text, err = decodeBase64([]byte(encoded)); err != nil {
		return nil, "", fmt.Errorf("reading the element CustomData of %s: %w", ovfDescription, err)
	}
	return text, ovfDescription, nil
}

func settleOVF(all []*finding) (raw *UserData, found bool, err error) {
	for _, f := range all {
		switch {
		case f.label == "":
		case f.text != nil:
			return &UserData{Text: f.text, Name: fmt.Sprintf("user config (%s on the DVD in %s)", f.file, f.name)}, true, nil
		default:
			found = true
			if err == nil && f.failure != nil {
				err = &report.Error{Err: f.failure, Hint: "start a new machine from the image"}
			}
		}
	}
	return nil, found, err
}

// element is what stands between the tags of the first XML element of a name,
// whatever its namespace, if that is plain text.
func element(text, name string) (string, bool) {
	for {
		_, rest, ok := strings.Cut(text, "<")
		if !ok {
			return "", false
		}
		if comment, isComment := strings.CutPrefix(rest, "!--"); isComment {
			_, text, _ = strings.Cut(comment, "-->")
			continue
		}
		tag, rest, ok := strings.Cut(rest, ">")
		if !ok {
			return "", false
		}
		text = rest
		qualified, _, _ := strings.Cut(strings.Join(strings.Fields(tag), " "), " ")
		if _, local, prefixed := strings.Cut(qualified, ":"); prefixed {
			qualified = local
		}
		if qualified == name && !strings.HasSuffix(tag, "/") {
			content, _, closed := strings.Cut(rest, "</")
			return content, closed && !strings.Contains(content, "<")
		}
	}
}
