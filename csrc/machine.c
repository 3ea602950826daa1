/* SPDX-License-Identifier: MIT */
/* Coroutines, memory and snapshots of the machine that machine.h describes. x86-64 Linux. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#include "coroutine.h"
#include "image.h"

#define PAGE 4096u
/* Below each stack, what nobody may touch: wider than a frame, so that none steps over it. */
#define GUARD (1u << 20)
#define STRIDE (STACK_SIZE + GUARD)
#define ARENA_SIZE (64u << 10)
#define BUFFER_MAX 16 /* stores that may wait in a buffer */
#define WORDS (WIDEST / 8 + 1) /* of one wide access */
#define SHAPES 4096
#define DIRT 512   /* what hooks and machine may use below the deepest block */

/* pop and jmp: a `ret` to another stack would always be mispredicted. */
__asm__(".globl coroutine_switch\n"
	"coroutine_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"coroutine_resume:\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	popq %rcx\n"
	"	jmp *%rcx\n");
extern char coroutine_resume[];

struct frame {
	u64 registers[6];
	void (*entry)(void);
	u64 alignment; /* the entry finds its stack as a call leaves it: 8 past a multiple of 16 */
};

struct block {
	u32 size;
	u32 freed;
	u64 start; /* offset in the arena of the bytes handed out */
};

struct arena {
	u32 used;
	u32 pad;
};

/* What the compiled code behind one plain store really writes. */
struct shape {
	void *pc;
	u8 of; /* bytes of the access */
	u8 first, size;
	u8 reads; /* the bytes written depend on those that were there */
	u8 copies; /* nothing is written before the read that follows: a struct is copied after
		      both hooks */
};

struct thread *running;
u8 *scheduler, *lowest;
u64 blocks;
u32 passed;
unsigned machine_processes;
bool machine_tso, machine_fences, machine_full;

static struct {
	const char *name;
	void (*body)(void);
} processes[THREADS + 1];
static void (*init)(void), (*invariant)(void), (*finally)(void);
static void (*entering)(void);
static struct finding finding;
static u8 *stacks, *arena_bytes;
static bool arena_reuses;
static struct image image;
static u8 *pristine;
static struct access buffers[THREADS][BUFFER_MAX + 2 * WORDS]; /* stores, then words seen */
static u64 stack_shared[THREADS][STACK_SIZE / 8 / 64];
static bool any_shared, marked_stack;
static struct shape shapes[SHAPES];
static u64 resumed; /* times that a coroutine was resumed */

static struct thread *thread_at(unsigned index)
{
	return (struct thread *)(stacks + (index + 1) * STRIDE - sizeof(struct thread));
}

static u8 *stack_base(unsigned index)
{
	return stacks + index * STRIDE + GUARD;
}

static struct arena *arena(void)
{
	return (struct arena *)arena_bytes;
}

/* Bytes as a number, low byte first; more than 8 count by their first 8. */
static u64 load(const u8 *address, u32 size)
{
	u64 value = 0;

	memcpy(&value, address, size < 8 ? size : 8);
	return value;
}

/* ---- what a listing calls ------------------------------------------------------------------ */

void cmpx_process(const char *name, void (*body)(void))
{
	if (machine_processes <= THREADS) {
		processes[machine_processes].name = name;
		processes[machine_processes++].body = body;
	}
}

void cmpx_init(void (*body)(void))
{
	init = body;
}
void cmpx_invariant(void (*body)(void))
{
	invariant = body;
}
void cmpx_finally(void (*body)(void))
{
	finally = body;
}
void cmpx_reuse_freed(void)
{
	arena_reuses = true;
}

void machine_fail(enum trouble trouble, void *pc, const void *address, u64 size)
{
	u8 *gone;

	finding.trouble = trouble;
	finding.pc = pc;
	finding.address = (u8 *)address;
	finding.size = size;
	coroutine_switch(&gone, scheduler);
	__builtin_unreachable();
}

