/* Fields are found by id and by name, in the order they came, whatever was removed between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include <cmocka.h>

#include "wire/fields.h"
#include "wire/http1_head.h"
#include "wire/names.h"

static struct weir_pool pool;
static struct wr_fields fields;

static int
set_up(void **state)
{
    (void)state;
    wr_pool_init(&pool, "test", NULL);
    fields = (struct wr_fields){ .n = 0 };
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    wr_pool_fini(&pool);
    return 0;
}

static const weir_header *
add(const char *name, const char *value)
{
    weir_str n = weir_str_c(name);

    return wr_fields_add(&fields, &pool, n, weir_str_c(value), wr_name_id(n));
}

static uint32_t
take_out(const char *name)
{
    weir_str n = weir_str_c(name);

    return wr_fields_remove(&fields, n, wr_name_id(n));
}

/* The values in order, joined by commas, are want; n and last agree with them. */
static void
assert_values(const char *want)
{
    char all[256] = "";
    size_t at = 0;
    uint32_t n = 0;
    const weir_header *last = NULL;

    for (const weir_header *h = fields.first; h != NULL; h = h->next) {
        assert_true(at + h->value.len + 2 < sizeof(all));
        if (n++ != 0) {
            all[at++] = ',';
        }
        memcpy(all + at, h->value.data, h->value.len);
        at += h->value.len;
        last = h;
    }
    all[at] = '\0';
    assert_string_equal(all, want);
    assert_int_equal(fields.n, n);
    if (n != 0) {
        assert_ptr_equal(fields.last, last);
    }
}

static void
test_known_names_are_indexed_and_others_searched(void **state)
{
    const weir_header *host = add("Host", "a"), *other = add("X-Other", "b");

    (void)state;
    assert_ptr_equal(fields.index[WEIR_H_HOST], host);
    assert_ptr_equal(wr_fields_find(&fields, WEIR_STR("x-oTHER")), other);
    assert_ptr_equal(wr_fields_find(&fields, WEIR_STR("host")), host);
    assert_null(wr_fields_find(&fields, WEIR_STR("X-Othe")));
    assert_values("a,b");
}

static void
test_fields_taken_at_once_are_linked_as_if_added(void **state)
{
    static const char *const names[] = {
        "Sec-Fetch-Mode", "Cookie", "sec-fetch-site", "COOKIE", "SEC-FETCH-MODE", "X", "x",
        "Sec-Fetch-Mode"
    };
    static const char digits[] = "12345678";
    struct wr_head_field from[8];
    weir_header all[8];
    char base[256];
    uint32_t at = 0;

    (void)state;
    memset(all, 0x5a, sizeof(all));
    for (size_t i = 0; i < 8; i++) {
        weir_str name = weir_str_c(names[i]);
        from[i] = (struct wr_head_field){ at, (uint32_t)name.len, at + (uint32_t)name.len, 1,
                                          (uint16_t)wr_name_id(name), 0 };
        memcpy(base + at, name.data, name.len);
        base[at + name.len] = digits[i];
        at += (uint32_t)name.len + 1;
    }
    wr_fields_take(&fields, all, from, 8, base, 0);
    assert_values("1,2,3,4,5,6,7,8");
    assert_ptr_equal(all[0].same, &all[4]);
    assert_ptr_equal(all[4].same, &all[7]);
    assert_null(all[7].same);
    assert_ptr_equal(fields.index[WEIR_H_COOKIE], &all[1]);
    assert_ptr_equal(all[1].same, &all[3]);
    assert_null(all[2].same);
    assert_ptr_equal(all[5].same, &all[6]);
    assert_null(all[6].same);
}

static void
test_fields_that_are_passed_are_linked_as_if_added(void **state)
{
    static const char *const names[] = { "X-A", "Set-Cookie", "x-a", "SET-COOKIE", "X-B", "X-A" };
    struct wr_fields from = fields;
    struct wr_fields_filter which = { .skip = 0 };
    const weir_header *h;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        weir_str name = weir_str_c(names[i]);
        h = wr_fields_add(&from, &pool, name, (weir_str){ &"123456"[i], 1 }, wr_name_id(name));
    }
    wr_fields_pass(&fields, &pool, from.first, &which);
    assert_values("1,2,3,4,5,6");
    h = wr_fields_find(&fields, WEIR_STR("X-A"));
    assert_true(h != from.first && weir_str_eq(h->same->value, WEIR_STR("3")));
    assert_true(weir_str_eq(h->same->same->value, WEIR_STR("6")));
    h = fields.index[WEIR_H_SET_COOKIE];
    assert_true(weir_str_eq(h->same->value, WEIR_STR("4")));
    which.skip = UINT64_C(1) << WEIR_H_SET_COOKIE; /* now behind those that are there */
    wr_fields_pass(&fields, &pool, from.first, &which);
    assert_values("1,2,3,4,5,6,1,3,5,6");
    h = wr_fields_find(&fields, WEIR_STR("X-B"));
    assert_true(h->same != NULL && h->same->same == NULL);
}

