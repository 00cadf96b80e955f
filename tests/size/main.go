// Command size prints who costs what in the agent: for each package the bytes of its
// machine code, of its tables, types and strings, and of what the runtime has to know of
// its functions.
//
//	size [-json] PROGRAM FLAGS...  the agent, and the flags of go build for it
//	size -images                   what a distribution pays for an agent in its initramfs:
//	                               images without one, with ours and with Debian's
//	                               package of the reference, each with all that the
//	                               module pulls in, as Markdown
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(1)
	}
}

func run(w io.Writer) error {
	images := flag.Bool("images", false, "measure images")
	asJSON := flag.Bool("json", false, "print all packages, as JSON")
	flag.Parse()
	switch {
	case *images:
		return printImages(w)
	case flag.NArg() == 0:
		return errors.New("which program? \"make size\" knows how it is built")
	}
	agent, err := measure(flag.Arg(0), "./cmd/firstlight", flag.Args()[1:])
	if err != nil {
		return err
	}
	if *asJSON {
		return agent.printJSON(w)
	}
	agent.print(w)
	return nil
}