void cmpx_expect(const char *condition, const char *message)
{
	finding.condition = condition;
	finding.message = message;
	machine_fail(EXPECT, __builtin_return_address(0), NULL, 0);
}

void cmpx_warn(const char *condition)
{
	finding.condition = condition;
	machine_fail(WARN, __builtin_return_address(0), NULL, 0);
}

static struct block *next_block(const struct block *block)
{
	return (struct block *)(arena_bytes + block->start + ((block->size + 15) & ~15u));
}

static struct block *first_block(void)
{
	return (struct block *)(arena_bytes + sizeof(struct arena));
}

static bool is_block(const struct block *block)
{
	return (u8 *)block < arena_bytes + arena()->used;
}

/* Power-of-two sizes are aligned to themselves, up to a cache line, as kmalloc does. */
void *cmpx_alloc(size_t size, bool zero)
{
	u32 align = size >= 64 && !(size & (size - 1)) ? 64 : 16;
	struct block *block = first_block();
	u64 start;

	if (size > ARENA_SIZE)
		machine_fail(NO_MEMORY, __builtin_return_address(0), NULL, size);
	for (; is_block(block); block = next_block(block))
		if (arena_reuses && block->freed && block->size == size)
			goto found;
	start = ((u8 *)block - arena_bytes + sizeof(*block) + align - 1) & ~(u64)(align - 1);
	if (start + size + 16 > ARENA_SIZE)
		machine_fail(NO_MEMORY, __builtin_return_address(0), NULL, size);
	*block = (struct block){ .size = size, .start = start };
	arena()->used = (u8 *)next_block(block) - arena_bytes;
found:
	block->freed = 0;
	memset(arena_bytes + block->start, zero ? 0 : 0x5a, (size + 15) & ~15u);
	return arena_bytes + block->start;
}

static struct block *block_of(const u8 *address)
{
	struct block *block;

	for (block = first_block(); is_block(block); block = next_block(block))
		if (address >= arena_bytes + block->start && address < (u8 *)next_block(block))
			return block;
	return NULL;
}

/* A step of its own: what others may still do with the memory turns on when it goes. */
void cmpx_free(const void *address)
{
	void *pc = __builtin_return_address(0);
	struct block *block;

	if (!address)
		return;
	block = block_of(address);
	machine_access((void *)address, block ? block->size : 0, FREE, 0, 0, 0, pc);
	block = block_of(address);
	if (!block || arena_bytes + block->start != address)
		machine_fail(BAD_FREE, pc, address, 0);
	if (block->freed)
		machine_fail(DOUBLE_FREE, pc, address, block->size);
	block->freed = 1;
	memset(arena_bytes + block->start, 0x6b, block->size);
}

/* Waits until *word is 0 and makes it 1, in one step; blocks instead of spinning. */
void cmpx_lock(u32 *word)
{
	machine_access(word, sizeof(*word), LOCK, 1, 1, 0, __builtin_return_address(0));
	if (*word)
		machine_fail(DEADLOCK, __builtin_return_address(0), word, sizeof(*word));
	*word = 1;
}

/* ---- coroutines ---------------------------------------------------------------------------- */

static void enter(void)
{
	u8 *gone;

	entering();
	if (running) {
		running->sp = (u8 *)running;
		running->pending = (struct access){ .kind = NOTHING };
	}
	coroutine_switch(&gone, scheduler);
}

static u8 *prepare(unsigned index)
{
	struct frame *frame = (struct frame *)((u64)thread_at(index) & ~15ull) - 1;

	*frame = (struct frame){ .entry = enter };
	return (u8 *)frame;
}

