package files

import (
	"context"
	"os"
	"path"

	"github.com/firstlight-os/firstlight/config"
)

// An Output is a file for the machine that is not in its config: what the
// platform has said once only.
type Output struct {
	Path string
	Text []byte
	Mode uint32
}

// outputs plans the platform's files. They replace what is there.
func (p *planner) planOutputs() {
	for _, o := range p.Outputs {
		p.needsLabel(o.Path)
		p.written = append(p.written, path.Dir(o.Path))
		p.add(config.Origin{}, "writing "+o.Path+" for the platform", func(_ context.Context, r *root) error {
			d, err := r.makeDirs(path.Dir(o.Path))
			if err != nil {
				return err
			}
			defer d.close()
			return d.writeFile(path.Base(o.Path), ownership{-1, -1}, o.Mode, true, func(f *os.File) error {
				_, err := f.Write(o.Text)
				return err
			})
		})
	}
}
