/* SPDX-License-Identifier: MIT */
/* What help() says of cmpx._words. */
#ifndef CMPX_WORDS_DOC_H
#define CMPX_WORDS_DOC_H

#define SIGNATURE(name, values) name "(word, " values ", /)\n--\n\n"

#define PLACE_AND_ERRORS                                                                           \
	"word is a u8, u16, u32 or u64, or any writable, aligned buffer of 1, 2, 4 or\n"           \
	"8 bytes: a bytearray, an mmap, a NumPy slice of one element. Values are\n"                \
	"unsigned, 0 to 2**bits - 1; any integer will do, but True and False are refused:\n"       \
	"they stand for answers here, and a call with one is more often a slip.\n\n"               \
	"Raises\n------\n"                                                                         \
	"TypeError\n    word is not a buffer, or a value is not an integer.\n"                     \
	"OverflowError\n    A value is negative or too wide for the word.\n"                       \
	"BufferError\n    The buffer is read-only or not contiguous.\n"                            \
	"ValueError\n    The buffer has another size, is misaligned, or is closed.\n\n"            \
	"Whatever is raised, memory is unchanged.\n\n"

#define ORDER_DOC(name, orders, model)                                                             \
	SIGNATURE(name, "old, new")                                                                \
	"cmpxchg that " orders "; returns the value found.\n\n"                                    \
	"A failure orders nothing. x86 compiles this and cmpxchg to the same LOCK CMPXCHG;\n"      \
	"on arm64 they differ.\n\n" PLACE_AND_ERRORS "Kernel: Documentation/atomic_t.txt, " model  \
	"."

#define CMPXCHG_DOC                                                                                \
	SIGNATURE("cmpxchg", "old, new")                                                           \
	"If word holds old, store new; return the value found, always.\n\n"                        \
	"The comparison and the store are one atomic step. It succeeded if the result\n"           \
	"equals old. On failure the result is what the step saw, not what memory holds by\n"       \
	"now. Success is a full barrier on both sides; failure orders nothing. old == new\n"       \
	"is legal: an atomic read.\n\n" PLACE_AND_ERRORS                                           \
	"Kernel: arch/x86/include/asm/cmpxchg.h (v5.0), __raw_cmpxchg;\nDocumentation/atomic_t.txt."

#define CMPXCHG_RELAXED_DOC ORDER_DOC("cmpxchg_relaxed", "orders nothing else", "_relaxed")
#define CMPXCHG_ACQUIRE_DOC                                                                        \
	ORDER_DOC("cmpxchg_acquire", "keeps what follows after its load", "_acquire")
#define CMPXCHG_RELEASE_DOC                                                                        \
	ORDER_DOC("cmpxchg_release", "keeps what precedes before its store", "_release")

#define CMPXCHG64_DOC                                                                                           \
	SIGNATURE("cmpxchg64", "old, new")                                                                      \
	"cmpxchg on exactly 8 bytes; returns the value found.\n\n"                                              \
	"The name exists for 32-bit machines, where 8 bytes are wider than a pointer. A\n"                      \
	"narrower word raises TypeError, as the kernel's check of sizeof stops the build.\n\n" PLACE_AND_ERRORS \
	"Kernel: arch/x86/include/asm/cmpxchg_64.h (v5.0); cmpxchg_32.h has LOCK CMPXCHG8B."

#define TRY_CMPXCHG_DOC                                                                            \
	SIGNATURE("try_cmpxchg", "old, new")                                                       \
	"If word holds old, store new; return (ok, seen), which is true on success.\n\n"           \
	"In C, seen is written back into old, so that a loop need not load again. The CPU\n"       \
	"has left the verdict in a flag: no comparison is needed either.\n\n" PLACE_AND_ERRORS     \
	"Kernel: arch/x86/include/asm/cmpxchg.h (v5.0), __raw_try_cmpxchg, since v4.12."

#define XCHG_DOC                                                                                   \
	SIGNATURE("xchg", "new")                                                                   \
	"Store new, whatever word holds; return the value found.\n\n"                              \
	"One atomic step and a full barrier. It never fails, so it needs no loop; it also\n"       \
	"never looks, so it overwrites what others have written.\n\n" PLACE_AND_ERRORS             \
	"Kernel: arch/x86/include/asm/cmpxchg.h (v5.0), __xchg_op; Documentation/atomic_t.txt."

#define BLOCK_DOC                                                                                  \
	"block(nbytes, /)\n--\n\n"                                                                 \
	"Zeroed memory of at least nbytes on 64-byte cache lines of its own, as a writable\n"      \
	"buffer."

#define VALUE_DOC                                                                                  \
	"The number held now: read and written in one access, without order (READ_ONCE,\n"         \
	"WRITE_ONCE)."

#endif
