package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/firstlight-os/firstlight/internal/system"
)

// newFlags returns a flag set with what all programs have. Its errors are
// printed by usage.
func newFlags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Bool("version", false, "print the version")
	f.Usage = func() { printUsage(name, f) }
	return f
}

// printUsage prints the flags of a program, or puts them into a manual page: see man.go.
var printUsage = func(name string, f *flag.FlagSet) {
	fmt.Printf("Usage of %s:\n", name)
	f.SetOutput(os.Stdout)
	f.PrintDefaults()
	f.SetOutput(io.Discard)
}

// usage prints why the call was wrong to standard error.
func usage(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	fmt.Fprintln(os.Stderr, "firstlight:", system.PrintableLine(err.Error()))
	return exitUsage
}

// parse parses the arguments up to the first that is no flag. If that was all, done,
// it returns the exit status.
func parse(f *flag.FlagSet, args []string) (status int, done bool) {
	return parsed(f, f.Parse(args))
}

// parseAnywhere is parse for programs whose flags may follow other arguments, as GNU's
// do (getopt_long(3)). After -- there are no flags.
func parseAnywhere(f *flag.FlagSet, args []string) (others []string, status int, done bool) {
	for {
		err := f.Parse(args)
		rest := f.Args()
		if ended := len(args) > len(rest) && args[len(args)-len(rest)-1] == "--"; err != nil || ended || len(rest) == 0 {
			status, done = parsed(f, err)
			return append(others, rest...), status, done
		}
		others, args = append(others, rest[0]), rest[1:]
	}
}

// parsed returns the exit status if parsing was all.
func parsed(f *flag.FlagSet, err error) (status int, done bool) {
	if err != nil {
		return usage(err), true
	}
	if f.Lookup("version").Value.String() == "true" {
		fmt.Printf("Ignition %s (Firstlight %s)\n", system.Reference, system.Version)
		return exitOK, true
	}
	return 0, false
}
