package tpm

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/firstlight-os/firstlight/internal/testkit"
)

func TestTheTPMHasWhatWasPredicted(t *testing.T) {
	conn, err := testkit.TPM(t)()
	testkit.NoError(t, err)
	defer conn.Close()
	tpm := New(conn)
	banks, others, err := tpm.ActiveBanks()
	testkit.NoError(t, err)
	if len(banks) == 0 || len(others) > 0 {
		t.Fatalf("got banks %v and %v", banks, others)
	}
	want := map[string][]byte{}
	for _, b := range banks {
		want[b.Name] = make([]byte, b.Size())
	}
	for _, data := range []string{"a config", "", strings.Repeat("another", 10_000)} {
		testkit.NoError(t, tpm.Extend(banks, []byte(data)))
		for _, b := range banks {
			want[b.Name] = b.Extended(want[b.Name], b.Digest([]byte(data)))
			got, err := tpm.Value(b)
			testkit.NoError(t, err)
			testkit.Equal(t, b.Name, hex.EncodeToString(got), hex.EncodeToString(want[b.Name]))
		}
	}
}

// A scripted device answers each command with the next of its answers.
type scripted struct {
	answers []string // in hexadecimal
	sent    int
	rest    []byte
	fail    error
}

func (s *scripted) Write(p []byte) (int, error) {
	if s.fail != nil {
		return 0, s.fail
	}
	s.rest, _ = hex.DecodeString(strings.ReplaceAll(s.answers[min(s.sent, len(s.answers)-1)], " ", ""))
	s.sent++
	return len(p), nil
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

const (
	busy = "8001 0000000a 00000922"
	// sha256 and sm3_256 with PCR 12, sha1 without it.
	someBanks = "8001 00000025 00000000 00 00000005 00000003 0004 03 000000 000b 03 ffffff 0012 03 ffffff"
)

func TestBanksOfATPM(t *testing.T) {
	d := &scripted{answers: []string{busy, busy, someBanks}}
	banks, others, err := New(d).ActiveBanks()
	testkit.NoError(t, err)
	if len(banks) != 1 || banks[0].Name != "sha256" || !slices.Equal(others, []string{"0x12"}) || d.sent != 3 {
		t.Errorf("got %v, %v after %d commands", banks, others, d.sent)
	}
}

func TestTPMThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		device scripted
		want   string
	}{
		"busy":              {scripted{answers: []string{busy}}, "the TPM has refused the command 0x17a: response code 0x922"},
		"refuses":           {scripted{answers: []string{"8001 0000000a 00000101"}}, "response code 0x101"},
		"cannot be written": {scripted{fail: errors.New("broken pipe")}, "sending the TPM a command: broken pipe"},
		"says nothing":      {scripted{answers: []string{""}}, "reading the answer of the TPM: EOF"},
		"says too little":   {scripted{answers: []string{"8001 0000000b 00000000"}}, "reading the answer of the TPM: "},
		"a wrong size":      {scripted{answers: []string{"8001 00000003 00000000"}}, "something else than the answer"},
		"an enormous size":  {scripted{answers: []string{"8001 ffffffff 00000000"}}, "something else than the answer"},
		"more than its size": {scripted{answers: []string{"8001 0000000a 00000000 00"}},
			"something else than the answer"},
		"another capability": {scripted{answers: []string{"8001 00000013 00000000 00 00000006 00000000"}}, "something else than the answer"},
		"endless banks":      {scripted{answers: []string{"8001 00000013 00000000 00 00000005 ffffffff"}}, "something else than the answer"},
		"no bank":            {scripted{answers: []string{"8001 00000013 00000000 00 00000005 00000000"}}, "the TPM has no PCR 12 in a bank of sha1, sha256, sha384 or sha512"},
	} {
		_, _, err := New(&c.device).ActiveBanks()
		testkit.ErrorContains(t, name, err, c.want)
	}
	err := New(&scripted{answers: []string{"8001 0000000a 0000098e"}}).Extend(Banks, nil)
	testkit.ErrorContains(t, "extending", err, "the TPM has refused the command 0x182: response code 0x98e")
}

func TestDeviceThatIsNoTPM(t *testing.T) {
	_, err := Open(t.TempDir() + "/none")
	testkit.ErrorContains(t, "none", err, "/none: no such file or directory")
	zero, err := Open("/dev/zero")
	testkit.NoError(t, err)
	defer zero.Close()
	_, _, err = New(zero).ActiveBanks()
	testkit.Equal(t, "zeros", errors.Is(err, errDamaged), true)
	null, err := Open("/dev/null")
	testkit.NoError(t, err)
	defer null.Close()
	_, _, err = New(null).ActiveBanks()
	testkit.ErrorContains(t, "nothing", err, "the device has no answer")
}

func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{someBanks, busy, "8001 00000034 00000000 00000001 00000001 000b 03 001000 00000001 0020" + strings.Repeat("00", 32)} {
		text, err := hex.DecodeString(strings.ReplaceAll(seed, " ", ""))
		testkit.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		body, _, err := readAnswer(bytes.NewReader(text))
		if err == nil && len(body) > maxResponse {
			t.Errorf("got %d bytes", len(body))
		}
		for _, b := range [][]byte{text, body} {
			if ids, err := parseBanks(b); err == nil && len(ids) > len(b) {
				t.Errorf("got %d banks of %d bytes", len(ids), len(b))
			}
			if value, err := parseValue(b); err == nil && len(value) > len(b) {
				t.Errorf("got %d bytes of %d", len(value), len(b))
			}
		}
	})
}
