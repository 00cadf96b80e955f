package fetch

import (
	"context"
	"io"

	"github.com/firstlight-os/firstlight/internal/dataurl"
)

func openData(_ context.Context, _ *Client, d download) (io.ReadCloser, error) {
	r, err := dataurl.NewReader(d.source)
	return io.NopCloser(r), err
}
