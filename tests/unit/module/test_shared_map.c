/* Maps: what is put in comes out until it expires or is pushed out, whichever process asks. */
#include "registry_setup.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "module/zone.h"

static struct wr_zone_list list;
static struct setup setup;
static weir_map *map;

static int
begin(void **state)
{
    weir_zone *z = NULL;

    (void)state;
    wr_clock.now_ms = 1000;
    wr_zone_list_init(&list);
    setup_init(&setup, ".", NULL, 0, &list);
    assert_int_equal(wr_zone_make(&setup.cf, WEIR_STR("m:128k"), &z), WEIR_OK);
    map = weir_map_claim(&setup.cf, z, "test/1", sizeof(uint64_t));
    assert_non_null(map);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    setup_fini(&setup);
    assert_true(wr_list_empty(&list.regions));
    return 0;
}

static weir_str
key_of(uint32_t i)
{
    return weir_print(&setup.pool, "key-%u", i);
}

static void
put(weir_str key, uint64_t value, uint64_t ttl)
{
    assert_int_equal(weir_map_put(map, key, &value, ttl), WEIR_OK);
}

/* The value of key, UINT64_MAX for none. */
static uint64_t
get(weir_str key)
{
    uint64_t value = 0;

    return weir_map_get(map, key, &value) == WEIR_OK ? value : UINT64_MAX;
}

static void
test_values_are_found_by_the_whole_key(void **state)
{
    (void)state;
    put(WEIR_STR("a"), 1, 0);
    put(WEIR_STR("a\0b"), 2, 0);
    put(WEIR_STR(""), 3, 0);
    assert_int_equal(get(WEIR_STR("a")), 1);
    assert_int_equal(get(WEIR_STR("a\0b")), 2);
    assert_int_equal(get(WEIR_STR("")), 3);
    assert_int_equal(get((weir_str){ NULL, 0 }), 3);
    assert_int_equal(get(WEIR_STR("A")), UINT64_MAX);
    put(WEIR_STR("a"), 4, 0);
    assert_int_equal(get(WEIR_STR("a")), 4);
    assert_int_equal(weir_map_count(map), 3);
    assert_int_equal(weir_map_remove(map, WEIR_STR("a")), WEIR_OK);
    assert_int_equal(weir_map_remove(map, WEIR_STR("a")), WEIR_ABSENT);
    assert_int_equal(get(WEIR_STR("a")), UINT64_MAX);
    assert_int_equal(weir_map_count(map), 2);
}

static void
test_an_entry_ends_with_its_time(void **state)
{
    (void)state;
    put(WEIR_STR("a"), 1, 50);
    put(WEIR_STR("b"), 2, UINT64_MAX);
    wr_clock.now_ms = 1049;
    assert_int_equal(get(WEIR_STR("a")), 1);
    wr_clock.now_ms = 1050;
    assert_int_equal(get(WEIR_STR("a")), UINT64_MAX);
    assert_int_equal(weir_map_count(map), 1);
    assert_int_equal(get(WEIR_STR("b")), 2);
}

static void
test_the_least_recently_used_makes_room(void **state)
{
    uint32_t n = 0;
    uint64_t full;

    (void)state;
    while (weir_map_evicted(map) == 0) {
        put(key_of(n), n, 0);
        n++;
        (void)get(key_of(0)); /* in use all the time */
    }
    full = weir_map_count(map);
    assert_true(full > 500); /* of 128k, at 64 to 96 bytes each */
    assert_int_equal(get(key_of(0)), 0);
    assert_int_equal(get(key_of(1)), UINT64_MAX);
    assert_int_equal(get(key_of(n - 1)), n - 1);
    for (uint32_t i = 0; i < 5000; i++) {
        put(key_of(n + i), i, 0);
    }
    assert_true(weir_map_count(map) >= full - 64);
}

static void
test_keys_over_64k_are_refused_and_large_ones_do_not_stop_it(void **state)
{
    static char large[70000];
    uint64_t value = 1;

    (void)state;
    memset(large, 'x', sizeof(large));
    assert_int_equal(weir_map_put(map, (weir_str){ large, 65537 }, &value, 0), WEIR_LIMIT);
    assert_int_equal(weir_map_put(map, (weir_str){ large, 40000 }, &value, 0), WEIR_OK);
    assert_int_equal(get((weir_str){ large, 40000 }), 1);
    for (uint32_t i = 0; i < 3000; i++) {
        put(key_of(i), i, 0);
    }
    assert_int_equal(get(key_of(2999)), 2999);
}

