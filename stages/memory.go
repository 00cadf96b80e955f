package stages

import (
	"fmt"
	"runtime/debug"

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
		return nil
	}
	others := ""
	if p.size > size {
		others = fmt.Sprintf(", and those before it as %d MiB", (p.size-size)>>20)
	}
	return report.Conflict(config.Origin{Source: name}, "give the machine more memory, or the config fewer values: it can refer to large contents by URL",
		"this config of %s counts as %d MiB with what is made of its values%s; configs may have %v, together", system.FormatSize(uint64(len(text))), size>>20, others, limit)
}
