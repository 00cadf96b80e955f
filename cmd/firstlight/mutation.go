//go:build mutation

package main

// With this tag the agent is broken, for a test of the tests.
import _ "github.com/firstlight-os/firstlight/tests/firstboot/mutation"