static int
add_one(void *data, void *value, bool is_new)
{
    *(bool *)data = is_new;
    *(uint64_t *)value += 1;
    return WEIR_OK;
}

static int
spoil(void *data, void *value, bool is_new)
{
    (void)data;
    (void)is_new;
    *(uint64_t *)value = 666;
    return WEIR_LIMIT;
}

static void
test_an_update_is_kept_only_when_it_says_ok(void **state)
{
    bool is_new = false;

    (void)state;
    assert_int_equal(weir_map_update(map, WEIR_STR("a"), 0, spoil, NULL), WEIR_LIMIT);
    assert_int_equal(get(WEIR_STR("a")), UINT64_MAX);
    assert_int_equal(weir_map_update(map, WEIR_STR("a"), 0, add_one, &is_new), WEIR_OK);
    assert_true(is_new);
    assert_int_equal(weir_map_update(map, WEIR_STR("a"), 0, add_one, &is_new), WEIR_OK);
    assert_false(is_new);
    assert_int_equal(weir_map_update(map, WEIR_STR("a"), 0, spoil, NULL), WEIR_LIMIT);
    assert_int_equal(get(WEIR_STR("a")), 2);
}

static void
test_no_update_of_several_processes_is_lost(void **state)
{
    enum { PROCESSES = 4, ROUNDS = 5000, KEYS = 7 };
    pid_t pids[PROCESSES];
    uint64_t sum = 0;

    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            bool is_new;
            for (uint32_t k = 0; k < ROUNDS; k++) {
                if (weir_map_update(map, key_of(k % KEYS), 0, add_one, &is_new) != WEIR_OK) {
                    _exit(1);
                }
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    for (uint32_t k = 0; k < KEYS; k++) {
        sum += get(key_of(k));
    }
    assert_int_equal(sum, PROCESSES * ROUNDS);
}

static int
die(void *data, void *value, bool is_new)
{
    (void)data;
    (void)value;
    (void)is_new;
    _exit(3);
}

static void
test_a_death_inside_empties_the_map_and_it_goes_on(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        put(key_of(i), i, 0);
    }
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)weir_map_update(map, key_of(5), 0, die, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_int_equal(get(key_of(7)), UINT64_MAX);
    assert_int_equal(weir_map_count(map), 0);
    for (uint32_t i = 0; i < 200; i++) {
        put(key_of(i), i + 1, 0);
    }
    assert_int_equal(get(key_of(7)), 8);
}

static void
test_a_reload_finds_the_same_map_and_another_value_size_does_not(void **state)
{
    struct setup again;
    weir_zone *z = NULL;

    (void)state;
    put(WEIR_STR("a"), 1, 0);
    setup_init(&again, ".", NULL, 0, &list);
    assert_int_equal(wr_zone_make(&again.cf, WEIR_STR("m:128k"), &z), WEIR_OK);
    assert_ptr_equal(weir_map_claim(&again.cf, z, "test/1", sizeof(uint64_t)), map);
    assert_null(weir_map_claim(&again.cf, z, "test/1", 4));
    said(&again, "is used for test/1");
    setup_fini(&again);
    setup_init(&again, ".", NULL, 0, &list);
    assert_int_equal(wr_zone_make(&again.cf, WEIR_STR("m:128k"), &z), WEIR_OK);
    assert_ptr_not_equal(weir_map_claim(&again.cf, z, "test/1", 4), map);
    setup_fini(&again);
    assert_int_equal(get(WEIR_STR("a")), 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_values_are_found_by_the_whole_key),
        CASE(test_an_entry_ends_with_its_time),
        CASE(test_the_least_recently_used_makes_room),
        CASE(test_keys_over_64k_are_refused_and_large_ones_do_not_stop_it),
        CASE(test_an_update_is_kept_only_when_it_says_ok),
        CASE(test_no_update_of_several_processes_is_lost),
        CASE(test_a_death_inside_empties_the_map_and_it_goes_on),
        CASE(test_a_reload_finds_the_same_map_and_another_value_size_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