/* Resumes what stands at sp until it leaves again, and cleans the stack below: dirt is no state. */
static void resume(unsigned index, u8 **sp)
{
	u8 *base = stack_base(index), *low;

	blocks = 0;
	resumed++;
	lowest = *sp;
	coroutine_switch(&scheduler, *sp);
	scheduler = NULL;
	if (finding.trouble) {
		memset(base, 0, *sp - base);
		return;
	}
	low = lowest < *sp ? lowest : *sp;
	low = low - base > DIRT ? low - DIRT : base;
	memset(low, 0, *sp - low);
}

/* Runs code of the listing that nothing interrupts. */
static enum trouble alone(void (*body)(void))
{
	u8 *sp = prepare(THREADS);

	finding = (struct finding){ .thread = THREADS };
	entering = body;
	resume(THREADS, &sp);
	return finding.trouble;
}

static void run(struct thread *thread)
{
	running = thread;
	resume(thread->index, &thread->sp);
	running = NULL;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	u8 *address = info->si_addr, *end = stacks + (THREADS + 1) * STRIDE;

	if (number == SIGVTALRM) {
		/* a compiler may leave nothing of an endless loop but a jump, without a call in it
		 */
		static u64 seen;
		bool same = seen == resumed;

		seen = resumed;
		if (!scheduler || !same)
			return;
	} else if (!scheduler) {
		signal(number, SIG_DFL);
		return;
	}
	finding.pc = (void *)registers[REG_RIP];
	finding.number = number;
	finding.address = address;
	finding.trouble = number == SIGVTALRM ? ENDLESS : CRASH;
	if (number == SIGSEGV || number == SIGBUS) {
		finding.trouble = (u64)address < PAGE ? NULL_POINTER : WILD;
		if (address >= stacks && address < end && (address - stacks) % STRIDE < GUARD)
			finding.trouble = OVERFLOW;
	}
	registers[REG_RSP] = (greg_t)scheduler;
	registers[REG_RIP] = (greg_t)coroutine_resume;
}

/* ---- addresses ----------------------------------------------------------------------------- */

static bool within(const u8 *address, u64 size, const u8 *start, const u8 *end)
{
	return address >= start && address <= end && size <= (u64)(end - address);
}

static enum trouble examine(const struct access *access)
{
	const u8 *address = access->address;
	const struct block *block;

	if (access->kind == FENCE || access->kind == FREE ||
	    within(address, access->size, image.data, image.data + image.data_size))
		return FINE;
	if (within(address, 1, arena_bytes, arena_bytes + ARENA_SIZE)) {
		block = block_of(address);
		if (!block || !within(address, access->size, arena_bytes + block->start,
				      arena_bytes + block->start + block->size))
			return WILD;
		return block->freed ? USE_AFTER_FREE : FINE;
	}
	if (within(address, access->size, stacks, stacks + (THREADS + 1) * STRIDE))
		return FINE;
	if (access->kind == READ && within(address, access->size, image.start, image.end))
		return FINE;
	return (u64)address < PAGE ? NULL_POINTER : WILD;
}

void machine_examine(const struct access *access)
{
	enum trouble trouble = scheduler ? examine(access) : FINE;

	if (trouble)
		machine_fail(trouble, access->pc, access->address, access->size);
}

/* Bytes of another stack become shared, and the exploration starts again with that known. */
static void share_stack(const u8 *address, u32 size)
{
	size_t offset = address - stacks, index = offset / STRIDE, granule;

	if (index >= THREADS || offset % STRIDE < GUARD)
		return;
	offset = offset % STRIDE - GUARD;
	for (granule = offset / 8; granule * 8 < offset + size && granule < STACK_SIZE / 8;
	     granule++) {
		u64 bit = 1ull << granule % 64;

		marked_stack |= !(stack_shared[index][granule / 64] & bit);
		stack_shared[index][granule / 64] |= bit;
	}
	any_shared = true;
}

