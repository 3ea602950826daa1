/* SPDX-License-Identifier: MIT */
/*
 * The instrumented machine. It runs the processes of one listing as coroutines, one access to
 * shared memory a step. The explorer, the replayer and `call` use what stands here and nothing
 * else.
 *
 * The state has parts: part 0 is the memory that processes share (globals, arena, stack bytes that
 * another process touches); part 1 + t is process t: its live stack, its next access, its store
 * buffer. A step of t changes parts 0 and 1 + t only, so these two are what machine_undo restores.
 */
#ifndef CMPX_MACHINE_H
#define CMPX_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define THREADS 8
#define PART_MAX (1u << 18) /* bytes of one part */
#define WIDEST 256 /* bytes of one plain access; each aligned word of it is a step of its own */

enum access_kind { NOTHING, READ, WRITE, SWAP, MODIFY, FENCE, LOCK, FREE };

struct access {
	u8 *address;
	void *pc; /* the return address of the hook, or the address of the process that starts */
	u64 operand; /* SWAP: the new value; MODIFY: the operand; WRITE after a hidden read: what
			was read; READ of a struct that is copied: where to */
	u64 expected; /* SWAP: the old value; MODIFY: one of = + - & | ^ ~; READ of a struct that
			 is copied: `marked` of the store */
	u32 size;
	u8 kind;
	u8 marked; /* READ_ONCE, WRITE_ONCE or an atomic, 1 + its order: the author knows that
		      others touch it */
	u8 hidden; /* one half of a read-modify-write that a plain bit-field store compiles to */
	u8 rest; /* bytes of a wide access that come after this word */
};

enum trouble {
	FINE,
	EXPECT,	 /* an EXPECT, in whatever block it stands */
	WARN,
	NULL_POINTER,
	WILD,  /* an address that is no object of the listing */
	USE_AFTER_FREE,
	DOUBLE_FREE,
	BAD_FREE,
	NO_MEMORY, /* more than the arena holds */
	OVERFLOW, /* the stack */
	ENDLESS, /* a loop without an access */
	CRASH, /* any other signal */
	DEADLOCK,
	LIVELOCK,
	TOO_WIDE, /* one access to more than WIDEST bytes */
};

struct finding {
	u32 trouble;
	u32 thread;  /* THREADS: no process but INIT, INVARIANT, FINALLY or the whole */
	u32 number;  /* the signal of a CRASH */
	void *pc;
	u8 *address;
	u64 size;
	const char *condition;
	const char *message;
};

/* Stacks, arena and signal handlers. */
bool machine_prepare(void);

/* Loads the listing at a path; on failure says why in *why. */
bool machine_load(const char *path, const char **why);
extern unsigned machine_processes;
extern bool machine_tso;
extern bool machine_fences; /* fences are steps also where they have no effect */
extern bool machine_full; /* a store buffer was full: the model's has no end, so not all was seen */
const char *machine_process(unsigned thread);
u64 machine_base(void);

/* Globals that no part could hold. */
bool machine_oversized(void);

/* Globals as loaded, an empty arena, then INIT; no process has started. */
enum trouble machine_begin(void);

/* Begins, and takes each process to its first access. */
enum trouble machine_reset(void);

/* Actions that can be taken now, one bit each: t steps, or THREADS + t empties its oldest store. */
u32 machine_enabled(void);
bool machine_finished(void);
const struct access *machine_pending(unsigned thread);
enum trouble machine_step(unsigned action);
const struct finding *machine_finding(void);

/* Whether two pending accesses are a data race. */
bool machine_race(const struct access *a, const struct access *b);

/* What a step of a thread changes, kept before it; undoing it gives just that back. */
struct kept {
	unsigned thread;
	u8 memory[PART_MAX], own[PART_MAX];
};
void machine_keep(struct kept *kept, unsigned thread);
void machine_undo(const struct kept *kept);

u32 machine_snapshot(unsigned part, u8 *to);
void machine_restore(unsigned part, const u8 *from);
u64 machine_hash(const void *bytes, size_t size);

/* INVARIANT after a step, FINALLY after all. */
enum trouble machine_invariant(void);
enum trouble machine_finally(void);
bool machine_has_invariant(void);

/* What a thread would read there now, its own store buffer on top; 0 from an address that is none.
 */
u64 machine_peek(unsigned thread, const u8 *address, u32 size);

/* The stores in a thread's buffer under TSO, the next to leave it first. */
u32 machine_buffered(unsigned thread);
const struct access *machine_oldest(unsigned thread);

/* True once if stack bytes had to be marked shared in the last run, which then starts again. */
bool machine_marked_stack(void);

/* The memory behind names, for whoever prints it. */
const u8 *machine_data(size_t *size);
const u8 *machine_arena(size_t *size);
const u8 *machine_stack(unsigned thread, size_t *size);
const void *machine_stands(unsigned thread); /* where its code goes on */

/* The number of the arena block that holds an address, or of the thread whose stack does; else -1.
 */
int machine_block(const u8 *address, u64 *offset);
int machine_owner(const u8 *address);

/* How many bytes below the top of its stack an address lies. */
u64 machine_depth(const u8 *address);

/* After machine_begin: one function of the listing alone. */
enum trouble machine_call(u64 function, const u64 arguments[6], u64 *result);

#endif
