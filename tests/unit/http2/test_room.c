/* Large buffers have places of their own, which come back; all else is the heap's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http2/room.h"
#include "net/conn.h"

enum { LARGE = 16394, PLACES = 100 };

static void
test_places_are_apart_and_come_back(void **state)
{
    nghttp2_mem *m = wr_room_memory();
    char *a = m->realloc(NULL, LARGE, NULL), *b = m->malloc(LARGE, NULL), *again;

    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    memset(a, 'a', LARGE);
    memset(b, 'b', LARGE);
    assert_int_equal(a[LARGE - 1], 'a');
    assert_int_equal((uintptr_t)a % 4096, 0);
    m->free(a, NULL);
    again = m->malloc(LARGE, NULL);
    assert_ptr_equal(again, a);
    assert_int_equal(again[0], 0); /* the system has had it meanwhile */
    assert_int_equal(b[LARGE - 1], 'b');
    m->free(again, NULL);
    m->free(b, NULL);
}

static void
test_a_buffer_keeps_its_bytes_when_it_grows(void **state)
{
    nghttp2_mem *m = wr_room_memory();
    char *small = m->malloc(10, NULL), *large = m->malloc(LARGE, NULL);

    (void)state;
    memcpy(small, "123456789", 10);
    small = m->realloc(small, LARGE, NULL);
    assert_string_equal(small, "123456789");
    memcpy(large, "abcdefghi", 10);
    large = m->realloc(large, LARGE + 1, NULL);
    assert_string_equal(large, "abcdefghi");
    large = m->realloc(large, 10 * LARGE, NULL);
    assert_string_equal(large, "abcdefghi");
    m->free(small, NULL);
    m->free(large, NULL);
    m->free(NULL, NULL);
}

static void
test_past_the_last_place_there_is_the_heap(void **state)
{
    nghttp2_mem *m = wr_room_memory();
    char *all[2 * PLACES];

    (void)state;
    for (size_t i = 0; i < 2 * PLACES; i++) {
        all[i] = m->malloc(LARGE, NULL);
        assert_non_null(all[i]);
        all[i][LARGE - 1] = 1;
    }
    for (size_t i = 0; i < 2 * PLACES; i++) {
        m->free(all[i], NULL);
    }
    assert_non_null(all[0] = m->calloc(4, 1024, NULL));
    assert_int_equal(all[0][4095], 0);
    m->free(all[0], NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_apart_and_come_back),
        cmocka_unit_test(test_a_buffer_keeps_its_bytes_when_it_grows),
        cmocka_unit_test(test_past_the_last_place_there_is_the_heap),
    };

    wr_conn_setup(PLACES);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
