//go:build !js

// Command wasm is the part of the page that is in Go; "make web" builds it for a browser.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "this is a part of the page: make web builds it for a browser")
	os.Exit(2)
}
