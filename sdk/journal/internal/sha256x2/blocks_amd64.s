#include "textflag.h"

// A lane has the state ABEF, CDGH and sixteen words of its message, in the order in
// which they are used next. X0 is what SHA256RNDS2 takes its words from; X13 is scratch,
// X14 turns bytes.

// LOAD reads a block, and turns its words into those of this machine.
#define LOAD(p, w0, w1, w2, w3) \
	MOVOU  0(p), w0; \
	PSHUFB X14, w0; \
	MOVOU  16(p), w1; \
	PSHUFB X14, w1; \
	MOVOU  32(p), w2; \
	PSHUFB X14, w2; \
	MOVOU  48(p), w3; \
	PSHUFB X14, w3

// ROUNDS does four rounds with the words of w.
#define ROUNDS(at, w, abef, cdgh) \
	MOVOU       at(R8), X0; \
	PADDD       w, X0; \
	SHA256RNDS2 X0, abef, cdgh; \
	PSHUFD      $0x0e, X0, X0; \
	SHA256RNDS2 X0, cdgh, abef

// EXTEND makes of the words w0 those that come sixteen later.
#define EXTEND(w0, w1, w2, w3) \
	SHA256MSG1 w1, w0; \
	MOVO       w3, X13; \
	PALIGNR    $4, w2, X13; \
	PADDD      X13, w0; \
	SHA256MSG2 w3, w0

#define BOTH(at, a0, a1, a2, a3, b0, b1, b2, b3) \
	ROUNDS(at, a0, X1, X2); \
	EXTEND(a0, a1, a2, a3); \
	ROUNDS(at, b0, X7, X8); \
	EXTEND(b0, b1, b2, b3)

#define LAST(at, a0, b0) \
	ROUNDS(at, a0, X1, X2); \
	ROUNDS(at, b0, X7, X8)

// func blocks(a, b *State, p, q *byte, n int)
TEXT ·blocks(SB), NOSPLIT, $64-40
	MOVQ  a+0(FP), AX
	MOVQ  b+8(FP), BX
	MOVQ  p+16(FP), SI
	MOVQ  q+24(FP), DI
	MOVQ  n+32(FP), CX
	LEAQ  ·constants(SB), R8
	MOVOU ·turn(SB), X14
	MOVOU 0(AX), X1
	MOVOU 16(AX), X2
	MOVOU 0(BX), X7
	MOVOU 16(BX), X8
	TESTQ CX, CX
	JLE   done

block:
	MOVOU X1, 0(SP)
	MOVOU X2, 16(SP)
	MOVOU X7, 32(SP)
	MOVOU X8, 48(SP)
	LOAD(SI, X3, X4, X5, X6)
	LOAD(DI, X9, X10, X11, X12)

	BOTH(0, X3, X4, X5, X6, X9, X10, X11, X12)
	BOTH(16, X4, X5, X6, X3, X10, X11, X12, X9)
	BOTH(32, X5, X6, X3, X4, X11, X12, X9, X10)
	BOTH(48, X6, X3, X4, X5, X12, X9, X10, X11)
	BOTH(64, X3, X4, X5, X6, X9, X10, X11, X12)
	BOTH(80, X4, X5, X6, X3, X10, X11, X12, X9)
	BOTH(96, X5, X6, X3, X4, X11, X12, X9, X10)
	BOTH(112, X6, X3, X4, X5, X12, X9, X10, X11)
	BOTH(128, X3, X4, X5, X6, X9, X10, X11, X12)
	BOTH(144, X4, X5, X6, X3, X10, X11, X12, X9)
	BOTH(160, X5, X6, X3, X4, X11, X12, X9, X10)
	BOTH(176, X6, X3, X4, X5, X12, X9, X10, X11)
	LAST(192, X3, X9)
	LAST(208, X4, X10)
	LAST(224, X5, X11)
	LAST(240, X6, X12)

	MOVOU 0(SP), X13
	PADDD X13, X1
	MOVOU 16(SP), X13
	PADDD X13, X2
	MOVOU 32(SP), X13
	PADDD X13, X7
	MOVOU 48(SP), X13
	PADDD X13, X8
	ADDQ  $64, SI
	ADDQ  $64, DI
	DECQ  CX
	JNZ   block

done:
	MOVOU X1, 0(AX)
	MOVOU X2, 16(AX)
	MOVOU X7, 0(BX)
	MOVOU X8, 16(BX)

	// What the spilled states tell is a hash of the text so far.
	PXOR  X13, X13
	MOVOU X13, 0(SP)
	MOVOU X13, 16(SP)
	MOVOU X13, 32(SP)
	MOVOU X13, 48(SP)
	RET

// func features() (leaf1, leaf7 uint32)
TEXT ·features(SB), NOSPLIT, $0-8
	XORL AX, AX
	XORL CX, CX
	CPUID
	MOVL $0, leaf1+0(FP)
	MOVL $0, leaf7+4(FP)
	CMPL AX, $7
	JLT  none
	MOVL $1, AX
	XORL CX, CX
	CPUID
	MOVL CX, leaf1+0(FP)
	MOVL $7, AX
	XORL CX, CX
	CPUID
	MOVL BX, leaf7+4(FP)

none:
	RET
