// Package namespaces has a small fleet of real agents, each in a network namespace of its
// own, boot at once at an nginx that lets few of them in and is stopped for a while: what
// tests/fleet computes in virtual time, on the kernel's network. It is for make soak.
package namespaces
