package man

import "testing"

func TestAPage(t *testing.T) {
	p := Page{
		Name: "tool sub", Section: 1, Short: "Do a thing", Synopsis: []string{"[flags] FILE", "--version"},
		Text:     "It does it, with --dry-run too.\n\nForms:\n  a  C:\\dir\n  .b an odd one\n\nExit status:\n  0  well",
		Flags:    []Flag{{Names: []string{"-o", "--out-file"}, Value: "FILE", Usage: "write here", Default: "standard output"}},
		Examples: []Example{{"A first one:", "tool sub -o x 'y'"}, {"", "tool sub z"}},
		SeeAlso:  []string{"tool(1)"},
	}
	const want = `.TH TOOL\-SUB 1 2026-11-29 "Firstlight 1.0"
.SH NAME
tool\-sub \- Do a thing
.SH SYNOPSIS
\fBtool sub\fR [flags] FILE
.br
\fBtool sub\fR \-\-version
.SH DESCRIPTION
It does it, with \-\-dry\-run too.
.PP
Forms:
.PP
.nf
  a  C:\edir
  .b an odd one
.fi
.SH OPTIONS
.TP
\fB\-o\fR, \fB\-\-out\-file\fR \fIFILE\fR
write here; by default standard output
.SH EXIT STATUS
.nf
  0  well
.fi
.SH EXAMPLES
A first one:
.PP
.nf
    tool sub \-o x 'y'
.fi
.PP
.nf
    tool sub z
.fi
.SH SEE ALSO
tool(1)
`
	if got := p.Format("1.0", "2026-11-29"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := p.File(), "tool-sub.1"; got != want {
		t.Errorf("got file %s, want %s", got, want)
	}
}

func TestWhatRoffGivesAMeaningIsProtected(t *testing.T) {
	for text, want := range map[string]string{
		".so x":         `\&.so x`,
		"a\n'b":         "a\n\\&'b",
		`a\fBb`:         `a\efBb`,
		"well-known":    "well-known",
		"use (--quiet)": `use (\-\-quiet)`,
	} {
		if got := prose(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
