// Package stream keeps streams of records in the append files of one directory: what
// is behind the storage adapters' capability "stream".
//
// A stream has a key, [a-z0-9.-]. A record carries a range of numbers; the ranges of a
// stream follow one another without a gap, and of two writers who want the same number
// exactly one gets it. A record has a body, which never changes, and slots, each of
// which can be erased by itself.
//
// # Files
//
// A stream is one or more segments, files KEY_NUMBER, where NUMBER is that of the
// segment's first record in 16 lower case hexadecimal digits. A segment is a sequence
// of frames, one for each record, from the beginning of the file. Integers are little
// endian; a CRC is CRC-32C.
//
//	 0 u32 magic 0x44434552 "RECD"    4 u32 number of slots
//	 8 u64 first number              16 u64 last number
//	24 u64 offset of the frame in its file
//	32 u32 length of the body        36 u32 zero
//	40 u32 CRC of the body
//	44 u32 CRC of the stream's key and bytes 0 to 43
//	48 body, zeros up to a multiple of 128, a cell of 128 bytes for each slot
//
//	cell: 0 u32 CRC of the rest of the cell, 4 u32 length, 8 bytes of the slot, zeros
//
// An erased cell is 128 bytes FF, one of which it is not known whether the disk has lost
// what was there 128 bytes FE. One that is neither and has not its CRC was torn.
//
// # Durability
//
// An append is one write and one fdatasync, which no thread waits for where the kernel
// allows it; space is reserved ahead, and what is durable is not kept in memory. It is one
// frame, so a crash leaves all of it or a torn end, which was never acknowledged:
//
//   - Behind the last valid frame of the last segment, bytes that are no frame are a torn
//     end. Readers stop before it, the next writer cuts it off.
//   - If a valid frame stands behind bytes that are none, or a segment does not reach the
//     first number of the next one, that is [ErrDamaged] and never an end: a frame is only
//     written when the one before is durable.
//   - A write or fdatasync that failed leaves an unknown outcome, and the kernel may have
//     dropped what it could not write: no later fdatasync of this file means anything. The
//     segment gets no further frame. What is appended next, be it the same bytes again,
//     begins a segment of its own, which is written under another name, synced, and only
//     then given its own. Frames of the older segment from that number on do not count.
//   - A process that goes on with a stream of an earlier one cannot know what that one's
//     last fdatasync said. It writes the last frame again, the same bytes in the same place,
//     and syncs file and directory before it appends, or says that a number is taken.
//
// # Concurrency
//
// The first process that appends or erases holds the directory until it ends; another
// gets [ErrInUse]. Whoever only reads takes no lock and may read beside the writer. In one
// process a directory is opened once, however often [Open] is called, so that the epochs
// of a reload see the same positions. The lock is flock(2): a network file system without
// it is no place for a directory that two machines may write.
package stream
