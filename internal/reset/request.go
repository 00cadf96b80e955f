package reset

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/firstlight-os/firstlight/internal/doc"
	"github.com/firstlight-os/firstlight/internal/json"
)

// Where a request is, and how a boot learns of it.
const (
	// File is on the filesystem that the boot loader reads: its path there.
	File = "/firstlight/reset.json"
	// Credential is the name that the request has as a credential of systemd, and
	// CredentialFile its path on the EFI system partition.
	Credential     = "firstlight.reset"
	CredentialFile = "/loader/credentials/" + Credential + ".cred"
	// Argument is the kernel argument with the ID of the request in File.
	Argument = "firstlight.reset"
)

// MaxSize bounds a request, in bytes. A config may have 256 MiB; a boot filesystem has not
// the room for that.
const MaxSize = 64 << 20

// MaxCredential bounds a request that is a credential: systemd takes no more of all of them.
const MaxCredential = 1 << 20

// version is that of the format.
const version = 1

// A Request is what a person has asked for.
type Request struct {
	Version int `json:"version"`
	// ID is random: 32 hexadecimal digits.
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	// Config is the user config, as it was handed over: it may begin with its signature. Name
	// is what messages call it.
	Config string `json:"config"`
	Name   string `json:"name"`
	// Keep are the paths that stay, as the running system sees them.
	Keep []string `json:"keep"`
	// MachineID is the one that stays; "" is that the machine gets another one.
	MachineID string `json:"machineID,omitempty"`
	// Root are the UUIDs of what the root filesystem consists of: its own, and those of the
	// LUKS volumes, arrays and the like that it is on.
	Root []string `json:"root"`
}

// NewID returns the ID of a new request.
func NewID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// KernelArgument is the argument that leads a boot to the request.
func (r Request) KernelArgument() string { return Argument + "=" + r.ID }

// KeptRoot returns the UUIDs of what no disk may lose, none if nothing is kept, and what they
// are, for messages.
func (r Request) KeptRoot() (uuids []string, what string) {
	if len(r.Keep) == 0 {
		return nil, ""
	}
	return r.Root, "the root, of which " + strings.Join(r.Keep, ", ") + " is to be kept"
}

// Text returns what Parse reads. The error is that Parse would not.
func (r Request) Text() ([]byte, error) {
	r.Version = version
	text, err := json.Indent(r)
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	_, err = Parse(text)
	return text, err
}

// members are those of a request.
var members = []string{"version", "id", "created", "config", "name", "keep", "machineID", "root"}

// Parse reads a request.
func Parse(text []byte) (Request, error) {
	if len(text) > MaxSize {
		return Request{}, fmt.Errorf("the request has %d bytes, at most %d are possible", len(text), MaxSize)
	}
	n, err := doc.ReadJSON(text, nil)
	if err != nil {
		// Its message could have a line of the config.
		return Request{}, errors.New("the request is not JSON, or it is cut off")
	}
	var r Request
	if err := checkMembers(n); err != nil {
		return Request{}, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return Request{}, fmt.Errorf("the request: %w", err)
	}
	return r, r.check()
}

// checkMembers checks the version before anything else: another one may have other members.
func checkMembers(n *doc.Node) error {
	if v := n.Member("version"); v != nil && (v.Kind != doc.Number || v.Text != fmt.Sprint(version)) {
		return fmt.Errorf("the request is of version %q, and this program reads version %d: it was written by a newer Firstlight than the one that reads it", v.Text, version)
	}
	seen := map[string]bool{}
	for _, m := range n.Members {
		if !slices.Contains(members, m.Name) {
			return fmt.Errorf("the request has %q, which is unknown", m.Name)
		}
		if seen[m.Name] {
			return fmt.Errorf("the request has %q twice", m.Name)
		}
		seen[m.Name] = true
	}
	return nil
}

// check finds what is missing or cannot be.
func (r Request) check() error {
	for _, c := range []struct {
		wrong   bool
		problem string
	}{
		{r.Version != version, "the request has no version"},
		{!isID(r.ID), fmt.Sprintf("the ID of the request is %q, and should be 32 hexadecimal digits", r.ID)},
		{r.Created.IsZero(), "the request does not say when it was created"},
		{r.Config == "", "the request has no config"},
		{r.Name == "", "the request does not say what its config is called"},
		{r.MachineID != "" && !isID(r.MachineID), fmt.Sprintf("the machine ID of the request is %q, and should be 32 hexadecimal digits", r.MachineID)},
		{len(r.Root) == 0, "the request does not say what the root filesystem consists of"},
		{slices.Contains(r.Root, ""), "the request has an empty UUID in its root"},
	} {
		if c.wrong {
			return errors.New(c.problem)
		}
	}
	return Check(r.Keep)
}

func isID(text string) bool {
	return len(text) == 32 && strings.Trim(text, "0123456789abcdef") == ""
}
