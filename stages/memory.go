package stages

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/firstlight-os/firstlight/config"
	"github.com/firstlight-os/firstlight/config/butane"
	"github.com/firstlight-os/firstlight/internal/report"
	"github.com/firstlight-os/firstlight/internal/system"
)

// A config of N bytes, as butane.Size counts, takes at most 2.5 N of memory in a process.
// The text that is left to later stages, in /run, takes memory, too, so that N is a
// quarter of what is available. Bounds keep it sensible: no platform has user data that
// comes near the least one.
const (
	memoryParts  = 4
	leastConfig  = 4 << 20
	memoryOfNone = 8 << 20 // of a process without a config, beside the program's own
)

// expected is what most configs take of the 2.5 N, with all garbage, in halves.
const expected = 3

// goHeap is how large the heap is, in bytes, when Go's garbage collector first runs, unless
// it is told otherwise.
const goHeap = 4 << 20

// firstCollection is goHeap in a stage. Go's own is for programs that go on: a stage leaves
// little garbage and soon ends, and the collections took 40 % of the processor time of a
// config of 5,000 files.
const firstCollection = 16 << 20

// filesExpected is what the files stage takes of memory, with all garbage, in sizes of the
// config as config.Size counts. Beyond filesCollection, in bytes, that is no reason to
// postpone the collection.
const (
	filesExpected   = 4
	filesCollection = 32 << 20
)

// A collection is the first one of the garbage, which is postponed. The zero value is ready.
type collection struct {
	mutex     sync.Mutex
	postponed bool
	begun     bool
}

// postpone has the garbage collector wait until the heap has so many bytes, if that is more
// than firstCollection. From then on it runs as often as elsewhere.
func (c *collection) postpone(heap int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.begun {
		return
	}
	debug.SetGCPercent(max(heap, firstCollection) / (goHeap / 100))
	if !c.postponed {
		c.postponed = true
		runtime.AddCleanup(new([64]byte), (*collection).begin, c) // nothing refers to these bytes
	}
}

// begin is called once garbage was collected.
func (c *collection) begin() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.begun = true
	debug.SetGCPercent(100) // which is Go's own
}

// limitMemory lowers the limit of configs to what there is memory for, and has the
// garbage collector keep to that.
func limitMemory(log *report.Logger) {
	available, source, err := system.AvailableMemory()
	if err != nil {
		log.Warn(fmt.Sprintf("looking for how much memory is available: %v; configs may have %v", err, config.CurrentLimit()))
		return
	}
	if set := debug.SetMemoryLimit(-1); set < available {
		available, source = set, "the environment variable GOMEMLIMIT"
	}
	limit := int(min(max(available/memoryParts, leastConfig), config.MaxSize))
	if limit < config.MaxSize {
		config.LowerLimit(config.Limit{Bytes: limit, Reason: fmt.Sprintf("a quarter of the %d MiB of memory that are available (%s)", available>>20, source)})
	}
	debug.SetMemoryLimit(memoryOfNone + int64(limit)*5/2)
}

// count adds a text to what was read, which has a limit in all.
func (p *process) count(text []byte, name string) error {
	size := butane.Size(text)
	p.size += size
	limit := config.CurrentLimit()
	if p.size <= limit.Bytes {
		p.collection.postpone(p.size * expected / 2)
		return nil
	}
	others := ""
	if p.size > size {
		others = fmt.Sprintf(", and those before it as %d MiB", (p.size-size)>>20)
	}
	return report.Conflict(config.Origin{Source: name}, "give the machine more memory, or the config fewer values: it can refer to large contents by URL",
		"this config of %s counts as %d MiB with what is made of its values%s; configs may have %v, together", system.FormatSize(uint64(len(text))), size>>20, others, limit)
}
