// Package timeline lays out the record of a first boot for people: New turns a
// report.Record into stages and rows with their places in time, and SVG, HTML and Trace
// draw them. The drawing in a terminal is firstlightctl's.
//
//	text --Parse--> report.Record --New--> Timeline --+--> HTML, SVG, text
//	                              \--Trace--> events  (all operations, for Perfetto)
//
// A record comes from outside: from a ticket, say, or from a machine that was taken
// over. Parse bounds its size and makes its texts printable, New bounds how many rows
// there are, and whatever is drawn is escaped.
//
// The package does no I/O.
package timeline