bool machine_private(struct thread *thread, const u8 *address, u32 size)
{
	size_t offset, granule;

	if ((size_t)((u8 *)(thread + 1) - address) > STACK_SIZE) {
		if (address >= stacks && address < stacks + (THREADS + 1) * STRIDE)
			share_stack(address, size);
		return false;
	}
	if (any_shared) {
		offset = address - stack_base(thread->index);
		for (granule = offset / 8; granule * 8 < offset + size && granule < STACK_SIZE / 8;
		     granule++)
			if (stack_shared[thread->index][granule / 64] & 1ull << granule % 64)
				return false;
	}
	/* it may be waiting there for somebody who has not come by yet */
	if (blocks > BLOCKS_MAX / 2) {
		share_stack(address, size);
		return false;
	}
	return true;
}

/* ---- steps --------------------------------------------------------------------------------- */

void machine_keep(struct kept *kept, unsigned thread)
{
	kept->thread = thread;
	machine_snapshot(0, kept->memory);
	machine_snapshot(1 + thread, kept->own);
}

/* Memory last: it holds the shared bytes that the stack leaves out. */
void machine_undo(const struct kept *kept)
{
	machine_restore(1 + kept->thread, kept->own);
	machine_restore(0, kept->memory);
}

static u32 width(const struct access *access)
{
	return access->size + access->rest;
}

/*
 * A plain store to a bit-field is hooked once, with the width of the field's type, but reads and
 * writes a byte or two. Running it over the memory and over its complement tells which bytes it
 * writes and whether they depend on what was there. It also tells a struct that is copied, for
 * which gcc calls the hook of the store, the hook of the load, and only then does both.
 */
static struct shape try_store(struct thread *thread)
{
	const struct access store = thread->pending;
	const struct access *next = &thread->pending;
	struct shape shape = { .pc = store.pc, .of = store.size, .size = store.size };
	struct finding found = finding;
	static struct kept kept;
	u8 complement[WIDEST], after[WIDEST], over[WIDEST];
	u32 size = width(&store), byte, first = size, last = 0;

	for (byte = 0; byte < size; byte++)
		complement[byte] = ~store.address[byte];
	machine_keep(&kept, thread->index);
	passed = 0;
	run(thread);
	shape.copies = next->kind == READ && width(next) == size;
	memcpy(after, store.address, size);
	machine_undo(&kept);
	memcpy(store.address, complement, size);
	run(thread);
	memcpy(over, store.address, size);
	machine_undo(&kept);
	finding = found;
	for (byte = 0; byte < size; byte++) {
		if (after[byte] == store.address[byte] && over[byte] == complement[byte])
			continue;
		first = byte < first ? byte : first;
		last = byte;
		shape.reads |= after[byte] != over[byte];
	}
	shape.copies &= first == size;
	if (first < size && !store.rest) {
		shape.first = first;
		shape.size = last - first + 1;
	}
	return shape;
}

/* The same code may copy from its own stack now and from elsewhere later: then it is tried anew. */
static struct shape shape_of(struct thread *thread)
{
	const struct access *access = &thread->pending;
	struct shape *known = &shapes[((u64)access->pc * 0x9e3779b97f4a7c15ull) >> 52], shape;

	while (known->pc && (known->pc != access->pc || known->of != access->size))
		known = known == shapes + SHAPES - 1 ? shapes : known + 1;
	if (known->pc)
		return *known;
	shape = try_store(thread);
	if (!access->rest && !shape.copies && passed != access->size)
		*known = shape;
	return shape;
}

static enum trouble examine_whole(const struct access *access)
{
	struct access whole = *access;

	whole.size = width(access);
	return examine(&whole);
}

/*
 * Gives a pending plain store its real width, and its hidden read a step before it. A copy stands
 * at the hook of its load, for that is where its compiled code goes on.
 */
static void settle(struct thread *thread)
{
	struct access *access = &thread->pending, store = *access;
	struct shape shape;

	if (access->kind != WRITE || examine_whole(access))
		return;
	shape = shape_of(thread);
	if (shape.copies) {
		run(thread);
		access->operand = (u64)store.address;
		access->expected = store.marked;
	} else if (!store.marked) {
		access->address += shape.first;
		access->size = shape.size;
		if (shape.reads && !store.rest) {
			access->kind = READ;
			access->hidden = 1;
		}
	}
}

