package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

const pageHelp = `Serve the page that checks configs in a browser, on this machine, until it is
interrupted. It prints the address; port 0 is a free one.

The page is one file that needs no server: index.html of DIRECTORY can be opened
as it is, or put on any server. Nothing that is typed into it leaves the
browser.

Exit status:
  0  it was interrupted
  2  wrong usage, or the page or the address cannot be used`

type pageOptions struct{ listen, directory string }

func pageCommand() *cobra.Command {
	var o pageOptions
	c := &cobra.Command{
		Use:   "page",
		Short: "Serve the page that checks configs in a browser",
		Long:  pageHelp,
		Example: "  firstlightctl page\n" +
			"  firstlightctl page --listen 127.0.0.1:8080",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			return servePage(ctx, o, c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "serve at this `ADDRESS`")
	f.StringVar(&o.directory, "directory", "", "the `DIRECTORY` of the page; by default that\nwhich was installed with this program")
	return c
}

// servePage serves the page until ctx is done.
func servePage(ctx context.Context, o pageOptions, stdout io.Writer) error {
	page, err := readPage(o.directory)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("serving the page: %w", err)
	}
	server := &http.Server{Handler: pageHandler(page), ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if _, err := fmt.Fprintf(stdout, "http://%s/\n", l.Addr()); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the page: %w", err)
	}
	return nil
}

// readPage reads the page; the default directory is below the prefix of this program.
func readPage(directory string) ([]byte, error) {
	if directory == "" {
		program, err := os.Executable()
		if err == nil {
			program, err = filepath.EvalSymlinks(program)
		}
		if err != nil {
			return nil, fmt.Errorf("looking for the page beside this program: %w", err)
		}
		directory = filepath.Join(filepath.Dir(program), "..", "share", "firstlight", "web")
	}
	page, err := os.ReadFile(filepath.Join(directory, "index.html"))
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w; \"make web\" builds it into dist/web: firstlightctl page --directory dist/web", err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	return page, nil
}

// pageHandler serves nothing but the page. Its own policy holds requests back; that
// nobody may frame it can only be said here.
func pageHandler(page []byte) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		_, _ = w.Write(page) // to a browser that may have gone
	})
	return mux
}
