// rdx v1 in AssemblyScript: a file to copy. It reads requests and writes replies
// where they lie, in raw memory, and uses no runtime: no objects, no collector.
// The numbers are those of sdk/plugin/ABI.md.

const MAGIC_REQUEST: u32 = 0x31584452; // "RDX1"
const MAGIC_REPLY: u32 = 0x31524452; // "RDR1"
const MAJOR: u16 = 1;
const MAX_FIELDS: u32 = 65536;
const MAX_EDITS: u32 = 32768;
const RECORD: u32 = 32; // bytes of a record that this file knows
const HEADER: u32 = 16; // of a reply
const EDIT: u32 = 16;

// Memory behind the static data: first the reply, then the input buffer.
const REPLY_ROOM: u32 = HEADER + 2048 * EDIT;
const INPUT_ROOM: u32 = 128 << 10; // an ordinary batch

const replyAt: usize = (__heap_base + 15) & ~(<usize>15);
const inputAt: usize = (replyAt + REPLY_ROOM + 15) & ~(<usize>15);

let edits: u32 = 0;
let full: bool = false;

// The host puts variables back after every batch, and wants no module without
// this export.
export function rdx_abi_v1(): void {}

// The one input buffer always begins at the same place; the memory grows to its
// end.
export function rdx_alloc(len: u32): usize {
  const pages = <i32>((<u64>inputAt + len + 0xffff) >> 16);
  const missing = pages - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) return 0;
  return inputAt;
}

// Takes the memory of an ordinary batch, so that it belongs to the image.
export function reserve(): bool {
  return rdx_alloc(INPUT_ROOM) != 0;
}

// Whether the bytes are a request of this version with every field inside. The
// functions below rely on it.
export function valid(req: usize, len: u32): bool {
  if (len < 32 || load<u32>(req) != MAGIC_REQUEST || load<u16>(req, 4) != MAJOR || load<u32>(req, 8) != len) return false;
  const n = load<u32>(req, 12);
  const size = load<u32>(req, 20);
  if (n > MAX_FIELDS || size < RECORD || size > 1024 || <u64>load<u32>(req, 16) + <u64>n * size > len) return false;
  for (let i: u32 = 0; i < n; i++) {
    const r = record(req, i);
    if (<u64>load<u32>(r) + load<u32>(r, 4) > len || <u64>load<u32>(r, 8) + load<u32>(r, 12) > len) return false;
  }
  return true;
}

// @ts-ignore: decorator
@inline
function record(req: usize, i: u32): usize {
  return req + load<u32>(req, 16) + i * load<u32>(req, 20);
}

// @ts-ignore: decorator
@inline
export function count(req: usize): u32 {
  return load<u32>(req, 12);
}

// A field's text: UTF-8, not ended by a zero.
// @ts-ignore: decorator
@inline
export function text(req: usize, i: u32): usize {
  return req + load<u32>(record(req, i));
}

// @ts-ignore: decorator
@inline
export function textLength(req: usize, i: u32): u32 {
  return load<u32>(record(req, i), 4);
}

export function begin(): void {
  edits = 0;
  full = false;
}

// Asks the host to replace bytes [start, end) of a field's text. Edits come
// sorted by field and start and do not overlap.
export function add(field: u32, start: u32, end: u32, label: u16, score: u16): void {
  if (edits == MAX_EDITS || HEADER + (edits + 1) * EDIT > REPLY_ROOM) {
    full = true;
    return;
  }
  const e = replyAt + HEADER + edits++ * EDIT;
  store<u32>(e, field);
  store<u32>(e, start, 4);
  store<u32>(e, end, 8);
  store<u16>(e, label, 12);
  store<u16>(e, score, 14);
}

// What rdx_redact returns. A status other than 0 fails the request, and so does
// a reply that has no room for its edits: rather no answer than half of one.
export function finish(status: u32): u64 {
  if (full) status = u32.MAX_VALUE;
  if (status != 0) edits = 0;
  store<u32>(replyAt, MAGIC_REPLY);
  store<u32>(replyAt, status, 4);
  store<u32>(replyAt, edits, 8);
  store<u32>(replyAt, EDIT, 12);
  return ((<u64>replyAt) << 32) | (HEADER + edits * EDIT);
}
