/* cache/trailers.c: trailer fields in a head's note. */
#include "unit/modules/double.h"

#include "../modules/cache/list.c"
#include "../modules/cache/trailers.c"

static weir_header
field(const char *name, const char *value, const weir_header *next)
{
    return (weir_header){ .name = weir_str_c(name), .value = weir_str_c(value), .next = next };
}

static void
test_what_was_written_comes_back_in_order(void **state)
{
    uint8_t bytes[TRAILERS_MAX] = { 0 };
    weir_header b = field("X-B", "", NULL), a = field("X-A", "one two", &b);
    weir_str rest = { (char *)bytes, sizeof(bytes) }, name, value;

    (void)state;
    assert_int_equal(trailers_write(bytes, sizeof(bytes), &a), 4 + 3 + 7 + 4 + 3);
    assert_true(trailers_next(&rest, &name, &value));
    assert_true(weir_str_eq(name, a.name) && weir_str_eq(value, a.value));
    assert_true(trailers_next(&rest, &name, &value));
    assert_true(weir_str_eq(name, b.name) && value.len == 0);
    assert_false(trailers_next(&rest, &name, &value));
}

static void
test_all_fit_or_none_is_kept(void **state)
{
    uint8_t bytes[14] = { 0 }, none[14] = { 0 };
    weir_header b = field("X-B", "2", NULL), a = field("X-A", "1", &b);

    (void)state;
    assert_int_equal(trailers_write(bytes, 14, &a), 0);
    assert_memory_equal(bytes, none, 14);
    assert_int_equal(trailers_write(bytes, 8, &b), 8);
    assert_int_equal(trailers_write(bytes, 7, &b), 0);
    assert_int_equal(trailers_write(bytes, 14, NULL), 0);
}

static void
test_a_value_past_two_bytes_of_length_is_not_kept(void **state)
{
    static char text[UINT16_MAX + 2];
    static uint8_t bytes[2 * sizeof(text)];
    weir_header a;

    (void)state;
    memset(text, 'x', UINT16_MAX + 1);
    a = field("X-A", text, NULL);
    assert_int_equal(trailers_write(bytes, sizeof(bytes), &a), 0);
}

static void
test_bytes_that_make_no_sense_end_it(void **state)
{
    static const uint8_t bad[][6] = { { 0, 0, 1, 0, 'a' },
                                      { 3, 0, 0, 0, 'a', 'b' },
                                      { 1, 0, 2, 0, 'a', 'b' },
                                      { 255, 255, 255, 255, 'a', 'b' } };
    weir_str name, value;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        weir_str rest = { (const char *)bad[i], 6 };
        assert_false(trailers_next(&rest, &name, &value));
    }
    for (size_t n = 0; n < 4; n++) {
        weir_str rest = { "\1\0\0\0", n };
        assert_false(trailers_next(&rest, &name, &value));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_comes_back_in_order),
        cmocka_unit_test(test_all_fit_or_none_is_kept),
        cmocka_unit_test(test_a_value_past_two_bytes_of_length_is_not_kept),
        cmocka_unit_test(test_bytes_that_make_no_sense_end_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
