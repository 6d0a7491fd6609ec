/* The heap gives nodes back by key, whatever was added, moved and removed meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/heap.h"

static void
test_an_empty_heap_has_no_first(void **state)
{
    struct wr_heap h;

    (void)state;
    wr_heap_init(&h);
    assert_null(wr_heap_first(&h));
    wr_heap_fini(&h);
}

static void
test_nodes_leave_in_the_order_of_their_keys(void **state)
{
    static struct wr_heap_node nodes[1000];
    struct wr_heap h;
    uint64_t x = 7, last = 0;

    (void)state;
    wr_heap_init(&h);
    for (size_t i = 0; i < WR_COUNT(nodes); i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        wr_heap_add(&h, &nodes[i], x >> 54);
    }
    for (size_t i = 0; i < WR_COUNT(nodes); i += 3) {
        wr_heap_remove(&h, &nodes[i]);
        assert_false(wr_heap_holds(&nodes[i]));
    }
    for (size_t i = 1; i < WR_COUNT(nodes); i += 3) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        wr_heap_move(&h, &nodes[i], x >> 54);
    }
    assert_int_equal(h.count, 666);
    for (size_t left = 666; left != 0; left--) {
        struct wr_heap_node *n = wr_heap_first(&h);
        assert_true(n->key >= last);
        last = n->key;
        wr_heap_remove(&h, n);
    }
    assert_null(wr_heap_first(&h));
    wr_heap_fini(&h);
}

static void
test_removing_twice_is_harmless(void **state)
{
    struct wr_heap_node a = { 0 }, b = { 0 };
    struct wr_heap h;

    (void)state;
    wr_heap_init(&h);
    wr_heap_add(&h, &a, 1);
    wr_heap_add(&h, &b, 2);
    wr_heap_remove(&h, &a);
    wr_heap_remove(&h, &a);
    assert_ptr_equal(wr_heap_first(&h), &b);
    wr_heap_fini(&h);
    assert_false(wr_heap_holds(&b));
}

static void
test_moving_a_node_outside_adds_it(void **state)
{
    struct wr_heap_node a = { 0 }, b = { 0 };
    struct wr_heap h;

    (void)state;
    wr_heap_init(&h);
    wr_heap_move(&h, &a, 5);
    wr_heap_move(&h, &b, 9);
    wr_heap_move(&h, &b, 1);
    assert_ptr_equal(wr_heap_first(&h), &b);
    assert_int_equal(b.key, 1);
    wr_heap_fini(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_heap_has_no_first),
        cmocka_unit_test(test_nodes_leave_in_the_order_of_their_keys),
        cmocka_unit_test(test_removing_twice_is_harmless),
        cmocka_unit_test(test_moving_a_node_outside_adds_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
