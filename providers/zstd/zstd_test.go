package zstd

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// compress is what the zstd program makes of a text.
func compress(t testing.TB, text []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("zstd", append(args, "-q", "-c")...)
	cmd.Stdin = bytes.NewReader(text)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// texts are of all kinds, from nothing to more than a window of the fast levels.
func texts() map[string][]byte {
	random := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{}).Read(random)
	var config, few strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&config, `{"path": "/etc/d%d/f%d", "mode": 420, "contents": {"source": "data:,file%%20%x"}},`, i%100, i, random[i*7:i*7+i%9])
		few.WriteByte("aaaaabbcd"[random[i]%9])
	}
	return map[string][]byte{
		"nothing": {}, "one byte": []byte("x"), "a word": []byte("firstlight"), "zeroes": make([]byte, 1<<20), "random": random,
		"config": []byte(config.String()), "few symbols": []byte(few.String()),
		"text and noise": append(append([]byte(config.String()), random...), few.String()...),
	}
}

func TestWhatTheProgramCompressedIsRead(t *testing.T) {
	for name, text := range texts() {
		for _, args := range [][]string{{"-1"}, {"-3"}, {"-9", "--no-check"}, {"-19"}, {"--ultra", "-22"}, {"--fast=5"}, {"-3", "--long=27"}} {
			packed := compress(t, text, args...)
			if got, err := Decompress(packed, 64<<20); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s, zstd %v: got %d bytes, want %d: %v", name, args, len(got), len(text), err)
			}
		}
	}
}

func TestFramesFollowEachOther(t *testing.T) {
	text := compress(t, []byte("one, "))
	text = append(text, "\x5a\x2a\x4d\x18\x03\x00\x00\x00???"...) // to be skipped
	text = append(text, compress(t, []byte("two"))...)
	text = append(text, 0, 0, 0) // the rest of a sector
	if got, err := Decompress(text, 100); err != nil || string(got) != "one, two" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestDamagedTextsAreErrors(t *testing.T) {
	whole := compress(t, []byte(strings.Repeat("a config of a machine, ", 1000)))
	for n := range len(whole) {
		if _, err := Decompress(whole[:n], 1<<20); err == nil && n > 0 {
			t.Errorf("%d of %d bytes: no error", n, len(whole))
		}
	}
	for i := range whole {
		if i == 5 {
			continue // the window does not matter
		}
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x40
		if got, err := Decompress(damaged, 1<<20); err == nil && i != 4 {
			t.Errorf("byte %d: no error, %d bytes", i, len(got))
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"too short":    {string(whole[:40]), "it ends too early"},
		"more behind":  {string(whole) + "{\"ignition\": {}}", "there is something else"},
		"a dictionary": {"\x28\xb5\x2f\xfd\x21\x07\x01\x01\x00\x00", "it needs a dictionary"},
		"a checksum":   {string(whole[:len(whole)-1]) + "?", "its checksum is wrong"},
	} {
		if _, err := Decompress([]byte(c.text), 1<<20); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestBombsDoNotFillMemory(t *testing.T) {
	bomb := compress(t, make([]byte, 64<<20), "-19")
	if len(bomb) > 10_000 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	if _, err := Decompress(bomb, 1<<20); err == nil || err.Error() != "there is more than 1 MiB in it" {
		t.Errorf("got %v", err)
	}
}

func FuzzDecompress(f *testing.F) {
	for _, text := range texts() {
		f.Add(compress(f, text[:min(len(text), 5000)], "-19"))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := Decompress(text, 1<<20); err == nil && len(got) > 1<<20 {
			t.Errorf("%d bytes", len(got))
		}
	})
}
