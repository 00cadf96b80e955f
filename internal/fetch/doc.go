// Package fetch turns the URL of a resource into its verified, decompressed bytes,
// whatever the network and the server do in between.
//
// The life of one fetch:
//
//	Fetch           once more if the resource changes meanwhile  client.go
//	  schemes       the URL's scheme chooses an open function    client.go
//	    timeout     starts with the first free slot              timeout.go
//	    resume      attempts, until all bytes are read           resume.go
//	      retry     how long to wait for the next attempt        retry.go
//	      limit     16 transfers at a time, 12 from a host       limiter.go
//	      transport http, s3, gcs, azure, tftp: one attempt      http.go...
//	        secret  a store is asked for one, and a member taken  secretstore.go
//	        exchange one HTTP request, over redirects and proxies  exchange.go
//	  data          needs no network, and none of the above      data.go
//	  decompress, hash, write                                    verify.go
//
// A transport is an opener: a function that makes one attempt from a resume point.
// Policies are openers around openers (opener.go), or readers around bodies. A file
// without a validator, and one of TFTP, is read again from its beginning, and what
// was written already is compared by a hash.
//
// # Adding a scheme
//
// A line in the table schemes, and a function that parses the URL and passes an
// opener to Client.openResuming. Errors that are not classified below are retried.
//
// # What is retried
//
// An attempt that fails has a kind (classify.go). It decides for how long there are
// others, as long as the timeout of the fetch allows (ignition.timeouts.httpTotal,
// --fetch-timeout, or none):
//
//	Permanent    any other status, a bad redirect, a wrong range   no other one
//	ServerBusy   5xx, 408, 429                                     for ever
//	ConnLost     broken off, stalled, no response header in time   for ever
//	ConnRefused  nobody listens, or it is not HTTP                 3 hours
//	Timeout      nobody answers at that address                    3 hours
//	TLS          certificate, version, no TLS at that port         a minute
//	NXDomain     a name server says that the name does not exist   30 minutes
//	DNSDown      no name server answers                            for ever
//	NoNetwork    no link, carrier, address or route                for ever
//
// The limits are for a server that is just being set up, and for a person who waits.
// Pauses are random between nothing and 200 ms, 400 ms and so on, so that thousands of
// machines do not come at once: up to 30 s where the server is down or busy, else up to
// 5 s. A server that answers 429 or 503, and not when to come again, is asked a second
// time soon, and after that with the longest pauses. A Retry-After of up to a minute is
// followed, and up to half of it added.
// A connection that is silent for 30 s, or brings less than 4 KiB in two minutes, is
// ended. Without a network or a name server there is a try every half second and whenever
// the network changes, which does not count as an attempt. Connections that bring
// no new byte end a fetch after ten. Errors that last are logged as warnings,
// which consoles show, after 10 s, 20 s, 40 s and so on, at least every 10 minutes; so
// are attempts that take long, but for files, of which the files stage has a line.
//
// # Settings
//
// A Client follows the config that was read last (settings.go): Configure applies
// its proxy, timeouts and certificate authorities to all fetches that begin later.
// Requests of package imds (direct.go) have the same retries, but never a proxy, a
// slot or a timeout of their own. Object stores are shown the Credentials of the platform,
// or none; stores of secrets are not asked without.
//
// # Limits
//
// No body is ever in memory as a whole, but for Bytes, whose caller says how much, and for
// secrets of stores, which are small. HTTP/2 is not used. URLs in logs and errors are
// redacted; what servers send is made printable, and secrets of the request in it are masked
// (words.go). The package may import config, internal/dataurl, internal/json,
// internal/report, internal/storeurl and internal/system.
package fetch
