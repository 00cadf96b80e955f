// Package gpt reads and writes GUID partition tables (UEFI 2.10, chapter 5).
//
// Read reads everything that a table consists of: the protective MBR in
// the first sector, the primary header in the second one and the backup header
// in the last one, each header with its array of entries. The result has the
// kind of table that the disk has (none, a GPT, an MBR table, a GPT of which neither
// copy can be used), the partitions, what is damaged although the table can be
// used, and whether it can be written. Nothing on the disk is believed before
// it has been checked.
//
// Write writes a table and reads it again. One copy of the table is intact at
// any moment, so that a power cut leaves the old table or the new one:
//
//	an empty table, if there is none  a protective MBR alone is a damaged table
//	sync
//	protective MBR                    without it a backup alone does not count
//	the table as it is, if damaged    else the only sound copy is overwritten
//	backup entries and header, sync   the primary is sound
//	primary entries and header, sync  the backup is sound
//
// Entries and headers are encoded and decoded by go-diskfs. These are its
// faults, as of version 1.9, with what is done about each; comments in the code
// refer to their numbers.
//
//  1. It believes the numbers of a header, and allocates or reads whatever they
//     say. Headers are checked before it sees them (read.go).
//  2. It does not export the usable sectors or the state of the backup. Both
//     are read from the headers (read.go).
//  3. It looks for the signature of the MBR at the end of the first sector,
//     which is wrong for sectors larger than 512 bytes, and does not recognize
//     a protective MBR whose size differs from that of the disk. The MBR is
//     read here (mbr.go).
//  4. It cuts the size in the protective MBR off at 32 bits, where it has to be
//     all ones on larger disks. The MBR is written here (mbr.go).
//  5. It looks for the backup in the last sector only, and prefers the primary
//     copy by criteria of its own. The copy that is not to be used is hidden
//     from it (oneCopy in read.go), and the disk ends with the backup for it.
//  6. It puts the entries right after the primary header, and counts whole
//     sectors only. A table of another form is read but never written: see
//     Disk.Unwritable.
//  7. It keeps the number of entries, and the sectors of the headers, in
//     private fields. An existing table is read by it again before it is
//     written, for these fields to be set (write.go).
//  8. It does not wrap the errors of writing.
//
// Limits: entries of 128 bytes, headers of 92 bytes, at most 1 MiB of entries.
//
// A hybrid MBR has entries of its own for some of the partitions, which old
// firmware starts from; UEFI knows nothing of it. Its entries are in Table.MBR.
// Those that are not in the table that is written are taken out; without any the
// MBR is protective only.
package gpt
