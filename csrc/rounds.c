/* SPDX-License-Identifier: MIT */
/*
 * Races a listing natively, in rounds, as litmus7 does: the processes meet once, then run through
 * many instances of the listing, one store of one of them starting each. Then they meet again,
 * share the instances out, and each looks at its own: outcome, FINALLY, and INIT for the next
 * round.
 *
 * An instance is a second mapping of the loaded image: code addresses globals relative to itself,
 * so a copy of both, with the pointers into it moved, has globals of its own while the pages of the
 * code are the same. dlopen() would not do: it hands out the same image for the same file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "clock.h"
#include "image.h"
#include "jobs.h"

#define THREADS 8
#define INSTANCES 16 /* on two busy cores 8 gave 0.8 to 0.9 of the rounds, 32 0.9 to 1.1 */
#define ARENA (64u << 10)
#define DATA_MAX (128u << 10)
#define STACK (256u << 10)
/* Wider than a frame: an overflow must not step over it into what lies below. */
#define GUARD (1u << 20)
#define OUTCOMES 64 /* told apart */
#define MESSAGES 16
#define PLACES 64
#define KEY 12 /* words of an outcome */
#define FRAME_NS 33000000
/* Of processor time in one process of one round; chapter 01 adds a hundred million times, 0.6 s of
 * it here. */
#define ENDLESS_NS 2000000000ull
#define LEAD 500 /* ticks in which a word surely reaches the other processors */
#define PATIENCE 2000 /* spins before the processor goes to somebody else */

#define load(place) __atomic_load_n(place, __ATOMIC_ACQUIRE)
#define store(place, value) __atomic_store_n(place, value, __ATOMIC_RELEASE)

enum cause { EXPECT, WARN, BAD_FREE, DOUBLE_FREE, NO_MEMORY, OTHERS };

struct block {
	u64 size;
	bool freed;
	u8 bytes[] __attribute__((aligned(64)));
};

struct instance {
	u8 *start;
	u8 *pristine;
	u8 *arena;
	u64 used;
	u64 failure; /* text, with the cause in its highest byte */
	int lock;
} __attribute__((aligned(64)));

struct outcome {
	u64 key[KEY];
	u64 count, failing;
};

struct message {
	u64 failure, count;
};

/* What one thread has to itself. */
struct side {
	u64 entered; /* odd: inside a process */
	u64 random;
	struct instance *here;
	pthread_t thread;
	struct outcome outcomes[OUTCOMES + 1]; /* the last one: all others */
	struct message messages[MESSAGES + 1];
} __attribute__((aligned(64)));

static struct {
	const char *name;
	void (*body)(void);
} processes[THREADS];
static unsigned nr_processes;
static void (*first)(void), (*last)(void);
static bool reuses;

static struct instance instances[INSTANCES];
static unsigned nr_instances;
static struct image image;
static struct {
	u32 offset, size;
} places[PLACES];
static unsigned nr_places, key_size;
static struct side sides[THREADS];
static __thread struct side *me;

/* Each on a line of its own: to spin on one must not slow the others. */
static struct {
	u64 tick;
} __attribute__((aligned(64))) starts[INSTANCES];
static struct {
	unsigned number, arrived;
} meeting __attribute__((aligned(64)));
static struct {
	unsigned number, size;
	u32 mask; /* of the pauses before each process */
	u64 left;
	u64 parked; /* when there were no more */
} batch __attribute__((aligned(64)));

static int awake, go;
static bool over;
static struct {
	int number;
	struct side *side;
	u64 pc, address, failure;
} crash;

/* ---- what a listing calls ------------------------------------------------------------------- */

void cmpx_process(const char *name, void (*body)(void))
{
	if (nr_processes < THREADS) {
		processes[nr_processes].name = name;
		processes[nr_processes].body = body;
	}
	nr_processes++;
}

void cmpx_init(void (*body)(void))
{
	first = body;
}

void cmpx_finally(void (*body)(void))
{
	last = body;
}

/* Nobody can look between two steps of real processors. */
void cmpx_invariant(void (*body)(void))
{
	(void)body;
}

void cmpx_reuse_freed(void)
{
	reuses = true;
}

static bool inside(const struct instance *instance, const void *address)
{
	return (u64)address - (u64)instance->start < (u64)(image.end - image.start);
}

/* The first failure of a round counts; a text in the image is known by its place in the first one.
 */
