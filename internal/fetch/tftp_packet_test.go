package fetch

import (
	"errors"
	"net"
	"strings"
	"testing"
)

func TestTFTPPackets(t *testing.T) {
	for packet, want := range map[string]tftpPacket{
		"\x00\x03\x00\x01":                         {kind: tftpData, block: 1},
		"\x00\x03\xff\xffabc":                      {kind: tftpData, block: 65535, data: []byte("abc")},
		"\x00\x05\x00\x01no such\x1b file\x00junk": {kind: tftpError, code: 1, text: "no such? file"},
		"\x00\x05\x00\x02":                         {kind: tftpError, code: 2},
		"\x00\x06blksize\x001428\x00":              {kind: tftpOptions, blockSize: 1428},
		"\x00\x06BLKSIZE\x008\x00":                 {kind: tftpOptions, blockSize: 8},
		"\x00\x06":                                 {kind: tftpOptions},
	} {
		got, err := parseTFTP([]byte(packet))
		if err != nil || got.kind != want.kind || got.block != want.block || string(got.data) != string(want.data) ||
			got.code != want.code || got.text != want.text || got.blockSize != want.blockSize {
			t.Errorf("%q: got %+v, %v", packet, got, err)
		}
	}
	for _, packet := range []string{"", "\x00", "\x00\x03", "\x00\x03\x00", "\x00\x05\x00", "\x00\x04\x00\x01", "\x00\x01a\x00octet\x00", "\x00\x07\x00\x00",
		"\x00\x06blksize", "\x00\x06blksize\x00", "\x00\x06blksize\x001428", "\x00\x06blksize\x001429\x00", "\x00\x06blksize\x007\x00", "\x00\x06blksize\x00-8\x00", "\x00\x06tsize\x009\x00"} {
		if got, err := parseTFTP([]byte(packet)); !errors.Is(err, errBadPacket) {
			t.Errorf("%q is accepted as %+v", packet, got)
		}
	}
}

func FuzzTFTPPacket(f *testing.F) {
	for _, seed := range []string{"\x00\x03\x00\x01abc", "\x00\x05\x00\x01gone\x00", "\x00\x06blksize\x001428\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		p, err := parseTFTP(packet)
		if err != nil {
			return
		}
		if len(p.data) > len(packet) || p.blockSize != 0 && (p.blockSize < 8 || p.blockSize > tftpBlock) || strings.ContainsAny(p.text, "\x00\n\x1b") {
			t.Fatalf("%q is accepted as %+v", packet, p)
		}
	})
}

func TestTFTPBlockNumbersWrap(t *testing.T) {
	server := &net.UDPAddr{Port: 69}
	transfer := &tftpTransfer{server: server, connected: true, blockSize: 2, block: 65535}
	for _, tc := range []struct {
		block uint16
		done  bool
	}{{65535, false}, {1, false}, {0, true}, {0, false}, {1, true}} {
		done, err := transfer.handle(tftpPacket{kind: tftpData, block: tc.block, data: []byte("ab")}, server)
		if done != tc.done || err != nil {
			t.Errorf("block %d after %d: %v, %v", tc.block, transfer.block, done, err)
		}
	}
}

func TestBadTFTPURLsAreRefused(t *testing.T) {
	for source, want := range map[string]string{
		"tftp://h":          "it should look like tftp://HOST/PATH",
		"tftp:///x":         "it should look like tftp://HOST/PATH",
		"tftp://h/a%00b":    "there is a NUL in the URL's path",
		"tftp://h:999999/x": `the port "999999" of this URL is not possible`,
	} {
		c, _, _ := newTestClient(t)
		if _, err := get(t, c, resourceOf(source)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", source, err)
		}
	}
}
