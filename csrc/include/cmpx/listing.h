/* SPDX-License-Identifier: MIT */
/* What a listing may use: its processes, its blocks and its claims. */
#ifndef CMPX_LISTING_H
#define CMPX_LISTING_H

void cmpx_process(const char *name, void (*body)(void));
void cmpx_init(void (*body)(void));
void cmpx_invariant(void (*body)(void));
void cmpx_finally(void (*body)(void));
void cmpx_expect(const char *condition, const char *message);
void cmpx_reuse_freed(void);

#define CMPX_AT_LOAD(name, call)                                                                   \
	__attribute__((constructor)) static void name(void)                                        \
	{                                                                                          \
		call;                                                                              \
	}

/* Runs beside the other processes; up to eight. */
#define PROCESS(name)                                                                              \
	static void name##_process(void);                                                          \
	CMPX_AT_LOAD(name##_at_load, cmpx_process(#name, name##_process))                          \
	static void name##_process(void)

#define CMPX_BLOCK(name)                                                                           \
	static void cmpx_##name##_block(void);                                                     \
	CMPX_AT_LOAD(cmpx_##name##_at_load, cmpx_##name(cmpx_##name##_block))                      \
	static void cmpx_##name##_block(void)

#define INIT CMPX_BLOCK(init)  /* before each execution */
#define INVARIANT CMPX_BLOCK(invariant) /* after every step; may read, not write */
#define FINALLY CMPX_BLOCK(finally) /* when all processes are done */

/* A claim; where it is false, the run ends and the message says what went wrong. */
#define EXPECT(condition, message)                                                                 \
	do {                                                                                       \
		if (!(condition))                                                                  \
			cmpx_expect(#condition, message);                                          \
	} while (0)

/* kmalloc may hand out again what kfree took back: what an ABA needs. */
#define REUSE_FREED_MEMORY CMPX_AT_LOAD(cmpx_reuse_at_load, cmpx_reuse_freed())

#endif