static void lay(struct thread *thread, u32 count, u64 found[])
{
	for (u32 i = 0; i < count; i++) {
		struct access *store = &buffers[thread->index][i];

		found[i] = load(store->address, store->size);
		/* what was seen may be constant, in memory that nobody can write */
		if (found[i] != store->operand)
			memcpy(store->address, &store->operand, store->size);
	}
}

static void lift(struct thread *thread, u32 count, const u64 found[])
{
	for (u32 i = count; i-- > 0;) {
		struct access *store = &buffers[thread->index][i];

		if (found[i] != store->operand)
			memcpy(store->address, &found[i], store->size);
	}
}

static void drain(struct thread *thread)
{
	struct access *buffer = buffers[thread->index];

	memcpy(buffer->address, &buffer->operand, buffer->size);
	thread->buffered--;
	memmove(buffer, buffer + 1, (thread->buffered + thread->seen) * sizeof(*buffer));
}

/*
 * The code runs with the thread's own stores and the words it has seen on top of memory, and its
 * store ends in the buffer. Under x86-TSO it waits there; else only the words of a wide one do, for
 * the next steps of the thread.
 */
static void step_buffered(struct thread *thread, const struct access *access)
{
	struct access *buffer = buffers[thread->index], store = *access;
	u32 count = thread->buffered + thread->seen, left = width(access);
	u64 found[BUFFER_MAX + 2 * WORDS];
	u8 before[WIDEST], after[WIDEST];

	lay(thread, count, found);
	if (access->kind == WRITE) {
		memcpy(before, access->address, left);
		if (access->hidden)
			memcpy(access->address, &access->operand, left);
	}
	run(thread);
	if (access->kind == WRITE) {
		memcpy(after, access->address, left);
		memcpy(access->address, before, left);
	}
	lift(thread, count, found);
	thread->seen = 0;
	if (access->kind != WRITE)
		return;
	for (store.hidden = 0; left; store.address += store.size) {
		split(&store, left);
		left = store.rest;
		store.operand = load(after + (store.address - access->address), store.size);
		buffer[thread->buffered] = store;
		buffer[thread->buffered++].rest = 0;
	}
	if (!machine_tso)
		drain(thread);
}

/* Takes one word of a wide or copied read; false if it was the last and the code can have them. */
static bool see(struct thread *thread)
{
	struct access *pending = &thread->pending;
	struct access *first = &buffers[thread->index][thread->buffered];
	struct access *word = first + thread->seen++;

	*word = *pending;
	word->operand = machine_peek(thread->index, word->address, word->size);
	if (pending->rest) {
		pending->address += pending->size;
		split(pending, pending->rest);
		return true;
	}
	if (!pending->operand)
		return false;
	pending->kind = WRITE;
	pending->marked = pending->expected;
	pending->address = (u8 *)pending->operand;
	pending->operand = pending->expected = 0;
	split(pending, word->address + word->size - first->address);
	return true;
}

enum trouble machine_step(unsigned action)
{
	struct thread *thread = thread_at(action % THREADS);
	struct access access = thread->pending;
	enum trouble trouble;
	bool wide;

	finding = (struct finding){ .thread = action % THREADS };
	if (action >= THREADS || (thread->buffered && !machine_tso)) {
		drain(thread);
		return FINE;
	}
	trouble = access.kind == WRITE ? examine_whole(&access) : examine(&access);
	if (trouble) {
		finding.trouble = trouble;
		finding.pc = access.pc;
		finding.address = access.address;
		finding.size = access.size;
		return trouble;
	}
	if (access.hidden && access.kind == READ) {
		thread->pending.operand = machine_peek(thread->index, access.address, access.size);
		thread->pending.kind = WRITE;
		return FINE;
	}
	wide = access.rest || thread->seen || (access.kind == READ && access.operand);
	if (access.kind == READ && wide && see(thread))
		return FINE;
	if (wide || (machine_tso && (access.kind == READ || access.kind == WRITE))) {
		step_buffered(thread, &access);
	} else {
		if (access.hidden)
			memcpy(access.address, &access.operand, access.size);
		run(thread);
	}
	if (!finding.trouble)
		settle(thread);
	return finding.trouble;
}

