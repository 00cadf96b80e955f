package files

import (
	"github.com/firstlight-os/firstlight/config"
)

// An Output is a file for the machine that is not in its config: what the
// platform tells only once.
type Output struct {
	Path string
	Text []byte
	Mode uint32
}

// planOutputs plans the platform's files. They replace what exists.
func (p *planner) planOutputs() {
	for _, o := range p.Outputs {
		p.planWrite(config.Origin{}, "writing "+o.Path+" for the platform", o.Path, o.Text, o.Mode)
	}
}
