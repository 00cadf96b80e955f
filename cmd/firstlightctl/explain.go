package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firstlight-os/firstlight/config/rules"
)

const explainHelp = `Explain a rule that a config breaks: what is wrong, why it matters, and a config
that breaks it beside one that does not. ID is what stands in brackets after a
problem that validate prints. Without one all rules are listed.`

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "explain [flags] [ID]",
		Short:   "Explain a rule that a config breaks",
		Long:    explainHelp,
		Example: "  firstlightctl explain path-relative",
		Args:    cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) (ids []string, _ cobra.ShellCompDirective) {
			for _, r := range rules.All() {
				ids = append(ids, r.ID+"\t"+r.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listRules(c.OutOrStdout())
			}
			return explain(c.OutOrStdout(), args[0])
		},
	}
}

func listRules(w io.Writer) error {
	longest := 0
	for _, r := range rules.All() {
		longest = max(longest, len(r.ID))
	}
	var b strings.Builder
	for _, r := range rules.All() {
		fmt.Fprintf(&b, "%-*s  %s\n", longest, r.ID, r.Title)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// explain takes an id in its brackets, too.
func explain(w io.Writer, id string) error {
	r, known := rules.Lookup(strings.Trim(id, "[]"))
	if !known {
		hint := ""
		if near := rules.Nearest(id); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return fmt.Errorf("there is no rule %q%s (\"firstlightctl explain\" lists all)", id, hint)
	}
	const terminal = 80 // columns
	_, err := fmt.Fprintf(w, "%s\n\n%s", r.ID, r.Page(terminal))
	return err
}