u32 machine_enabled(void)
{
	u32 enabled = 0;

	for (unsigned i = 0; i < machine_processes; i++) {
		const struct thread *thread = thread_at(i);
		const struct access *access = &thread->pending;
		bool can = access->kind != NOTHING;

		if (thread->buffered && !machine_tso) {
			enabled |= 1u << i;
			continue;
		}
		if (thread->buffered) {
			enabled |= 1u << (THREADS + i);
			can &= access->kind == READ || access->kind == WRITE;
			if (access->kind == WRITE &&
			    thread->buffered + 1 + (access->rest + 7) / 8 > BUFFER_MAX) {
				machine_full = true;
				can = false;
			}
		}
		if (access->kind == LOCK && !examine(access))
			can &= !load(access->address, access->size);
		enabled |= (u32)can << i;
	}
	return enabled;
}

bool machine_finished(void)
{
	for (unsigned i = 0; i < machine_processes; i++)
		if (thread_at(i)->pending.kind != NOTHING || thread_at(i)->buffered)
			return false;
	return true;
}

const struct access *machine_pending(unsigned thread)
{
	bool within_store = !machine_tso && thread_at(thread)->buffered;

	return within_store ? buffers[thread] : &thread_at(thread)->pending;
}

const struct access *machine_oldest(unsigned thread)
{
	return buffers[thread];
}

u32 machine_buffered(unsigned thread)
{
	return machine_tso ? thread_at(thread)->buffered : 0;
}

const struct finding *machine_finding(void)
{
	return &finding;
}

bool machine_race(const struct access *a, const struct access *b)
{
	bool writes =
		(a->kind >= WRITE && a->kind <= MODIFY) || (b->kind >= WRITE && b->kind <= MODIFY);
	bool both = a->kind >= READ && a->kind <= MODIFY && b->kind >= READ && b->kind <= MODIFY;

	return both && writes && !(a->marked && b->marked) && a->address < b->address + b->size &&
	       b->address < a->address + a->size;
}

u64 machine_peek(unsigned index, const u8 *address, u32 size)
{
	struct thread *thread = thread_at(index);
	struct access access = { .address = (u8 *)address, .size = size, .kind = READ };
	u64 found[BUFFER_MAX + 2 * WORDS], value;
	u32 count = machine_buffered(index);

	if (examine(&access))
		return 0;
	lay(thread, count, found);
	value = load(address, size);
	lift(thread, count, found);
	return value;
}

bool machine_marked_stack(void)
{
	bool marked = marked_stack;

	marked_stack = false;
	return marked;
}

/* ---- snapshots ----------------------------------------------------------------------------- */

/* Copies shared stack bytes one way or the other; what is shared is no part of the stack. */
static u8 *shared_bytes(u8 *bytes, bool save)
{
	for (unsigned i = 0; any_shared && i < machine_processes; i++)
		for (size_t granule = 0; granule < STACK_SIZE / 8; granule++) {
			u8 *place = stack_base(i) + granule * 8;

			if (!(stack_shared[i][granule / 64] & 1ull << granule % 64))
				continue;
			memcpy(save ? bytes : place, save ? place : bytes, 8);
			bytes += 8;
		}
	return bytes;
}

static void clear_shared(unsigned index, u8 *copy, const u8 *sp)
{
	for (size_t granule = 0; granule < STACK_SIZE / 8; granule++)
		if (stack_shared[index][granule / 64] & 1ull << granule % 64 &&
		    stack_base(index) + granule * 8 >= sp)
			memset(copy + (stack_base(index) + granule * 8 - sp), 0, 8);
}

