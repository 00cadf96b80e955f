package hypervisor

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kvp is a message of the host, with the sizes that it would have.
func kvp(operation, pool byte, key, value string) []byte {
	m := make([]byte, kvpMessage)
	m[0], m[1] = operation, pool
	binary.LittleEndian.PutUint32(m[4:], 1) // a string
	binary.LittleEndian.PutUint32(m[8:], uint32(len(key)+1))
	binary.LittleEndian.PutUint32(m[12:], uint32(len(value)+1))
	copy(m[16:], key)
	copy(m[16+512:], value)
	return m
}

// sized changes the sizes that a message states.
func sized(m []byte, key, value uint32) []byte {
	binary.LittleEndian.PutUint32(m[8:], key)
	binary.LittleEndian.PutUint32(m[12:], value)
	return m
}

// talk is the kernel's end of the device: after the registration it says each
// message when the one before was answered. It gives the results in the answers.
func talk(t *testing.T, messages ...[]byte) (pairs KVP, results []uint32, err error) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	unix.SetNonblock(ends[0], true)
	done := make(chan []uint32)
	go func() {
		defer unix.Close(ends[1])
		var results []uint32
		defer func() { done <- results }()
		b := make([]byte, 2*kvpMessage)
		n, err := unix.Read(ends[1], b)
		if err != nil || n != kvpMessage || b[0] != 100 {
			t.Errorf("the registration has %d bytes (%v), operation %d", n, err, b[0])
			return
		}
		for _, m := range messages {
			unix.Write(ends[1], m)
			if len(m) != kvpMessage || m[0] == 100 {
				continue
			}
			if n, err := unix.Read(ends[1], b); err != nil || n != kvpMessage {
				t.Errorf("an answer has %d bytes (%v)", n, err)
				return
			}
			results = append(results, binary.LittleEndian.Uint32(b))
		}
		unix.Read(ends[1], b) // until the agent has enough
	}()
	pairs, err = exchangeKVP(context.Background(), ends[0], 100*time.Millisecond)
	unix.Shutdown(ends[0], unix.SHUT_RDWR)
	return pairs, <-done, err
}

func TestPairsOfTheHost(t *testing.T) {
	const config = "ignition.config"
	for name, tc := range map[string]struct {
		messages [][]byte
		want     string
		results  []uint32
	}{
		"none":              {nil, "", nil},
		"registered":        {[][]byte{kvp(100, 0, "", "")}, "", nil},
		"whole":             {[][]byte{kvp(1, 0, "other", "x"), kvp(1, 0, config, "text")}, "text", []uint32{0, 0}},
		"pieces":            {[][]byte{kvp(1, 0, config+".1", "b"), kvp(1, 0, config+".0", "a"), kvp(1, 0, config+".3", "d")}, "ab", []uint32{0, 0, 0}},
		"empty piece":       {[][]byte{kvp(1, 0, config+".0", "a"), kvp(1, 0, config+".1", ""), kvp(1, 0, config+".2", "c")}, "ac", []uint32{0, 0, 0}},
		"whole before":      {[][]byte{kvp(1, 0, config+".0", "a"), kvp(1, 0, config, "text")}, "text", []uint32{0, 0}},
		"whole is empty":    {[][]byte{kvp(1, 0, config, ""), kvp(1, 0, config+".0", "a")}, "a", []uint32{0, 0}},
		"twice":             {[][]byte{kvp(1, 0, config, "first"), kvp(1, 0, config, "second")}, "first", []uint32{0, 0}},
		"another pool":      {[][]byte{kvp(1, 1, config, "guest")}, "", []uint32{0}},
		"no such pool":      {[][]byte{kvp(1, 5, config, "text")}, "", []uint32{0x80004005}},
		"get":               {[][]byte{kvp(0, 0, config, "")}, "", []uint32{0x80004005}},
		"delete":            {[][]byte{kvp(1, 0, config, "text"), kvp(2, 0, config, "")}, "text", []uint32{0, 0x80004005}},
		"no sizes":          {[][]byte{sized(kvp(1, 0, config, "text"), 0, 0)}, "", []uint32{0}},
		"no value":          {[][]byte{sized(kvp(1, 0, config, "text"), 16, 0)}, "", []uint32{0}},
		"key too long":      {[][]byte{sized(kvp(1, 0, config, "text"), 513, 5), kvp(1, 0, config, "after")}, "after", []uint32{0x80004005, 0}},
		"value too long":    {[][]byte{sized(kvp(1, 0, config, "text"), 16, 1<<32-1)}, "", []uint32{0x80004005}},
		"longest of all":    {[][]byte{kvp(1, 0, config, strings.Repeat("v", 2047))}, strings.Repeat("v", 2047), []uint32{0}},
		"without NUL ends":  {[][]byte{sized(kvp(1, 0, config, strings.Repeat("v", 2048)), 15, 2048)}, strings.Repeat("v", 2048), []uint32{0}},
		"something unknown": {[][]byte{kvp(77, 0, "", "")}, "", []uint32{0x80004005}},
	} {
		pairs, results, err := talk(t, tc.messages...)
		if err != nil || string(pairs.Text(config)) != tc.want || !slices.Equal(results, tc.results) {
			t.Errorf("%s: got %q, %x, %v, want %q, %x", name, pairs.Text(config), results, err, tc.want, tc.results)
		}
	}
}

func TestPairsAreHandedOnInTheirPools(t *testing.T) {
	pairs, _, err := talk(t, kvp(1, 0, "ignition.config", "config"), kvp(1, 3, "HostName", "h"), kvp(1, 0, "key", "value"))
	if err != nil {
		t.Fatal(err)
	}
	field := func(text string, n int) string { return text + strings.Repeat("\x00", n-len(text)) }
	for pool, want := range []string{field("ignition.config", 512) + field("config", 2048) + field("key", 512) + field("value", 2048), "", "", field("HostName", 512) + field("h", 2048), ""} {
		if got := string(pairs.Pool(byte(pool))); got != want {
			t.Errorf("pool %d has %d bytes, want %d", pool, len(got), len(want))
		}
	}
}

func TestHostThatDoesNotTalkIsAnError(t *testing.T) {
	_, err := ReadKVP(context.Background(), t.TempDir())
	says(t, err, "opening ", "is a directory")
	_, _, err = talk(t, []byte("short"))
	says(t, err, "a message of the host has 5 bytes, not 7432")
	ends, _ := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	defer unix.Close(ends[0])
	unix.Close(ends[1])
	_, err = exchangeKVP(context.Background(), ends[0], time.Millisecond)
	says(t, err, "registering with the host: broken pipe")
}

func TestExchangeEndsWithTheStage(t *testing.T) {
	ends, _ := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := exchangeKVP(ctx, ends[0], time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func FuzzKVP(f *testing.F) {
	f.Add(kvp(1, 0, "ignition.config", "text"))
	f.Add(sized(kvp(1, 4, "ignition.config.0", "text"), 0, 0))
	f.Add(kvp(2, 0, "", ""))
	f.Fuzz(func(t *testing.T, text []byte) {
		message := make([]byte, kvpMessage)
		copy(message, text)
		answer, pair := answerKVP(message)
		if answer != nil && len(answer) != kvpMessage || len(pair) != 0 && len(pair) != 1+kvpRecord {
			t.Errorf("the answer has %d bytes, the pair %d", len(answer), len(pair))
		}
		if len(pair) > 0 && (pair[0] >= KVPPools || !bytes.Equal(pair.Pool(pair[0]), pair[1:])) {
			t.Error("the pair is not in its pool")
		}
		KVP(text).Text("ignition.config") // what was kept may be damaged
	})
}
