package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/internal/lsp"
	"github.com/firstlight-os/firstlight/internal/system"
)

const lspHelp = `Serve an editor as a language server (LSP 3.17) on standard input and output:
problems of configs as they are typed, in Butane and in Ignition's JSON,
completion of keys and values, what keys mean, where things are defined, fixes,
formatting.

docs/editors.md says how to set up Neovim, Helix, Visual Studio Code and the
IDEs of JetBrains.

Exit status:
  0  the editor has ended the server
  2  wrong usage, or an editor that does not speak the protocol`

func lspCommand() *cobra.Command {
	var filesDir string
	c := &cobra.Command{
		Use:     "lsp [flags]",
		Short:   "Serve editors: problems and completion as one types",
		Long:    lspHelp,
		Example: "  firstlightctl lsp --files-dir files",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if filesDir != "" {
				dir, err := filepath.Abs(filesDir)
				if err != nil {
					return err
				}
				filesDir = dir
			}
			allowGarbage(usualGarbage) // it goes on
			return lsp.Serve(c.InOrStdin(), c.OutOrStdout(), lsp.Options{Version: system.Version, FilesDir: filesDir})
		},
	}
	c.Flags().StringVarP(&filesDir, "files-dir", "d", "", "where local files are; default: beside each config")
	c.Flags().Bool("stdio", false, "serve standard input and output, as always")
	return c
}