static bool
passes_threes(void *data, const weir_header *h)
{
    unsigned *calls = data;

    ++*calls;
    if (h->value.data[0] != '3') {
        (void)add("X-New", "n");
        return false;
    }
    return true;
}

static void
test_fields_that_are_asked_about_may_be_replaced(void **state)
{
    struct wr_fields from;
    unsigned calls = 0;
    const struct wr_fields_filter which = { .ask = 1, .asked = passes_threes, .data = &calls };

    (void)state;
    (void)add("X-A", "1");
    (void)add("ETag", "2");
    (void)add("X-New", "3");
    from = fields;
    fields = (struct wr_fields){ .n = 0 };
    wr_fields_pass(&fields, &pool, from.first, &which);
    assert_values("n,2,3");
    assert_int_equal(calls, 2);
    assert_ptr_equal(fields.first->same, fields.last);
}

static void
test_fields_may_be_left_out_as_they_are_taken(void **state)
{
    static const struct wr_head_field from[] = {
        { 0, 4, 4, 1, WEIR_H_ETAG, 0 }, { 5, 3, 8, 1, WEIR_H_VIA, 0 }, { 9, 1, 10, 1, 0, 0 }
    };
    weir_header all[3];

    (void)state;
    wr_fields_take(&fields, all, from, 3, "ETag1Via2X3", UINT64_C(1) << WEIR_H_VIA);
    assert_values("1,3");
    assert_null(fields.index[WEIR_H_VIA]);
}

static void
test_fields_of_one_name_are_linked_in_order(void **state)
{
    (void)state;
    (void)add("Cookie", "1");
    (void)add("X-A", "x");
    (void)add("COOKIE", "2");
    (void)add("x-a", "y");
    (void)add("cookie", "3");
    assert_string_equal(fields.index[WEIR_H_COOKIE]->same->value.data, "2");
    assert_string_equal(fields.index[WEIR_H_COOKIE]->same->same->value.data, "3");
    assert_null(fields.index[WEIR_H_COOKIE]->same->same->same);
    assert_string_equal(wr_fields_find(&fields, WEIR_STR("X-A"))->same->value.data, "y");
    assert_values("1,x,2,y,3");
}

static void
test_removing_takes_all_of_the_name_and_nothing_else(void **state)
{
    (void)state;
    (void)add("X-A", "1");
    (void)add("Cookie", "2");
    (void)add("x-a", "3");
    (void)add("X-AB", "4");
    (void)add("X-A", "5");
    assert_int_equal(take_out("X-a"), 3);
    assert_values("2,4");
    assert_int_equal(take_out("cookie"), 1);
    assert_null(fields.index[WEIR_H_COOKIE]);
    assert_values("4");
    assert_int_equal(take_out("Cookie"), 0);
    assert_int_equal(take_out("X-AB"), 1);
    assert_values("");
}

static void
test_a_field_added_after_a_removal_is_alone_of_its_name(void **state)
{
    const weir_header *h;

    (void)state;
    (void)add("Cookie", "1");
    (void)add("X-A", "2");
    (void)take_out("Cookie");
    (void)take_out("X-A");
    h = add("Cookie", "3");
    assert_ptr_equal(fields.index[WEIR_H_COOKIE], h);
    assert_null(h->same);
    assert_null(add("X-A", "4")->same);
    assert_values("3,4");
}

static void
test_a_copy_may_be_changed_and_leaves_the_original(void **state)
{
    struct wr_fields *copy;

    (void)state;
    (void)add("ETag", "1");
    (void)add("X-A", "2");
    fields.lines = WEIR_STR("ETag: 1\r\nX-A: 2\r\n");
    fields.shared = true;
    copy = wr_fields_copy(&fields, &pool);
    assert_false(copy->shared);
    assert_null(copy->lines.data); /* they would be wrong after the first change */
    assert_int_equal(wr_fields_remove(copy, WEIR_STR("ETag"), WEIR_H_ETAG), 1);
    assert_int_equal(copy->n, 1);
    assert_non_null(fields.index[WEIR_H_ETAG]);
    assert_values("1,2");
}

