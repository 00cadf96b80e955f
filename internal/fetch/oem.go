package fetch

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"

	"github.com/firstlight-os/firstlight/internal/report"
)

// openOEM opens a file of the distribution's directory for what the vendor of the
// machine has added. Links in it may lead anywhere: it belongs to the image.
func openOEM(_ context.Context, c *Client, d download) (io.ReadCloser, error) {
	u, err := url.Parse(d.source)
	if err != nil || u.Host != "" || u.Path == "" {
		return nil, &report.Error{Err: fmt.Errorf("%s names no file", d.source), Hint: "write three slashes, as in oem:///base.ign"}
	}
	f, err := os.Open(filepath.Join(c.OEMDirectory, path.Clean("/"+u.Path)))
	if err != nil {
		return nil, &report.Error{Err: err, Hint: "oem URLs are files below " + c.OEMDirectory + ", which the image has to mount before the stage runs"}
	}
	return f, nil
}
