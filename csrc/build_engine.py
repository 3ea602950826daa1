"""The engine's cffi module: what Python may call, out of line, API mode."""

from cffi import FFI

ffibuilder = FFI()
ffibuilder.cdef("""
typedef unsigned long long u64;
typedef uint8_t u8;

#define MAX_POSTERS ...
#define MAX_EVENTS ...
#define MAX_RETRIES ...
#define MAX_WAKES ...
#define POST_MERGED ...
#define POST_NOTIFIED ...
#define POST_COALESCED ...
#define POST_SUPPRESSED ...

enum vcpu_state { STOPPED, RUNNING, BLOCKED, ASLEEP };
struct event { u64 thread, kind, begin, end, old, new, seen; };
struct poster {
    u64 period_ns;
    int urgent, nr_vectors;
    u8 vectors[256];
    u64 posts, merged, coalesced, suppressed, notifications, notified;
    u64 *last;
    ...;
};
struct poster *poster_new(void *pi_desc, u64 seed);
int poster_post(struct poster *poster, int vector, int urgent);
int poster_start(struct poster *poster);
void poster_stop(struct poster *poster);
void poster_free(struct poster *poster);

struct race {
    int strategy, log_level, freeze, last_post, frozen, done, running;
    u64 delay, max_rounds;
    u64 rounds, retries, on_cleared, harvested, lost;
    u64 missed_wakeups;
    u64 retry_histogram[...];
    ...;
};
struct race *race_new(void *pi_desc, u64 seed);
void race_rate(struct race *race, u64 period_ns);
int race_posters(struct race *race, int n);
int race_start(struct race *race);
void race_stop(struct race *race);
void race_free(struct race *race);
u64 race_elapsed_ns(struct race *race);
u64 race_slept_ns(struct race *race);
u64 race_updates(struct race *race);
enum vcpu_state race_vcpu_state(struct race *race);
int race_wakes(struct race *race, u64 *ns);
void race_posts(struct race *race, u64 *counts);
int race_events(struct race *race, struct event *out, int n, int around);

#define MAX_CONTENDERS ...
#define WORDS_PER_LINE ...
struct contention {
    int ready;
    double ns_per_tick;
    ...;
};
struct contention *contention_new(int operation, int place, int threads, u64 window, u64 pause, int backoff);
int contention_start(struct contention *contention);
void contention_stop(struct contention *contention);
void contention_free(struct contention *contention);
void contention_counts(struct contention *contention, int thread, u64 *counts);
u64 contention_value(struct contention *contention);
""")
ffibuilder.set_source(
    "cmpx._engine",
    '#include "engine.h"\n#include "measure.h"\n#include "listings/pi_desc_loop.h"',
    sources=["csrc/iommu.c", "csrc/measure.c", "csrc/race.c"],
    depends=["csrc/engine.h", "csrc/measure.h", "csrc/clock.h", "csrc/listings/pi_desc_loop.h"],
    include_dirs=["csrc", "csrc/include"],
    extra_compile_args=["-std=gnu11", "-O2", "-fno-strict-aliasing", "-Wall", "-Wextra"],
    extra_link_args=["-pthread"],
)
