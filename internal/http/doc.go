// Package http is the client's half of HTTP/1.1 (RFC 9110 and 9112), as much of it as
// the agent needs: one request and its response, by a direct connection or a proxy, with
// connections that are used again. Its names are those of net/http, which would cost
// 730 kB of the agent, 248 kB of it compressed: its client cannot be linked without its
// proxies of SOCKS, its forms and the Unicode tables for names outside of ASCII.
//
// What follows redirects, and all policy, is in internal/fetch. There are no cookies, no
// compression and no HTTP/2.
//
//	message.go    requests and responses
//	transport.go  a route to a server: dial, tunnel, TLS; connections that are idle
//	conn.go       one request over a connection
//	idle_linux.go whether the server has closed a connection that is idle
//	response.go   reads the header of a response
//	body.go       where a body ends: a length, chunks or the end of the connection
//	host.go       names of hosts, those outside of ASCII included
//
// A request ends with its context at any moment; the error is the context's cause then.
// A connection that was idle may be closed by the server at the moment at which it is
// used again: a GET that gets not one byte of an answer is sent once more by another one.
package http
