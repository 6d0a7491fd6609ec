/* States are used again by their like, and those at work are bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/coder.h"

#include <stdlib.h>

#include "http/limits.h"

static int opened, closed, restarted;
static bool can_restart;

static void *
open_encoder(const weir_coding_shape *shape)
{
    (void)shape;
    opened++;
    return malloc(1);
}

static void *
open_decoder(void)
{
    opened++;
    return malloc(1);
}

static void
close_state(void *state)
{
    closed++;
    free(state);
}

static bool
restart(void *state)
{
    (void)state;
    restarted++;
    return can_restart;
}

static uint64_t
bytes(const weir_coding_shape *shape)
{
    return shape->level == 9 ? 100 << 20 : 1000;
}

static const weir_coding one = { .name = "one", .encoder_bytes = bytes, .decoder_bytes = 1000, .encoder_open = open_encoder, .encoder_close = close_state,
                                 .encoder_restart = restart, .decoder_open = open_decoder,
                                 .decoder_close = close_state, .decoder_restart = restart };
static const weir_coding other = { .name = "other", .encoder_bytes = bytes, .encoder_open = open_encoder, .encoder_close = close_state };
static const weir_coding_shape fast = { .level = 1 }, fine = { .level = 2 }, small = { .level = 9 };

static struct weir_pool pool;

static int
set_up(void **state)
{
    (void)state;
    opened = closed = restarted = 0;
    can_restart = true;
    wr_pool_init(&pool, "test", NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_pool_fini(&pool);
    wr_coder_fini();
    assert_int_equal(opened, closed);
    return 0;
}

static void
test_one_given_back_is_used_again_for_its_like_only(void **state)
{
    struct wr_coder *first = wr_coder_take(&pool, &one, &fast);

    (void)state;
    wr_coder_give(first);
    assert_ptr_not_equal(wr_coder_take(&pool, &one, &fine), first);
    assert_ptr_not_equal(wr_coder_take(&pool, &one, NULL), first);
    assert_ptr_not_equal(wr_coder_take(&pool, &other, &fast), first);
    assert_ptr_equal(wr_coder_take(&pool, &one, &fast), first);
    assert_int_equal(opened, 4);
}

static void
test_one_that_cannot_be_restarted_is_closed(void **state)
{
    (void)state;
    can_restart = false;
    wr_coder_give(wr_coder_take(&pool, &one, &fast));
    wr_coder_give(wr_coder_take(&pool, &other, &fast));
    assert_int_equal(closed, 2);
}

static void
test_its_owners_end_gives_it_back(void **state)
{
    struct weir_pool owner;
    struct wr_coder *c;

    (void)state;
    wr_pool_init(&owner, "test", NULL);
    c = wr_coder_take(&owner, &one, NULL);
    wr_pool_fini(&owner);
    assert_int_equal(restarted, 1);
    assert_ptr_equal(wr_coder_take(&pool, &one, NULL), c);
}

static void
test_busy_and_idle_ones_are_bounded(void **state)
{
    static struct wr_coder *taken[WR_LIMIT_CODERS_BUSY];

    (void)state;
    for (int i = 0; i < WR_LIMIT_CODERS_BUSY; i++) {
        taken[i] = wr_coder_take(&pool, &one, i % 2 ? &fast : &fine);
        assert_non_null(taken[i]);
    }
    assert_null(wr_coder_take(&pool, &one, &fast));
    assert_null(wr_coder_take(&pool, &other, &fast));
    wr_coder_give(wr_coder_take(&pool, &one, NULL)); /* decoders are counted apart */
    for (int i = 0; i < WR_LIMIT_CODERS_BUSY; i++) {
        wr_coder_give(taken[i]);
    }
    assert_int_equal(opened - closed, WR_LIMIT_CODERS_IDLE);
    assert_non_null(wr_coder_take(&pool, &other, &fast));
}

static void
test_the_memory_of_busy_ones_is_bounded(void **state)
{
    struct wr_coder *taken[5];

    (void)state;
    for (int i = 0; i < 5; i++) {
        taken[i] = wr_coder_take(&pool, &one, &small);
        assert_non_null(taken[i]);
    }
    assert_null(wr_coder_take(&pool, &one, &small)); /* 600 MiB */
    assert_non_null(wr_coder_take(&pool, &one, &fast));
    wr_coder_give(taken[0]);
    assert_int_equal(closed, 1); /* too large to be kept */
    assert_non_null(wr_coder_take(&pool, &one, &small));
}

static void
test_how_much_memory_busy_ones_take_can_be_set(void **state)
{
    (void)state;
    wr_coder_init(1500); /* one encoder takes 1000 */
    assert_non_null(wr_coder_take(&pool, &one, &fast));
    assert_null(wr_coder_take(&pool, &one, &fast));
    assert_non_null(wr_coder_take(&pool, &one, NULL));
    assert_null(wr_coder_take(&pool, &one, NULL));
    wr_coder_init(WR_LIMIT_CODERS_BYTES);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_one_given_back_is_used_again_for_its_like_only),
        CASE(test_one_that_cannot_be_restarted_is_closed),
        CASE(test_its_owners_end_gives_it_back),
        CASE(test_busy_and_idle_ones_are_bounded),
        CASE(test_the_memory_of_busy_ones_is_bounded),
        CASE(test_how_much_memory_busy_ones_take_can_be_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
