//go:build !linux && !darwin && !freebsd

package main

import "os"

// terminalColumns is 0: on this system the width is that of COLUMNS or the default.
func terminalColumns(*os.File) int { return 0 }
