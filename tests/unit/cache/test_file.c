/* Checksums and hashes against published values; names of files; heads and snapshots there and
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../modules/cache/crc.h"
#include "../modules/cache/file.h"
#include "../modules/cache/path.h"
#include "../modules/cache/sip.h"
#include "../modules/cache/snapshot.h"

static void
test_crc32c_of_the_rfcs_examples(void **state)
{
    uint8_t bytes[48];

    (void)state;
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(crc_add(0, bytes, 32), 0x8a9136aa); /* RFC 3720 B.4 */
    assert_int_equal(crc_add_plain(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc_add(0, bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(crc_add(0, bytes, 32), 0x46dd794e);
    assert_int_equal(crc_add_plain(0, bytes, 32), 0x46dd794e);
}

static void
test_both_ways_to_a_checksum_agree_whatever_the_pieces(void **state)
{
    uint8_t bytes[1000];
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        x = x * 1103515245 + 12345;
        bytes[i] = (uint8_t)(x >> 16);
    }
    for (size_t n = 0; n < sizeof(bytes); n += 7) {
        uint32_t whole = crc_add_plain(0, bytes, n);
        assert_int_equal(crc_add(0, bytes, n), whole);
        assert_int_equal(crc_add(crc_add(0, bytes, n / 3), bytes + n / 3, n - n / 3), whole);
    }
}

static void
test_siphash_of_the_authors_vectors(void **state)
{
    static const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
    static const uint8_t none[16] = { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
                                      0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 };
    static const uint8_t one[16] = { 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44,
                                     0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45 };
    uint64_t hash[2];

    (void)state;
    sip_hash(key, "", 0, hash);
    assert_memory_equal(hash, none, 16);
    sip_hash(key, "\0", 1, hash);
    assert_memory_equal(hash, one, 16);
}

static void
test_names_are_as_nginx_lays_them_out(void **state)
{
    struct store_options o = { .path = WEIR_STR("/data"), .levels = { 1, 2, 0 } };
    uint64_t hash[2] = { UINT64_C(0xb7f54b2df7773722), UINT64_C(0xd382f4809d65029c) }, back[2];
    char path[PATH_SIZE];

    (void)state;
    assert_true(path_of(path, &o, hash));
    assert_string_equal(path, "/data/c/29/b7f54b2df7773722d382f4809d65029c");
    o.levels[0] = 0;
    assert_true(path_of(path, &o, hash));
    assert_string_equal(path, "/data/b7f54b2df7773722d382f4809d65029c");
    assert_true(path_parse("b7f54b2df7773722d382f4809d65029c", back));
    assert_memory_equal(hash, back, 16);
    assert_false(path_parse("b7f54b2df7773722d382f4809d65029", back));
    assert_false(path_parse("b7f54b2df7773722d382f4809d65029c1", back));
    assert_false(path_parse("B7f54b2df7773722d382f4809d65029c", back));
}

static const weir_header second = { .name = { "X-B", 3 }, .value = { "", 0 } };
static const weir_header first = { .name = { "ETag", 4 },
                                   .value = { "\"x\"", 3 },
                                   .next = &second };
static const uint64_t tags[] = { 7, 9 };
static const uint64_t hash[2] = { 1, 2 };

static struct store_meta
example(void)
{
    return (struct store_meta){ .status = 404,
                                .flags = 5,
                                .times = { 1, 2, 3, 4, 5, 6, 7, 8 },
                                .length = 100000,
                                .reason = WEIR_STR("Gone fishing"),
                                .fields = &first,
                                .n_tags = 2,
                                .tags = tags,
                                .note = WEIR_STR("note") };
}

static void
test_a_head_comes_back_as_it_was_written(void **state)
{
    struct store_meta m = example();
    size_t n = file_head_size(WEIR_STR("key"), &m);
    uint8_t *bytes = malloc(n);
    struct file_head h;
    weir_pair pairs[2];
    uint64_t got[2];

    (void)state;
    file_head_write(bytes, WEIR_STR("key"), &m, 77, hash, FILE_STALE);
    assert_int_equal(file_head_tells_size(bytes), n);
    assert_true(file_head_read(bytes, n, &h));
    assert_true(weir_str_eq(h.key, WEIR_STR("key")));
    assert_int_equal(h.file, 77);
    assert_int_equal(h.flags, FILE_STALE);
    assert_int_equal(h.status, 404);
    assert_int_equal(h.meta_flags, 5);
    assert_int_equal(h.length, 100000);
    assert_int_equal(h.times[7], 8);
    assert_true(weir_str_eq(h.note, WEIR_STR("note")));
    assert_int_equal(h.n_fields, 2);
    file_head_pairs(&h, pairs);
    assert_true(weir_str_eq(pairs[0].value, WEIR_STR("\"x\"")));
    assert_true(weir_str_eq(pairs[1].name, WEIR_STR("X-B")));
    file_head_tags(&h, got);
    assert_int_equal(got[1], 9);
    for (size_t i = 0; i < n; i++) { /* any byte that changes is seen, and any that is missing */
        bytes[i] ^= 1;
        assert_false(file_head_read(bytes, n, &h));
        bytes[i] ^= 1;
        assert_false(file_head_read(bytes, i, &h));
    }
    free(bytes);
}

static void
test_of_several_heads_the_last_whole_one_holds(void **state)
{
    struct store_meta m = example();
    size_t n = file_head_size(WEIR_STR("key"), &m);
    uint8_t *bytes = malloc(4 * n);
    struct file_head h;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        m.times[0] = i;
        file_head_write(bytes + i * n, WEIR_STR("key"), &m, i == 3 ? 78 : 77, hash, 0);
    }
    assert_true(file_head_read(bytes, n, &h));
    assert_int_equal(file_tail_read(bytes + n, 3 * n, &h),
                     2 * n); /* the fourth is another file's */
    assert_int_equal(h.times[0], 2);
    assert_true(file_head_read(bytes, n, &h));
    assert_int_equal(file_tail_read(bytes + n, 2 * n - 1, &h), n); /* the third is cut */
    assert_int_equal(h.times[0], 1);
    free(bytes);
}

