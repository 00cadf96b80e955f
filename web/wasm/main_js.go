package main

import (
	"encoding/json"
	"runtime/debug"
	"syscall/js"

	"github.com/firstlight-os/firstlight/internal/page"
)

// main gives the worker functions from bytes and options, in JSON, to JSON.
func main() {
	// There is one thread, which does nothing else while it collects garbage: seldom, while
	// there is memory.
	debug.SetGCPercent(1000)
	debug.SetMemoryLimit(512 << 20)
	var p page.Page
	answer("firstlightCheck", func(text []byte, o page.Options) any { return p.Check(text, o) })
	answer("firstlightDetails", func(text []byte, o page.Options) any { return p.Details(text, o) })
	select {}
}

func answer(name string, f func([]byte, page.Options) any) {
	js.Global().Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any {
		text := make([]byte, args[0].Length())
		js.CopyBytesToGo(text, args[0])
		var o page.Options
		if err := json.Unmarshal([]byte(args[1].String()), &o); err != nil {
			panic(err) // our own JavaScript has made it
		}
		out, err := json.Marshal(f(text, o))
		if err != nil {
			panic(err)
		}
		return string(out)
	}))
}
