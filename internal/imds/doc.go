// Package imds talks to the instance metadata services of platforms: small HTTP
// servers at link-local addresses that know what the user gave to a machine, and
// who the machine is.
//
// A request names a URL; a platform's file is often nothing but one:
//
//	imds.Request{
//		URL:        "http://169.254.169.254/2019-10-01/user-data",
//		OtherHosts: []string{"[fd00:ec2::254]"},
//		Token:      imds.EC2Token,
//	}
//
// The life of a request:
//
//	Do       the hosts of the service, one or several      hedge.go
//	  token  a PUT gives it, each request shows it         token.go
//	  send   attempts, by the retries of package fetch     request.go
//	  hint   what a person can do about a status           request.go
//
// # Words
//
//   - A hedged request is one that is made at several hosts of a service because
//     the first one is slow, cannot be reached or has nothing. The best response
//     counts: something before nothing before an error.
//   - A token is a secret that a service gives for a PUT and wants to see with each
//     request, so that nobody can make us send requests by a forged link. One token
//     is requested for each host, and another one if the service has forgotten it.
//   - Credentials are what the stores of package fetch are shown: AWS keys of a role,
//     bearer tokens of a service account or a managed identity. This package makes
//     fetch.Credentials; no request is made before they are needed.
//   - The credential cache keeps them until five minutes before their end, from
//     process to process in the state file, so that a thousand files of a config
//     cost one request; tokens that vaults give are kept with them. That there are
//     none is kept as well, for six minutes, and a failure for one.
//
// # Limits
//
// Only the context limits the time of a request; retries go on until then (see
// package fetch for what is permanent). A response has at most a MiB unless the
// request says otherwise, one with credentials 64 KiB. Secrets are in no log and in
// no error. The package may import internal/fetch, internal/json and
// internal/report.
package imds