u32 machine_snapshot(unsigned part, u8 *to)
{
	struct thread *thread = thread_at(part - 1);
	size_t live, buffered;

	if (part == 0) {
		memcpy(to, image.data, image.data_size);
		memcpy(to + image.data_size, arena_bytes, arena()->used);
		return shared_bytes(to + image.data_size + arena()->used, true) - to;
	}
	live = (u8 *)thread - thread->sp;
	buffered = (thread->buffered + thread->seen) * sizeof(struct access);
	memcpy(to, thread, sizeof(*thread));
	memcpy(to + sizeof(*thread), thread->sp, live);
	if (any_shared)
		clear_shared(thread->index, to + sizeof(*thread), thread->sp);
	memcpy(to + sizeof(*thread) + live, buffers[thread->index], buffered);
	return sizeof(*thread) + live + buffered;
}

void machine_restore(unsigned part, const u8 *from)
{
	struct thread *thread = thread_at(part - 1);
	size_t live;

	if (part == 0) {
		memcpy(image.data, from, image.data_size);
		from += image.data_size;
		memcpy(arena_bytes, from, ((const struct arena *)from)->used);
		shared_bytes((u8 *)from + arena()->used, false);
		return;
	}
	memcpy(thread, from, sizeof(*thread));
	live = (u8 *)thread - thread->sp;
	memcpy(thread->sp, from + sizeof(*thread), live);
	memcpy(buffers[thread->index], from + sizeof(*thread) + live,
	       (thread->buffered + thread->seen) * sizeof(struct access));
}

const struct access *machine_pending_in(const u8 *snapshot)
{
	return &((const struct thread *)snapshot)->pending;
}

/* Two lanes of 64 x 64 -> 128 bit products, folded; sizes are multiples of 8. */
u64 machine_hash(const void *bytes, size_t size)
{
	const u64 *words = bytes;
	u64 a = 0x9e3779b97f4a7c15ull ^ size, b = 0xd1b54a32d192ed03ull;
	size_t count = size / 8, i;
	unsigned __int128 product;

	for (i = 0; i + 4 <= count; i += 4) {
		product =
			(unsigned __int128)(words[i] ^ a) * (words[i + 1] ^ 0xa0761d6478bd642full);
		a = (u64)product ^ (u64)(product >> 64);
		product = (unsigned __int128)(words[i + 2] ^ b) *
			  (words[i + 3] ^ 0xe7037ed1a0b428dbull);
		b = (u64)product ^ (u64)(product >> 64);
	}
	for (; i < count; i++) {
		product = (unsigned __int128)(words[i] ^ a) * 0x8ebc6af09c88c6e3ull;
		a = (u64)product ^ (u64)(product >> 64);
	}
	product = (unsigned __int128)(a ^ 0x589965cc75374cc3ull) * (b ^ 0x1d8e4e27c47d124full);
	return (u64)product ^ (u64)(product >> 64);
}

/* ---- load, reset, call --------------------------------------------------------------------- */

static u8 *map(size_t size)
{
	u8 *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return bytes == MAP_FAILED ? NULL : bytes;
}

static void catch_signals(void)
{
	static u8 stack[STACK_SIZE];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_signal,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL,	 SIGFPE,
				       SIGTRAP, SIGSYS, SIGABRT, SIGVTALRM };
	struct itimerval tick = { { 0, 100000 }, { 0, 100000 } };

	sigaltstack(&alternative, NULL);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
	setitimer(ITIMER_VIRTUAL, &tick, NULL);
}

bool machine_prepare(void)
{
	stacks = map((THREADS + 1) * STRIDE);
	arena_bytes = map(ARENA_SIZE);
	if (!stacks || !arena_bytes)
		return false;
	for (unsigned i = 0; i <= THREADS; i++)
		mprotect(stacks + i * STRIDE, GUARD, PROT_NONE);
	catch_signals();
	return true;
}

