// Package systems boots systems that treat their root in a way of their own, made by
// Debian's packages for that. What is expected comes from their programs.
//
// Each needs an image that takes minutes to build, so that all have the build tag soak:
// "make soak" runs them.
package systems