static void
test_a_blocks_checksum_knows_its_file_and_place(void **state)
{
    uint32_t crc = file_block_crc(5, 0, "abc", 3);

    (void)state;
    assert_int_not_equal(crc, file_block_crc(6, 0, "abc", 3));
    assert_int_not_equal(crc, file_block_crc(5, 1, "abc", 3));
    assert_int_equal(file_block_at(100, 2), 100 + 2 * 65540);
    assert_int_equal(file_end(100, 0), 100);
    assert_int_equal(file_end(100, 65536), 100 + 65540);
    assert_int_equal(file_end(100, 65537), 100 + 65540 + 5);
}

static void
test_a_snapshots_records_come_back(void **state)
{
    uint8_t block[4096];
    struct snapshot_record r = { .hash = { 1, 2 }, .file = 3, .size = 4, .unused_s = 5 }, got;
    const uint8_t *p = block + SNAPSHOT_BLOCK_HEAD;
    uint8_t *to = block + SNAPSHOT_BLOCK_HEAD;
    size_t n;

    (void)state;
    r.n_tags = 2;
    r.tags[1] = 22;
    r.key = WEIR_STR("one");
    to = snapshot_record_write(to, &r);
    r.key = WEIR_STR("");
    r.n_tags = 0;
    to = snapshot_record_write(to, &r);
    n = (size_t)(to - block) - SNAPSHOT_BLOCK_HEAD;
    snapshot_block_write(block, n);
    assert_int_equal(snapshot_block_tells_size(block), n);
    assert_true(snapshot_block_whole(block));
    assert_true(snapshot_record_read(&p, &n, &got));
    assert_true(weir_str_eq(got.key, WEIR_STR("one")));
    assert_int_equal(got.tags[1], 22);
    assert_true(snapshot_record_read(&p, &n, &got));
    assert_int_equal(got.key.len, 0);
    assert_false(snapshot_record_read(&p, &n, &got));
    block[20] ^= 1;
    assert_false(snapshot_block_whole(block));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_of_the_rfcs_examples),
        cmocka_unit_test(test_both_ways_to_a_checksum_agree_whatever_the_pieces),
        cmocka_unit_test(test_siphash_of_the_authors_vectors),
        cmocka_unit_test(test_names_are_as_nginx_lays_them_out),
        cmocka_unit_test(test_a_head_comes_back_as_it_was_written),
        cmocka_unit_test(test_of_several_heads_the_last_whole_one_holds),
        cmocka_unit_test(test_a_blocks_checksum_knows_its_file_and_place),
        cmocka_unit_test(test_a_snapshots_records_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