bool machine_load(const char *path, const char **why)
{
	struct link_map *link;
	void *handle;

	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle || dlinfo(handle, RTLD_DI_LINKMAP, &link)) {
		*why = dlerror();
		return false;
	}
	image = image_of(link);
	pristine = map(image.data_size + 1);
	memcpy(pristine, image.data, image.data_size);
	return true;
}

const char *machine_process(unsigned thread)
{
	return processes[thread].name;
}

u64 machine_base(void)
{
	return (u64)image.start;
}

/* Globals as loaded, an empty arena, then INIT. */
enum trouble machine_begin(void)
{
	for (unsigned i = 0; i < machine_processes; i++)
		*thread_at(i) = (struct thread){ .sp = (u8 *)thread_at(i), .index = i };
	memcpy(image.data, pristine, image.data_size);
	*arena() = (struct arena){ .used = sizeof(struct arena) };
	arena()->used = (u8 *)first_block() - arena_bytes;
	return init ? alone(init) : FINE;
}

enum trouble machine_reset(void)
{
	enum trouble trouble = machine_begin();

	for (unsigned i = 0; i < machine_processes && !trouble; i++) {
		struct thread *thread = thread_at(i);
		u8 *sp;

		memset(stack_base(i), 0, STACK_SIZE);
		sp = prepare(i);
		*thread = (struct thread){ .sp = sp, .index = i };
		finding = (struct finding){ .thread = i };
		entering = processes[i].body;
		run(thread);
		trouble = finding.trouble;
	}
	for (unsigned i = 0; i < machine_processes && !trouble; i++)
		settle(thread_at(i));
	return trouble;
}

bool machine_oversized(void)
{
	return image.data_size > PART_MAX / 2;
}

bool machine_has_invariant(void)
{
	return invariant;
}

enum trouble machine_invariant(void)
{
	return alone(invariant);
}

enum trouble machine_finally(void)
{
	return finally ? alone(finally) : FINE;
}

static struct {
	u64 (*function)(u64, u64, u64, u64, u64, u64);
	u64 arguments[6], result;
} call;

static void call_alone(void)
{
	u64 *a = call.arguments;

	call.result = call.function(a[0], a[1], a[2], a[3], a[4], a[5]);
}

enum trouble machine_call(u64 function, const u64 arguments[6], u64 *result)
{
	enum trouble trouble;

	call.function = (u64 (*)(u64, u64, u64, u64, u64, u64))(image.start + function);
	memcpy(call.arguments, arguments, sizeof(call.arguments));
	trouble = alone(call_alone);
	*result = call.result;
	return trouble;
}

const u8 *machine_data(size_t *size)
{
	*size = image.data_size;
	return image.data;
}

const u8 *machine_arena(size_t *size)
{
	*size = arena()->used;
	return arena_bytes;
}

int machine_block(const u8 *address, u64 *offset)
{
	const struct block *block;
	int number = 0;

	for (block = first_block(); is_block(block); block = next_block(block), number++)
		if (within(address, 1, arena_bytes + block->start, (u8 *)next_block(block))) {
			*offset = address - (arena_bytes + block->start);
			return number;
		}
	return -1;
}

int machine_owner(const u8 *address)
{
	return within(address, 1, stacks, stacks + THREADS * STRIDE) ?
		       (int)((address - stacks) / STRIDE) :
		       -1;
}

u64 machine_depth(const u8 *address)
{
	return (u8 *)thread_at(machine_owner(address)) - address;
}

const u8 *machine_stack(unsigned thread, size_t *size)
{
	*size = (u8 *)thread_at(thread) - thread_at(thread)->sp;
	return thread_at(thread)->sp;
}

const void *machine_stands(unsigned thread)
{
	return thread_at(thread)->pending.pc;
}
