/* The allocator keeps its promises under any order of calls, and is whole again after a repair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slab.h"

enum { ROOM = 1 << 20, PIECES = 600 };

static struct wr_slab *
create(void **memory)
{
    *memory = aligned_alloc(4096, ROOM);
    assert_non_null(*memory);
    memset(*memory, 0xa5, ROOM);
    return wr_slab_create(*memory, ROOM);
}

struct piece {
    uint8_t *at;
    size_t size;
    uint8_t mark;
};

static uint32_t seed = 1;

static uint32_t
chance(uint32_t below)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % below;
}

static void
take(struct wr_slab *s, struct piece *p)
{
    p->size = 1 + (chance(10) == 0 ? chance(30000) : chance(700));
    p->at = wr_slab_alloc(s, p->size);
    if (p->at == NULL) {
        return;
    }
    assert_int_equal((uintptr_t)p->at % 16, 0);
    for (size_t i = 0; i < p->size; i++) {
        assert_int_equal(p->at[i], 0);
    }
    p->mark = (uint8_t)(1 + chance(255));
    memset(p->at, p->mark, p->size);
}

static void
give(struct wr_slab *s, struct piece *p)
{
    for (size_t i = 0; i < p->size; i++) {
        assert_int_equal(p->at[i], p->mark);
    }
    assert_true(wr_slab_free(s, p->at));
    assert_false(wr_slab_free(s, p->at));
    p->at = NULL;
}

static void
test_pieces_keep_their_bytes_through_thousands_of_calls(void **state)
{
    static struct piece pieces[PIECES];
    void *memory;
    struct wr_slab *s = create(&memory);

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct piece *p = &pieces[chance(PIECES)];
        if (p->at == NULL) {
            take(s, p);
        } else {
            give(s, p);
        }
        if (i % 1000 == 999) {
            size_t used = wr_slab_used(s);
            wr_slab_repair(s); /* of something whole: nothing changes */
            assert_int_equal(wr_slab_used(s), used);
        }
    }
    for (size_t i = 0; i < PIECES; i++) {
        if (pieces[i].at != NULL) {
            give(s, &pieces[i]);
        }
    }
    assert_int_equal(wr_slab_used(s), 0);
    assert_non_null(wr_slab_alloc(s, wr_slab_size(s))); /* all free pages are one run again */
    free(memory);
}

static void
test_it_fills_to_its_last_page_and_says_no(void **state)
{
    void *memory;
    struct wr_slab *s = create(&memory);
    size_t n = 0;

    (void)state;
    while (wr_slab_alloc(s, 64) != NULL) {
        n++;
    }
    assert_int_equal(n, wr_slab_size(s) / 64);
    assert_int_equal(wr_slab_used(s), wr_slab_size(s));
    assert_null(wr_slab_alloc(s, 1));
    wr_slab_reset(s);
    assert_int_equal(wr_slab_used(s), 0);
    assert_null(wr_slab_alloc(s, wr_slab_size(s) + 1));
    assert_null(wr_slab_alloc(s, SIZE_MAX));
    assert_null(wr_slab_alloc(s, 0));
    free(memory);
}

static void
test_what_was_not_handed_out_is_not_taken_back(void **state)
{
    void *memory;
    struct wr_slab *s = create(&memory);
    uint8_t *small = wr_slab_alloc(s, 100), *large = wr_slab_alloc(s, 10000);

    (void)state;
    assert_false(wr_slab_free(s, small + 16));
    assert_false(wr_slab_free(s, small + 128)); /* a free slot */
    assert_false(wr_slab_free(s, large + 16));
    assert_false(wr_slab_free(s, large + 4096));
    assert_false(wr_slab_free(s, s));
    assert_false(wr_slab_free(s, (uint8_t *)memory + ROOM + 4096));
    assert_false(wr_slab_free(s, &s));
    assert_true(wr_slab_free(s, small));
    assert_true(wr_slab_free(s, large));
    free(memory);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_keep_their_bytes_through_thousands_of_calls),
        cmocka_unit_test(test_it_fills_to_its_last_page_and_says_no),
        cmocka_unit_test(test_what_was_not_handed_out_is_not_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
