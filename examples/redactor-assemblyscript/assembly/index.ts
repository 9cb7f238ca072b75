// redact-order hides order numbers: ORD-2026-004711, four digits and six.

import { add, begin, count, finish, reserve, text, textLength, valid } from "./rdx";

export { rdx_abi_v1, rdx_alloc } from "./rdx";

const ORDER: u16 = 0; // index into the manifest's labels
const LENGTH: u32 = 15;

// There is nothing to configure, and what is not understood is refused.
export function rdx_configure(ptr: usize, len: u32): i32 {
  if (len != 0) return 1;
  return reserve() ? 0 : 2;
}

export function rdx_redact(ptr: usize, len: u32): u64 {
  begin();
  if (!valid(ptr, len)) return finish(1);
  const n = count(ptr);
  for (let i: u32 = 0; i < n; i++) scan(i, text(ptr, i), textLength(ptr, i));
  return finish(0);
}

// Looks at each hyphen once: this is linear whatever the text.
function scan(field: u32, t: usize, len: u32): void {
  for (let i: u32 = 3; i + 12 <= len; i++) {
    if (load<u8>(t + i) != 0x2d || !order(t + i - 3)) continue;
    const end = i - 3 + LENGTH;
    if (goesOn(t, i - 3) || (end < len && word(load<u8>(t + end)))) continue;
    add(field, i - 3, end, ORDER, 1000);
    i = end;
  }
}

// ORD-dddd-dddddd
function order(p: usize): bool {
  return (load<u32>(p) & 0x00ffffff) == 0x0044524f && load<u8>(p, 8) == 0x2d && digits(p + 4, 4) && digits(p + 9, 6);
}

function digits(p: usize, n: u32): bool {
  for (let i: u32 = 0; i < n; i++) if (<u32>load<u8>(p + i) - 0x30 > 9) return false;
  return true;
}

// Whether a word goes on into the text at an offset. Texts of AI sessions are often
// JSON: the n of "\nORD-" is half an escape and no letter of a word.
function goesOn(t: usize, at: u32): bool {
  if (at == 0 || !word(load<u8>(t + at - 1))) return false;
  return at == 1 || load<u8>(t + at - 2) != 0x5c;
}

// Whether a byte is an ASCII letter or digit. Others end a word: rather a finding
// too many than one too few.
function word(c: u32): bool {
  return c - 0x30 <= 9 || (c | 0x20) - 0x61 <= 25;
}
