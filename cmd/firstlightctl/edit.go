package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/secret"
)

const editHelp = `Edit a file that is encrypted with age: it is decrypted with an identity, edited
with $VISUAL, $EDITOR or vi, and encrypted again. What is decrypted is in a file
of your own in memory, where this system has such a place, and is removed.

A file does not say who its recipients are. One with several needs all of them
again, by --to and --recipients-file; one whose only recipient is your identity
does not. A file that does not exist is made.

` + usageHelp

type editOptions struct {
	recipientOptions
	identity string
}

func editCommand() *cobra.Command {
	var o editOptions
	c := &cobra.Command{
		Use:     "edit --identity FILE [flags] FILE",
		Short:   "Edit a file that is encrypted with age",
		Long:    editHelp,
		Example: "  firstlightctl edit -i ~/.config/age/key.txt -R web.recipients db.age",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return edit(c.Context(), args[0], o, c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.add(c)
	c.Flags().StringVarP(&o.identity, "identity", "i", "", "the `file` of age-keygen that decrypts it")
	return c
}

func edit(ctx context.Context, file string, o editOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	before, err := os.ReadFile(file)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err != nil && !isNew {
		return err
	}
	plain, to, err := o.open(file, before, isNew)
	if err != nil {
		return err
	}
	changed, err := editText(ctx, strings.TrimSuffix(filepath.Base(file), ".age"), plain, stdin, stdout, stderr)
	if err != nil {
		return err
	}
	if bytes.Equal(changed, plain) && o.isEmpty() {
		fmt.Fprintf(stderr, "%s: nothing was changed\n", printable(file))
		return nil
	}
	encrypted, err := encryptText(changed, isNew || !isBinary(before), to)
	if err != nil {
		return err
	}
	if err := writeEncrypted(file, encrypted, isNew); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

// writeEncrypted makes a file, or puts another in its place.
func writeEncrypted(file string, text []byte, isNew bool) error {
	if !isNew {
		return replaceFile(file, text)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// open decrypts a file, and returns to whom it is to be encrypted again.
func (o *editOptions) open(file string, encrypted []byte, isNew bool) (plain []byte, to []age.Recipient, err error) {
	if isNew || !o.isEmpty() {
		if to, err = o.recipients(); err != nil {
			return nil, nil, err
		}
	}
	if isNew {
		return nil, to, nil
	}
	identities, err := o.identities()
	if err != nil {
		return nil, nil, err
	}
	r, err := secret.Decrypt(bytes.NewReader(encrypted), o.identity, func() ([]age.Identity, error) { return identities, nil })
	if err == nil {
		plain, err = io.ReadAll(r)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decrypting %s: %w", file, err)
	}
	if to == nil {
		to, err = onlyRecipient(encrypted, identities)
	}
	return plain, to, err
}

func (o *editOptions) identities() ([]age.Identity, error) {
	if o.identity == "" {
		return nil, errors.New("with what is it decrypted? give the file with your identity with --identity")
	}
	text, err := os.ReadFile(o.identity)
	if err != nil {
		return nil, fmt.Errorf("reading the identity: %w", err)
	}
	identities, err := secret.ParseIdentities(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.identity, err)
	}
	return identities, nil
}

// onlyRecipient returns to whom a file is encrypted, if that can be known: to nobody but the
// identity that decrypts it.
func onlyRecipient(encrypted []byte, identities []age.Identity) ([]age.Recipient, error) {
	binary := io.Reader(bytes.NewReader(encrypted))
	if !isBinary(encrypted) {
		binary = armor.NewReader(binary)
	}
	header, err := age.ExtractHeader(binary)
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(header, []byte("\n-> X25519 ")); n > 1 {
		return nil, fmt.Errorf("the file is encrypted to %d recipients and does not say to whom; give them again with --to or --recipients-file", n)
	}
	for _, i := range identities {
		if key, is := i.(*age.X25519Identity); is && decrypts(key, encrypted) {
			return []age.Recipient{key.Recipient()}, nil
		}
	}
	return nil, errors.New("its recipient is not known; give it with --to")
}

func decrypts(identity age.Identity, encrypted []byte) bool {
	_, err := secret.Decrypt(bytes.NewReader(encrypted), "", func() ([]age.Identity, error) { return []age.Identity{identity}, nil })
	return err == nil
}

func isBinary(encrypted []byte) bool {
	return bytes.HasPrefix(encrypted, []byte("age-encryption.org/"))
}

// editText has a person edit a text in a file that is this user's alone, and is in memory if
// it can be.
func editText(ctx context.Context, name string, text []byte, stdin io.Reader, stdout, stderr io.Writer) (changed []byte, err error) {
	dir, err := os.MkdirTemp(memoryDirectory(), "firstlight-") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("making a file to edit: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	// An interrupt is for the editor; what ends this program is to leave nothing.
	signal.Ignore(os.Interrupt)
	defer signal.Reset(os.Interrupt)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	editor := editorCommand(ctx, file)
	editor.Stdin, editor.Stdout, editor.Stderr = stdin, stdout, stderr
	if err := editor.Run(); err != nil {
		return nil, fmt.Errorf("the editor has failed, and the file stays as it was: %w", err)
	}
	return os.ReadFile(file)
}

// memoryDirectory is a directory in memory, "" where this system has none.
func memoryDirectory() string {
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}

// editorCommand runs what the user edits with, which may have arguments.
func editorCommand(ctx context.Context, file string) *exec.Cmd {
	editor := "vi"
	if runtime.GOOS == "windows" {
		editor = "notepad"
	}
	for _, variable := range []string{"EDITOR", "VISUAL"} {
		if set := os.Getenv(variable); set != "" {
			editor = set
		}
	}
	if runtime.GOOS == "windows" {
		words := append(strings.Fields(editor), file)
		return exec.CommandContext(ctx, words[0], words[1:]...)
	}
	return exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, editor, file)
}
