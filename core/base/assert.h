/* base/assert.h - invariants of ours, checked in release builds too.
 *
 * WR_ASSERT is for what only a mistake in weir (or a module) can break, never for what a peer, a file or an operator can
 * send: those get an answer. A failed assertion logs its place and aborts; the master replaces the worker.
 */
#ifndef WR_BASE_ASSERT_H
#define WR_BASE_ASSERT_H

#include <stdint.h>

_Noreturn void wr_assert_failed(const char *what, const char *file, int line);

#define WR_LIKELY(cond) __builtin_expect(!!(cond), 1)
#define WR_UNLIKELY(cond) __builtin_expect(!!(cond), 0)

/* Of a function: not to be made a part of its callers, whose usual way would save registers for it and be in its way. */
#define WR_APART __attribute__((noinline))

#define WR_ASSERT(cond)                                                                            \
    do {                                                                                           \
        if (WR_UNLIKELY(!(cond))) {                                                                \
            wr_assert_failed(#cond, __FILE__, __LINE__);                                           \
        }                                                                                          \
    } while (0)

/* A long-lived struct begins with `uint32_t tag`; whoever turns a void * into it checks the tag. */
#define WR_CHECK(object, want) WR_ASSERT((object) != NULL && (object)->tag == (want))
#define WR_TAG(a, b, c, d)                                                                         \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* The struct of type T whose member m is at p. */
#define WR_CONTAINER(p, T, m) ((T *)(void *)((char *)(p) - offsetof(T, m)))

#define WR_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WR_MIN(a, b) ((a) < (b) ? (a) : (b))
#define WR_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
