package plan

import "testing"

func TestSizesInMiB(t *testing.T) {
	for bytes, want := range map[uint64]string{
		0: "0 MiB", mebibyte: "1 MiB", 1 << 44: "16777216 MiB", 3 * mebibyte / 2: "1.5 MiB (1572864 bytes)",
		512:                   "0.0004 MiB (512 bytes)",
		17408:                 "0.0166 MiB (17408 bytes)",
		1<<40 - 17408:         "1048575.9833 MiB (1099511610368 bytes)",
		20<<40 + mebibyte/2:   "20971520.5 MiB (21990233079808 bytes)",
		1_000_000<<20 + 32768: "1000000.0312 MiB (1048576032768 bytes)",
		mebibyte + 1:          "1 MiB (1048577 bytes)",
	} {
		if got := inMiB(bytes); got != want {
			t.Errorf("%d: got %s, want %s", bytes, got, want)
		}
	}
}
