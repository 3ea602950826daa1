/* sources: */
/* The atomic families, bit operations and locks of our headers against plain C, and among threads.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/spinlock.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

void cmpx_warn(const char *condition)
{
	fprintf(stderr, "WARN: %s\n", condition);
	exit(1);
}

/* One operation in one order: what it leaves behind, and what it returns. */
#define FETCH(family, value, op, after, order)                                                     \
	do {                                                                                       \
		family##_set(&v, before);                                                          \
		CHECK(family##_fetch_##op##order(i, &v) == before);                                \
		CHECK(family##_read(&v) == (value)(after));                                        \
	} while (0)
#define RETURN(family, value, op, after, order)                                                    \
	do {                                                                                       \
		family##_set(&v, before);                                                          \
		CHECK(family##_##op##_return##order(i, &v) == (value)(after));                     \
		CHECK(family##_read(&v) == (value)(after));                                        \
	} while (0)
#define STEP(family, value, op, after, order)                                                      \
	do {                                                                                       \
		family##_set(&v, before);                                                          \
		CHECK(family##_fetch_##op##order(&v) == before);                                   \
		CHECK(family##_##op##_return##order(&v) == (value)(after + (after - before)));     \
	} while (0)
#define SWAP(family, value, unused, after, order)                                                  \
	do {                                                                                       \
		value seen = before;                                                               \
                                                                                                   \
		family##_set(&v, before);                                                          \
		CHECK(family##_xchg##order(&v, i) == before && family##_read(&v) == i);            \
		CHECK(family##_cmpxchg##order(&v, i, before) == i);                                \
		CHECK(family##_cmpxchg##order(&v, ~before, i) == before);                          \
		CHECK(family##_read(&v) == before);                                                \
		CHECK(family##_try_cmpxchg##order(&v, &seen, i) && seen == before);                \
		seen = ~i;                                                                         \
		CHECK(!family##_try_cmpxchg##order(&v, &seen, before) && seen == i);               \
	} while (0)
#define ORDERS(test, family, value, op, after)                                                     \
	test(family, value, op, after, );                                                          \
	test(family, value, op, after, _relaxed);                                                  \
	test(family, value, op, after, _acquire);                                                  \
	test(family, value, op, after, _release)
#define OP(family, value, op, after)                                                               \
	family##_set(&v, before);                                                                  \
	family##_##op(i, &v);                                                                      \
	CHECK(family##_read(&v) == (value)(after));                                                \
	ORDERS(FETCH, family, value, op, after)

#define FAMILY(family, value, unsigned_value)                                                      \
	static void test_##family(value before, value i)                                           \
	{                                                                                          \
		family##_t v;                                                                      \
		unsigned_value b = before, u = i;                                                  \
                                                                                                   \
		OP(family, value, add, b + u);                                                     \
		OP(family, value, sub, b - u);                                                     \
		OP(family, value, and, b & u);                                                     \
		OP(family, value, andnot, b & ~u);                                                 \
		OP(family, value, or, b | u);                                                      \
		OP(family, value, xor, b ^ u);                                                     \
		ORDERS(RETURN, family, value, add, b + u);                                         \
		ORDERS(RETURN, family, value, sub, b - u);                                         \
		ORDERS(STEP, family, value, inc, (b + 1));                                         \
		ORDERS(STEP, family, value, dec, (b - 1));                                         \
		ORDERS(SWAP, family, value, , );                                                   \
		family##_set_release(&v, 1);                                                       \
		CHECK(family##_read_acquire(&v) == 1);                                             \
		CHECK(!family##_inc_and_test(&v) && !family##_dec_and_test(&v));                   \
		CHECK(family##_dec_and_test(&v) && !family##_inc_not_zero(&v));                    \
		CHECK(family##_dec_if_positive(&v) == -1 && family##_read(&v) == 0);               \
		CHECK(family##_dec_unless_positive(&v) && family##_read(&v) == -1);                \
		CHECK(!family##_inc_unless_negative(&v) && family##_inc_and_test(&v));             \
		CHECK(family##_inc_unless_negative(&v) && !family##_dec_unless_positive(&v));      \
		CHECK(family##_add_unless(&v, 4, 2) && !family##_add_unless(&v, 4, 5));            \
		CHECK(family##_inc_not_zero(&v) && family##_dec_if_positive(&v) == 5);             \
		CHECK(!family##_add_negative(-5, &v) && family##_add_negative(-1, &v));            \
		CHECK(!family##_sub_and_test(-2, &v) && family##_sub_and_test(1, &v));             \
	}

FAMILY(atomic, int, unsigned int)
FAMILY(atomic64, s64, u64)
FAMILY(atomic_long, long, unsigned long)

static void test_bits(long nr)
{
	unsigned long words[3] = { 0 };

	CHECK(!test_and_set_bit(nr, words) && test_bit(nr, words));
	CHECK(words[nr / 64] == 1ul << nr % 64);
	CHECK(test_and_set_bit_lock(nr, words) && __test_and_set_bit(nr, words));
	clear_bit_unlock(nr, words);
	CHECK(!test_and_clear_bit(nr, words) && !__test_and_clear_bit(nr, words));
	change_bit(nr, words);
	CHECK(test_and_change_bit(nr, words) && !test_bit(nr, words));
	__change_bit(nr, words);
	__clear_bit(nr, words);
	__set_bit(nr, words);
	clear_bit(nr, words);
	set_bit(nr, words);
	CHECK(test_and_clear_bit(nr, words) && !words[0] && !words[1] && !words[2]);
}

static void test_exchanges(void)
{
	u8 bytes[3] = { 1, 2, 3 }, seen = 7, *next = bytes;
	u64 wide = ~0ull, wanted = 0;

	CHECK(cmpxchg(next++, 1, 4) == 1 && next == bytes + 1 && bytes[0] == 4);
	CHECK(!try_cmpxchg_release(next, &seen, 9) && seen == 2 && bytes[2] == 3);
	CHECK(xchg_acquire(&bytes[2], 5) == 3);
	CHECK(cmpxchg64_relaxed(&wide, ~0ull, 1) == ~0ull && !try_cmpxchg64(&wide, &wanted, 2));
	CHECK(wanted == 1 && cmpxchg64_local(&wide, 1, 8) == 1 && wide == 8);
	CHECK(cmpxchg_local(&bytes[0], 5, 6) == 4 && bytes[0] == 4);
	seen = 4;
	CHECK(try_cmpxchg_local(&bytes[0], &seen, 6) && bytes[0] == 6);
	CHECK(!try_cmpxchg_local(&bytes[0], &seen, 7) && seen == 6);
}

static DEFINE_SPINLOCK(lock);
static atomic_t counted;
static long locked;
static int turns;

static void *work(void *unused)
{
	for (int turn = 0; turn < turns; turn++) {
		atomic_inc(&counted);
		spin_lock(&lock);
		locked++;
		spin_unlock(&lock);
	}
	return unused;
}

int main(int argc, char **argv)
{
	static const long numbers[] = {
		0, 1, -1, 12345, 0x7fffffff, -0x80000000l, 0x5555555555555555
	};
	pthread_t threads[2];
	unsigned int a, b;

	turns = argc > 1 ? atoi(argv[1]) : 1000;
	for (a = 0; a < sizeof(numbers) / sizeof(*numbers); a++)
		for (b = 0; b < sizeof(numbers) / sizeof(*numbers); b++) {
			test_atomic(numbers[a], numbers[b]);
			test_atomic64(numbers[a], numbers[b]);
			test_atomic_long(numbers[a], numbers[b]);
		}
	test_bits(0);
	test_bits(63);
	test_bits(130);
	test_exchanges();
	for (a = 0; a < 2; a++)
		CHECK(!pthread_create(&threads[a], NULL, work, NULL));
	for (a = 0; a < 2; a++)
		CHECK(!pthread_join(threads[a], NULL));
	CHECK(atomic_read(&counted) == 2 * turns && locked == 2 * turns);
	CHECK(spin_trylock(&lock) && !spin_trylock(&lock) && spin_is_locked(&lock));
	return 0;
}