static void
test_control_bytes_and_bad_names_are_invalid(void **state)
{
    static const weir_str bad_values[] = { { "a\r\nB: c", 7 }, { "a\nb", 3 }, { "a\rb", 3 },
                                           { "a\0b", 3 },      { "\x7f", 1 }, { "\x01", 1 } };

    (void)state;
    assert_true(wr_field_valid(WEIR_STR("X-A"), WEIR_STR("")));
    assert_true(wr_field_valid(WEIR_STR("X-A"), WEIR_STR("a\tb \xc3\xa4")));
    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
        assert_false(wr_field_valid(WEIR_STR("X-A"), bad_values[i]));
    }
    assert_false(wr_field_valid(WEIR_STR(""), WEIR_STR("a")));
    assert_false(wr_field_valid(WEIR_STR("X A"), WEIR_STR("a")));
    assert_false(wr_field_valid(WEIR_STR("X:"), WEIR_STR("a")));
    assert_false(wr_field_valid(WEIR_STR("X\r\n"), WEIR_STR("a")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void
test_a_block_of_fields_stands_in_its_own_memory(void **state)
{
    static const weir_pair pairs[] = { { { "ETag", 4 }, { "\"a\"", 3 } },
                                        { { "X-A", 3 }, { "", 0 } },
                                        { { "x-a", 3 }, { "2", 1 } } };
    size_t size = weir_fields_size(3, 14);
    char *memory = aligned_alloc(16, (size + 31) & ~(size_t)15);
    const weir_header *h;

    (void)state;
    memset(memory, 0x55, size + 1);
    h = weir_fields_make(memory, pairs, 3);
    assert_int_equal(h->id, WEIR_H_ETAG);
    assert_true(weir_str_eq(h->value, WEIR_STR("\"a\"")));
    assert_memory_equal(h->name.data, "ETag: \"a\"\r\nX-A: \r\nx-a: 2\r\n", 26);
    assert_int_equal(h->flags, WEIR_HEADER_LINE);
    assert_ptr_equal(h->next->same, h->next->next);
    assert_int_equal(h->next->value.len, 0);
    assert_null(h->next->next->next);
    assert_int_equal(memory[size], 0x55);
    assert_null(weir_fields_make(memory, pairs, 0));
    free(memory);
}

static void
test_a_copy_of_a_list_stands_in_its_own_memory(void **state)
{
    weir_header second = { .name = WEIR_STR("X-A"), .value = WEIR_STR("2") };
    weir_header first = { .name = WEIR_STR("ETag"), .value = WEIR_STR("\"a\""), .next = &second, .id = WEIR_H_ETAG };
    size_t size = weir_fields_size(2, 11);
    char *memory = aligned_alloc(16, (size + 31) & ~(size_t)15);
    const weir_header *h;

    (void)state;
    memset(memory, 0x55, size + 1);
    h = weir_fields_copy(memory, &first, 2);
    first.value = second.value = WEIR_STR("");
    assert_int_equal(h->id, WEIR_H_ETAG);
    assert_memory_equal(h->name.data, "ETag: \"a\"\r\nX-A: 2\r\n", 19);
    assert_true(weir_str_eq(h->value, WEIR_STR("\"a\"")) && weir_str_eq(h->next->value, WEIR_STR("2")));
    assert_int_equal(h->next->flags, WEIR_HEADER_LINE);
    assert_null(h->next->next);
    assert_int_equal(memory[size], 0x55);
    assert_null(weir_fields_copy(memory, NULL, 0));
    free(memory);
}

static void
test_a_ready_block_is_shared_and_its_copy_keeps_the_lines(void **state)
{
    static const weir_pair pairs[] = { { { "ETag", 4 }, { "\"a\"", 3 } }, { { "X-A", 3 }, { "1", 1 } } };
    struct wr_fields *f = wr_fields_ready(&pool, pairs, 2), *copy;
    const weir_header *h;

    (void)state;
    assert_true(f->shared);
    assert_true(weir_str_eq(f->lines, WEIR_STR("ETag: \"a\"\r\nX-A: 1\r\n")));
    copy = wr_fields_copy(f, &pool);
    assert_false(copy->shared);
    assert_null(copy->lines.data);
    assert_int_equal(copy->n, 2);
    assert_ptr_equal(copy->index[WEIR_H_ETAG], copy->first);
    assert_int_equal(copy->first->flags, WEIR_HEADER_LINE);
    assert_ptr_equal(copy->last->name.data, f->lines.data + 11);
    h = wr_fields_add(copy, &pool, WEIR_STR("x-a"), WEIR_STR("2"), 0);
    assert_ptr_equal(wr_fields_find(copy, WEIR_STR("X-A"))->same, h);
    assert_null(f->last->same);
    assert_int_equal(f->n, 2);
    assert_int_equal(wr_fields_ready(&pool, pairs, 0)->lines.len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_of_fields_stands_in_its_own_memory),
        TEST(test_a_copy_of_a_list_stands_in_its_own_memory),
        TEST(test_a_ready_block_is_shared_and_its_copy_keeps_the_lines),
        TEST(test_known_names_are_indexed_and_others_searched),
        TEST(test_fields_taken_at_once_are_linked_as_if_added),
        TEST(test_fields_that_are_passed_are_linked_as_if_added),
        TEST(test_fields_that_are_asked_about_may_be_replaced),
        TEST(test_fields_may_be_left_out_as_they_are_taken),
        TEST(test_fields_of_one_name_are_linked_in_order),
        TEST(test_removing_takes_all_of_the_name_and_nothing_else),
        TEST(test_a_field_added_after_a_removal_is_alone_of_its_name),
        TEST(test_a_copy_may_be_changed_and_leaves_the_original),
        TEST(test_control_bytes_and_bad_names_are_invalid),
    };

    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
