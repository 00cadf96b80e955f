package stages

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestTheFirstCollectionOfGarbageIsPostponed(t *testing.T) {
	t.Cleanup(func() { debug.SetGCPercent(100) })
	var c collection
	for _, tc := range []struct{ heap, want int }{
		{0, 400},
		{1 << 20, 400},
		{64 << 20, 1600},
	} {
		c.postpone(tc.heap)
		if got := percent(); got != tc.want {
			t.Errorf("postponed until %d bytes: got %d %%, want %d", tc.heap, got, tc.want)
		}
	}
	for !c.hasBegun() {
		runtime.GC()
	}
	if got := percent(); got != 100 {
		t.Errorf("after the first: got %d %%, want 100", got)
	}
	if c.postpone(64 << 20); percent() != 100 {
		t.Errorf("it is postponed again: got %d %%, want 100", percent())
	}
}

// percent is how often garbage is collected.
func percent() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

func (c *collection) hasBegun() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.begun
}
