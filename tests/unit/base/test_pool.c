/* A bulk pool's blocks: few, the system's again at its end, and given up by a child that forgets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/pool.h"

enum { PIECE = 100, PIECES = 40000 };

/* Four megabytes in small pieces, each with its number in it. */
static uint32_t **
fill(struct weir_pool *p)
{
    uint32_t **pieces = wr_pool_array(p, uint32_t *, PIECES);

    for (uint32_t i = 0; i < PIECES; i++) {
        pieces[i] = wr_pool_alloc(p, PIECE);
        memset(pieces[i], 0xff, PIECE);
        *pieces[i] = i;
    }
    return pieces;
}

static void
test_what_a_bulk_pool_holds_stays_and_ends_with_it(void **state)
{
    size_t before = wr_pool_held_total();
    struct weir_pool p;
    uint32_t **pieces;

    (void)state;
    wr_pool_init(&p, "test", NULL);
    wr_pool_bulk(&p);
    pieces = fill(&p);
    for (uint32_t i = 0; i < PIECES; i++) {
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        assert_int_equal(*pieces[i], i);
    }
    assert_true(p.held >= (size_t)PIECE * PIECES);
    assert_true(p.held <= 2 * (size_t)PIECE * PIECES + WR_POOL_BULK_MAX);
    wr_pool_fini(&p);
    /* the first, common block may stay in the cache */
    assert_true(wr_pool_held_total() <= before + WR_POOL_BLOCK);
}

static void
test_a_bulk_pool_of_little_holds_little(void **state)
{
    struct weir_pool p;

    (void)state;
    wr_pool_init(&p, "test", NULL);
    wr_pool_bulk(&p);
    for (int i = 0; i < 20; i++) {
        memset(wr_pool_alloc(&p, PIECE), 0, PIECE);
    }
    assert_int_equal(p.held, WR_POOL_BLOCK);
    wr_pool_fini(&p);
}

static void
test_a_large_thing_does_not_end_the_block_being_filled(void **state)
{
    struct weir_pool p;
    char *small, *large, *next;

    (void)state;
    wr_pool_init(&p, "test", NULL);
    wr_pool_bulk(&p);
    small = wr_pool_alloc(&p, 16);
    large = wr_pool_alloc(&p, 3 << 20);
    next = wr_pool_alloc(&p, 16);
    memset(large, 1, 3 << 20);
    assert_ptr_equal(next, small + 16);
    wr_pool_fini(&p);
}

static void
never(void *data)
{
    (void)data;
    _exit(1);
}

static void
test_a_child_that_forgets_leaves_the_parent_all(void **state)
{
    struct weir_pool p;
    uint32_t **pieces;
    int status = -1;
    pid_t child;

    (void)state;
    wr_pool_init(&p, "test", NULL);
    wr_pool_bulk(&p);
    pieces = fill(&p);
    child = fork();
    if (child == 0) {
        size_t held = wr_pool_held_total();
        weir_on_end(&p, never, NULL);
        wr_pool_forget(&p);
        _exit(wr_pool_held_total() <= held ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(*pieces[PIECES - 1], PIECES - 1);
    wr_pool_fini(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_bulk_pool_holds_stays_and_ends_with_it),
        cmocka_unit_test(test_a_bulk_pool_of_little_holds_little),
        cmocka_unit_test(test_a_large_thing_does_not_end_the_block_being_filled),
        cmocka_unit_test(test_a_child_that_forgets_leaves_the_parent_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
