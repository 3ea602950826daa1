/* SPDX-License-Identifier: MIT */
/* What the hooks share with the machine: who runs, and how to leave. */
#ifndef CMPX_COROUTINE_H
#define CMPX_COROUTINE_H

#include "machine.h"

#define STACK_SIZE (64u << 10)

/* Stands at the top of its own stack. */
struct thread {
	u8 *sp;
	struct access pending;
	u32 index;
	u16 buffered; /* stores that have not reached memory */
	u16 seen; /* words of a wide read, taken one by one, that no code has looked at yet */
};

extern struct thread *running; /* NULL: INIT, INVARIANT, FINALLY or call, which nobody interrupts */
extern u8 *scheduler; /* the stack pointer of whoever resumed a coroutine */
extern u8 *lowest; /* how deep the running stack has been */
extern u64 blocks; /* basic blocks since the last access */
extern u32 passed; /* bytes of the last read of the thread's own stack, which is no step */

#define BLOCKS_MAX (1u << 20)

/* Saves registers and stack pointer in *save, goes to the stack pointer `to`. */
void coroutine_switch(u8 **save, u8 *to);

/* Ends the execution with a finding; does not come back. */
void machine_fail(enum trouble trouble, void *pc, const void *address, u64 size)
	__attribute__((noreturn));

/* An access outside the running stack, or to bytes of it that others touch. */
bool machine_private(struct thread *thread, const u8 *address, u32 size);
void machine_examine(const struct access *access);

/* The first word of what is left of an access. */
static inline void split(struct access *access, u32 left)
{
	u32 word = 8 - ((u64)access->address & 7);

	access->size = left <= 8 ? left : word;
	access->rest = left - access->size;
}

/* The scheduling point: comes back when the explorer steps this thread. */
static inline void machine_access(void *address, u32 size, u8 kind, u8 marked, u64 operand,
				  u64 expected, void *pc)
{
	struct thread *thread = running;
	struct access access = {
		.address = address,
		.pc = pc,
		.operand = operand,
		.expected = expected,
		.size = size,
		.kind = kind,
		.marked = marked,
	};

	if (!thread) {
		machine_examine(&access);
		return;
	}
	if (machine_private(thread, address, size)) {
		passed = kind == READ ? size : passed;
		return;
	}
	if (kind == READ || kind == WRITE) {
		if (size > WIDEST)
			machine_fail(TOO_WIDE, pc, address, size);
		split(&access, size);
	}
	thread->pending = access;
	coroutine_switch(&thread->sp, scheduler);
}

#endif