static void fail(enum cause cause, const char *text)
{
	struct instance *here = me->here;
	u64 none = 0;

	if (inside(here, text))
		text += image.start - here->start;
	__atomic_compare_exchange_n(&here->failure, &none, (u64)text | (u64)cause << 56, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void cmpx_expect(const char *condition, const char *message)
{
	(void)condition;
	fail(EXPECT, message);
}

void cmpx_warn(const char *condition)
{
	fail(WARN, condition);
}

static void lock(struct instance *here)
{
	while (__atomic_exchange_n(&here->lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static struct block *block_after(struct block *block)
{
	return (struct block *)(block->bytes + ((block->size + 63) & ~63ull));
}

void *cmpx_alloc(size_t size, bool zero)
{
	struct instance *here = me->here;
	struct block *block, *end;

	lock(here);
	block = (struct block *)here->arena;
	end = (struct block *)(here->arena + here->used);
	if (size > ARENA || here->used + size + 128 > ARENA) {
		fail(NO_MEMORY, "");
		__builtin_trap();
	}
	while (block < end && !(reuses && block->freed && block->size == size))
		block = block_after(block);
	block->size = size;
	block->freed = false;
	if (block == end)
		here->used = (u8 *)block_after(block) - here->arena;
	store(&here->lock, 0);
	return memset(block->bytes, zero ? 0 : 0x5a, size);
}

void cmpx_free(const void *address)
{
	struct instance *here = me->here;
	struct block *block, *end;

	if (!address)
		return;
	lock(here);
	block = (struct block *)here->arena;
	end = (struct block *)(here->arena + here->used);
	while (block < end && block->bytes != address)
		block = block_after(block);
	if (block >= end) {
		fail(BAD_FREE, "");
	} else if (block->freed) {
		fail(DOUBLE_FREE, "");
	} else {
		block->freed = true;
		memset(block->bytes, 0x6b, block->size);
	}
	store(&here->lock, 0);
}

/* ---- instances ------------------------------------------------------------------------------ */

static void *map(size_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return bytes == MAP_FAILED ? NULL : bytes;
}

/* Whatever relocation made a pointer into the image points into the copy now. */
static void relocate(u8 *copy, const ElfW(Dyn) * dynamic)
{
	u64 table[2] = { 0 }, size[2] = { 0 };

	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		switch (dynamic->d_tag) {
		case DT_RELA: table[0] = dynamic->d_un.d_ptr; break;
		case DT_RELASZ: size[0] = dynamic->d_un.d_val; break;
		case DT_JMPREL: table[1] = dynamic->d_un.d_ptr; break;
		case DT_PLTRELSZ: size[1] = dynamic->d_un.d_val; break;
		}
	}
	for (unsigned which = 0; which < 2; which++) {
		const ElfW(Rela) *entry = (const void *)table[which];

		for (; size[which]; size[which] -= sizeof(*entry), entry++) {
			u64 *word = (u64 *)(copy + entry->r_offset);

			if (*word - (u64)image.start < (u64)(image.end - image.start))
				*word += copy - image.start;
		}
	}
}

static bool copy_image(struct instance *instance, const struct link_map *link, int file)
{
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)image.start;
	const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(image.start + header->e_phoff);
	u64 page = sysconf(_SC_PAGESIZE);
	u8 *copy =
		mmap(NULL, image.end - image.start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		return false;
	for (unsigned i = 0; i < header->e_phnum; i++, segment++) {
		u64 from = segment->p_vaddr & -page, to = segment->p_vaddr + segment->p_memsz;
		int rights = PROT_READ | (segment->p_flags & PF_X ? PROT_EXEC : 0);
		bool writable = segment->p_flags & PF_W;

		if (segment->p_type != PT_LOAD)
			continue;
		if (mmap(copy + from, to - from, writable ? PROT_READ | PROT_WRITE : rights,
			 MAP_PRIVATE | MAP_FIXED | (writable ? MAP_ANONYMOUS : 0),
			 writable ? -1 : file,
			 writable ? 0 : segment->p_offset & -page) == MAP_FAILED)
			return false;
		if (writable)
			memcpy(copy + segment->p_vaddr, image.start + segment->p_vaddr,
			       segment->p_memsz);
	}
	relocate(copy, link->l_ld);
	instance->start = copy;
	return true;
}

static bool make_instances(const char *path, const struct link_map *link)
{
	int file = open(path, O_RDONLY);
	u8 *arenas = map(INSTANCES * ARENA), *saved = map(INSTANCES * (image.data_size + 1));

	/* large globals: fewer instances, so that all of them stay near */
	nr_instances = (4u << 20) / (image.data_size + 1);
	if (nr_instances > INSTANCES)
		nr_instances = INSTANCES;
	for (unsigned i = 0; i < nr_instances; i++) {
		struct instance *instance = instances + i;

		if (!arenas || !saved || !copy_image(instance, link, file))
			return false;
		instance->arena = arenas + i * ARENA;
		instance->pristine = saved + i * image.data_size;
		memcpy(instance->pristine, instance->start + (image.data - image.start),
		       image.data_size);
	}
	close(file);
	return true;
}

/* ---- a round -------------------------------------------------------------------------------- */

static void call(struct instance *instance, void (*body)(void))
{
	me->here = instance;
	if (body)
		((void (*)(void))((u8 *)body + (instance->start - image.start)))();
}

static void prepare(struct instance *instance)
{
	memcpy(instance->start + (image.data - image.start), instance->pristine, image.data_size);
	instance->used = 0;
	instance->lock = 0;
	instance->failure = 0;
	starts[instance - instances].tick = 0;
	call(instance, first);
}

/* Two words more than were counted, so that the table never fills up. */
static struct outcome *find_outcome(const u64 *key)
{
	struct outcome *outcome = me->outcomes;

	for (; outcome < me->outcomes + OUTCOMES && outcome->count; outcome++)
		if (!memcmp(outcome->key, key, sizeof(outcome->key)))
			return outcome;
	if (outcome < me->outcomes + OUTCOMES)
		memcpy(outcome->key, key, sizeof(outcome->key));
	return outcome;
}

static struct message *find_message(u64 failure)
{
	struct message *message = me->messages;

	while (message < me->messages + MESSAGES && message->count && message->failure != failure)
		message++;
	message->failure = message < me->messages + MESSAGES ? failure : (u64)OTHERS << 56;
	return message;
}

static void conclude(struct instance *instance)
{
	u64 key[KEY] = { 0 };
	struct outcome *outcome;
	u8 *end = (u8 *)key;

	for (unsigned i = 0; i < nr_places; i++) {
		memcpy(end, instance->start + places[i].offset, places[i].size);
		/* pointers: the same in each instance */
		if (places[i].size == 8) {
			u64 *word = (u64 *)end, pointer;

			memcpy(&pointer, word, 8);
			if (inside(instance, (void *)pointer))
				pointer += image.start - instance->start;
			else if (pointer - (u64)instance->arena < ARENA)
				pointer += instances->arena - instance->arena;
			memcpy(word, &pointer, 8);
		}
		end += places[i].size;
	}
	call(instance, last);
	outcome = find_outcome(key);
	store(&outcome->count, outcome->count + 1);
	if (instance->failure) {
		struct message *message = find_message(instance->failure);

		outcome->failing++;
		store(&message->count, message->count + 1);
	}
}

/* ---- threads -------------------------------------------------------------------------------- */

static u64 draw(struct side *side)
{
	side->random ^= side->random << 13;
	side->random ^= side->random >> 7;
	side->random ^= side->random << 17;
	return side->random;
}

static void plan(void)
{
	static const u32 masks[] = { 0, 15, 63, 255, 1023 };

	batch.size = batch.left < nr_instances ? batch.left : nr_instances;
	/* a first batch there is, however late it is */
	if (batch.number && (job_stopped || over))
		batch.size = 0;
	batch.left -= batch.size;
	batch.number++;
	batch.mask = masks[batch.number % 5];
	if (!batch.size)
		store(&batch.parked, monotonic_ns());
}

/* All are here before one goes on; the last to come plans. */
static void meet(void (*last_one)(void))
{
	unsigned number = load(&meeting.number);

	if (__atomic_add_fetch(&meeting.arrived, 1, __ATOMIC_ACQ_REL) < nr_processes) {
		for (unsigned spins = 0; load(&meeting.number) == number; spins++)
			if (spins % PATIENCE == PATIENCE - 1)
				sched_yield();
		return;
	}
	meeting.arrived = 0;
	if (last_one)
		last_one();
	store(&meeting.number, number + 1);
}

/*
 * One of them, in turn, says when it starts: far enough from now for the word to get round. Each
 * comes a little later than that, by a chance of its own, so that in time every offset is met.
 */
static void start_together(unsigned round, bool leads)
{
	u64 *word = &starts[round].tick, tick;

	if (leads)
		store(word, ticks() + LEAD);
	for (unsigned spins = 0; !(tick = load(word)); spins++)
		if (spins % PATIENCE == PATIENCE - 1)
			sched_yield();
	tick += draw(me) & batch.mask;
	while ((int64_t)(ticks() - tick) < 0)
		;
}

static void race_batch(unsigned self)
{
	for (unsigned i = 0; i < batch.size; i++) {
		start_together(i, i % nr_processes == self);
		store(&me->entered, me->entered + 1);
		call(&instances[i], processes[self].body);
		store(&me->entered, me->entered + 1);
	}
}

static void crashed(int number, siginfo_t *info, void *context)
{
	const ucontext_t *at = context;
	int none = 0;

	if (!me)
		_exit(3);
	if (__atomic_compare_exchange_n(&crash.number, &none, -1, false, __ATOMIC_ACQ_REL,
					__ATOMIC_RELAXED)) {
		crash.side = me;
		crash.address = (u64)info->si_addr;
		crash.failure = me->here->failure;
#if defined(__x86_64__)
		crash.pc = at->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
		crash.pc = at->uc_mcontext.pc;
#endif
		crash.pc = inside(me->here, (void *)crash.pc) ? crash.pc - (u64)me->here->start : 0;
		store(&crash.number, number);
	}
	for (;;)
		sched_yield();
}

/* Started before the sandbox closes: behind it nobody makes a thread. */
static void *run(void *argument)
{
	struct side *side = argument;
	unsigned self = side - sides;
	stack_t stack = { .ss_size = 32768 };

	stack.ss_sp = map(stack.ss_size);
	sigaltstack(&stack, NULL);
	__atomic_fetch_add(&awake, 1, __ATOMIC_ACQ_REL);
	while (!load(&go))
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	while (self >= nr_processes)
		nanosleep(&(struct timespec){ .tv_sec = 1000 }, NULL);
	me = side;
	meet(plan);
	for (unsigned i = self; i < nr_instances; i += nr_processes)
		prepare(&instances[i]);
	meet(NULL);
	while (batch.size) {
		race_batch(self);
		meet(NULL);
		for (unsigned i = self; i < batch.size; i += nr_processes) {
			conclude(&instances[i]);
			prepare(&instances[i]);
		}
		meet(plan);
	}
	for (;;)
		nanosleep(&(struct timespec){ .tv_sec = 1000 }, NULL);
	return NULL;
}

/* On the processors that this process may use, each on its own as far as they go round. */
static void spread(void)
{
	cpu_set_t usable, one;
	int next = -1;

	sched_getaffinity(0, sizeof(usable), &usable);
	for (unsigned i = 0; i < THREADS; i++) {
		do
			next = (next + 1) % CPU_SETSIZE;
		while (!CPU_ISSET(next, &usable));
		CPU_ZERO(&one);
		CPU_SET(next, &one);
		pthread_setaffinity_np(sides[i].thread, sizeof(one), &one);
	}
}

bool job_prepare(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
	struct sigaction action = { .sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	pthread_attr_t attributes;
	sigset_t stop;

	for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
	sigemptyset(&stop);
	sigaddset(&stop, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	pthread_attr_setguardsize(&attributes, GUARD);
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&sides[i].thread, &attributes, run, &sides[i]))
			return false;
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
	spread();
	while (load(&awake) < THREADS)
		sched_yield();
	return true;
}

/* ---- reporting ------------------------------------------------------------------------------ */

static char said[1 << 18];
static size_t length;

/* Without the C library's locks: whoever crashed may hold them. */
static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	length += vsnprintf(said + length, sizeof(said) - length, format, values);
	va_end(values);
	if (length >= sizeof(said))
		_exit(4);
}

/* In hexadecimal: it may be anything. */
static void print_text(const char *text)
{
	say("\"");
	for (unsigned i = 0; text && i < 200 && text[i]; i++)
		say("%02x", (u8)text[i]);
	say("\"");
}

static void print_failure(u64 failure, u64 count)
{
	say("[%llu,%llu,", failure >> 56, count);
	print_text((const char *)(failure << 8 >> 8));
	say("]");
}

/* Counts of failures are read before those of outcomes, so that they never exceed them. */
static void report(u64 elapsed, const char *state)
{
	const char *comma = "";

	length = 0;
	say("{\"state\":\"%s\",\"elapsed\":%llu,\"image\":%llu,\"arena\":%llu", state, elapsed,
	    (u64)image.start, (u64)instances->arena);
	say(",\"messages\":[");
	for (unsigned t = 0; t < nr_processes; t++) {
		for (unsigned i = 0; i <= MESSAGES; i++) {
			const struct message *message = &sides[t].messages[i];
			u64 count = load(&message->count);

			if (!count)
				continue;
			say("%s", comma);
			print_failure(message->failure, count);
			comma = ",";
		}
	}
	say("],\"outcomes\":[");
	comma = "";
	for (unsigned t = 0; t < nr_processes; t++) {
		for (unsigned i = 0; i <= OUTCOMES; i++) {
			const struct outcome *outcome = &sides[t].outcomes[i];
			u64 failing = load(&outcome->failing), count = load(&outcome->count);

			if (!count)
				continue;
			say("%s[\"", comma);
			for (unsigned byte = 0; i < OUTCOMES && byte < key_size; byte++)
				say("%02x", ((const u8 *)outcome->key)[byte]);
			say("\",%llu,%llu]", count, failing);
			comma = ",";
		}
	}
	say("],\"processes\":[");
	comma = "";
	for (unsigned t = 0; t < nr_processes; t++) {
		say("%s[", comma);
		print_text(processes[t].name);
		say(",%llu]", load(&sides[t].entered) % 2);
		comma = ",";
	}
	say("]");
	if (!strcmp(state, "crash")) {
		say(",\"signal\":%d,\"pc\":%llu,\"at\":%llu,\"thread\":%ld,\"failure\":",
		    crash.number, crash.pc, crash.address,
		    crash.side->entered % 2 ? crash.side - sides : -1);
		print_failure(crash.failure, 1);
	}
	say("}");
}

static void offer(u64 elapsed)
{
	report(elapsed, "running");
	job_offer(said, length);
}

/* A process that has used so much processor time in one round will not come to its end. */
static bool endless(void)
{
	static u64 seen[THREADS], since[THREADS];
	bool found = false;

	for (unsigned i = 0; i < nr_processes; i++) {
		u64 entered = load(&sides[i].entered), used;
		struct timespec time;
		clockid_t clock;

		pthread_getcpuclockid(sides[i].thread, &clock);
		clock_gettime(clock, &time);
		used = (u64)time.tv_sec * 1000000000 + time.tv_nsec;
		if (entered != seen[i] || entered % 2 == 0) {
			seen[i] = entered;
			since[i] = used;
		}
		found |= used - since[i] > ENDLESS_NS;
	}
	return found;
}

static const char *watch(u64 start, u64 end)
{
	u64 grace = 0;

	for (;;) {
		u64 time;

		nanosleep(&(struct timespec){ .tv_nsec = job_stopped ? 1000000 : FRAME_NS }, NULL);
		time = monotonic_ns();
		if (load(&crash.number) > 0)
			return "crash";
		if (load(&batch.parked))
			return "done";
		if (endless())
			return "endless";
		/* the reader does not wait for a round that is under way */
		if (job_stopped && !grace)
			grace = time + 50000000;
		if (grace && time > grace)
			return "cut";
		if (end && time > end)
			over = true;
		if (!grace)
			offer(time - start);
	}
}

/* "offset:size ...", in hexadecimal; as many as an outcome holds. */
static void read_places(const char *text)
{
	for (char *next; *text && nr_places < PLACES; text = next) {
		u32 offset = strtoul(text, &next, 16), size = strtoul(next + 1, &next, 16);

		if (key_size + size > KEY * sizeof(u64))
			break;
		places[nr_places].offset = offset;
		places[nr_places++].size = size;
		key_size += size;
	}
}

void job_run(const char *job, FILE *out)
{
	u64 seed = strtoull(job_field(job, "seed", "0"), NULL, 10), start;
	double seconds = strtod(job_field(job, "seconds", "0"), NULL);
	const char *path = job_field(job, "path", "");
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	struct link_map *link;
	const char *state;

	if (!handle || dlinfo(handle, RTLD_DI_LINKMAP, &link)) {
		fprintf(out, "{\"unloadable\":");
		job_string(out, dlerror());
		fprintf(out, "}");
		return;
	}
	image = image_of(link);
	if (!nr_processes || nr_processes > THREADS || image.data_size > DATA_MAX ||
	    !make_instances(path, link)) {
		fprintf(out, "{\"number\":%u,\"size\":%zu}", nr_processes, image.data_size);
		return;
	}
	read_places(job_field(job, "places", ""));
	batch.left = strtoull(job_field(job, "rounds", "18446744073709551615"), NULL, 10);
	for (unsigned i = 0; i < THREADS; i++)
		sides[i].random = (seed * THREADS + i + 1) * 0x9e3779b97f4a7c15;
	start = monotonic_ns();
	store(&go, 1);
	state = watch(start, seconds > 0 ? start + seconds * 1e9 : 0);
	report((batch.parked ? batch.parked : monotonic_ns()) - start, state);
	job_answer(said, length);
}
