/* Zones are shared, outlive configurations that agree on them, and survive processes that die. */
#include "registry_setup.h"

#include <sys/wait.h>

#include "module/zone.h"

static int freshened;

static void *
fresh(void *data, weir_zone *z)
{
    freshened++;
    return weir_zone_alloc(z, *(const size_t *)data);
}

static const size_t small = 64;

static weir_zone *
claim(struct setup *s, const char *text, const char *layout)
{
    weir_zone *z = NULL;

    assert_int_equal(wr_zone_make(&s->cf, weir_str_c(text), &z), WEIR_OK);
    assert_int_equal(weir_zone_claim(&s->cf, z, layout, fresh, (void *)&small), WEIR_OK);
    return z;
}

static void
test_a_reload_keeps_a_zone_of_the_same_name_layout_and_size(void **state)
{
    struct wr_zone_list list;
    struct setup old, new;
    uint64_t *root;
    weir_zone *z;

    (void)state;
    wr_zone_list_init(&list);
    freshened = 0;
    setup_init(&old, ".", NULL, 0, &list);
    root = weir_zone_root(claim(&old, "a:64k", "test/1"));
    *root = 17;
    setup_init(&new, ".", NULL, 0, &list);
    z = claim(&new, "a:64k", "test/1");
    assert_int_equal(freshened, 1);
    setup_fini(&old);
    assert_ptr_equal(weir_zone_root(z), root);
    assert_int_equal(*root, 17);
    setup_fini(&new);
    assert_true(wr_list_empty(&list.regions));
}

static void
test_another_layout_or_size_begins_afresh_beside_the_old(void **state)
{
    struct wr_zone_list list;
    struct setup old, layout, size;
    uint64_t *root;

    (void)state;
    wr_zone_list_init(&list);
    freshened = 0;
    setup_init(&old, ".", NULL, 0, &list);
    setup_init(&layout, ".", NULL, 0, &list);
    setup_init(&size, ".", NULL, 0, &list);
    root = weir_zone_root(claim(&old, "a:64k", "test/1"));
    *root = 17;
    assert_ptr_not_equal(weir_zone_root(claim(&layout, "a:64k", "test/2")), root);
    assert_ptr_not_equal(weir_zone_root(claim(&size, "a:128k", "test/1")), root);
    assert_int_equal(freshened, 3);
    setup_fini(&size);
    setup_fini(&layout);
    assert_int_equal(*root, 17);
    setup_fini(&old);
}

static void
test_a_zone_has_one_layout_in_a_configuration(void **state)
{
    struct wr_zone_list list;
    struct setup s;
    weir_zone *z;

    (void)state;
    wr_zone_list_init(&list);
    setup_init(&s, ".", NULL, 0, &list);
    z = claim(&s, "a:64k", "test/1");
    assert_ptr_equal(claim(&s, "a", "test/1"), z);
    assert_int_equal(weir_zone_claim(&s.cf, z, "other/1", fresh, (void *)&small), WEIR_INVALID);
    said(&s, "is used for test/1 already");
    setup_fini(&s);
}

static void
test_names_and_sizes_are_checked(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "", "invalid zone name" },  { ":10m", "invalid zone name" }, { "a:", "invalid zone size" },
        { "a:x", "invalid zone size" }, { "a:31k", "too small" },      { "b:128k", "another size" },
    };
    struct wr_zone_list list;
    struct setup s;
    weir_zone *z = NULL;

    (void)state;
    wr_zone_list_init(&list);
    setup_init(&s, ".", NULL, 0, &list);
    assert_int_equal(wr_zone_make(&s.cf, WEIR_STR("b:64k"), &z), WEIR_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(wr_zone_make(&s.cf, weir_str_c(cases[i].text), &z), WEIR_ERROR);
        said(&s, cases[i].why);
    }
    assert_true(wr_zone_check(&s.reg, &s.diag));
    assert_int_equal(wr_zone_make(&s.cf, WEIR_STR("c"), &z), WEIR_OK);
    assert_int_equal(weir_zone_claim(&s.cf, z, "test/1", fresh, (void *)&small), WEIR_ERROR);
    assert_false(wr_zone_check(&s.reg, &s.diag));
    said(&s, "\"c\" is nowhere given a size");
    setup_fini(&s);
}

static void
test_a_zone_that_is_too_small_for_its_contents_is_told(void **state)
{
    static const size_t large = 1 << 20;
    struct wr_zone_list list;
    struct setup s;
    weir_zone *z = NULL;

    (void)state;
    wr_zone_list_init(&list);
    setup_init(&s, ".", NULL, 0, &list);
    assert_int_equal(wr_zone_make(&s.cf, WEIR_STR("a:64k"), &z), WEIR_OK);
    assert_int_equal(weir_zone_claim(&s.cf, z, "test/1", fresh, (void *)&large), WEIR_ERROR);
    said(&s, "too small for test/1");
    assert_true(wr_list_empty(&list.regions));
    setup_fini(&s);
}

/* Run fn(z) in a process of its own, which ends without giving anything back. */
static void
in_child(void (*fn)(weir_zone *z), weir_zone *z)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fn(z);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
write_root(weir_zone *z)
{
    *(uint64_t *)weir_zone_root(z) = 99;
}

static void
die_locked(weir_zone *z)
{
    (void)weir_zone_lock(z);
}

static void
test_processes_see_one_another_s_writes(void **state)
{
    struct wr_zone_list list;
    struct setup s;
    weir_zone *z;

    (void)state;
    wr_zone_list_init(&list);
    setup_init(&s, ".", NULL, 0, &list);
    z = claim(&s, "a:64k", "test/1");
    in_child(write_root, z);
    assert_int_equal(*(uint64_t *)weir_zone_root(z), 99);
    setup_fini(&s);
}

static void
test_a_holder_s_death_is_told_once(void **state)
{
    struct wr_zone_list list;
    struct setup s;
    weir_zone *z;

    (void)state;
    wr_zone_list_init(&list);
    setup_init(&s, ".", NULL, 0, &list);
    z = claim(&s, "a:64k", "test/1");
    write_root(z);
    in_child(die_locked, z);
    assert_int_equal(weir_zone_lock(z), WEIR_CLOSED);
    freshened = 0;
    weir_zone_reset(z);
    assert_int_equal(freshened, 1);
    assert_int_equal(*(uint64_t *)weir_zone_root(z), 0);
    weir_zone_unlock(z);
    assert_int_equal(weir_zone_lock(z), WEIR_OK);
    weir_zone_unlock(z);
    setup_fini(&s);
}

static void
test_memory_can_be_had_after_a_death_under_the_lock(void **state)
{
    struct wr_zone_list list;
    struct setup s;
    weir_zone *z;
    uint64_t used;
    void *p;

    (void)state;
    wr_zone_list_init(&list);
    setup_init(&s, ".", NULL, 0, &list);
    z = claim(&s, "a:64k", "test/1");
    (void)weir_zone_lock(z);
    p = weir_zone_alloc(z, 1000);
    used = weir_zone_used(z);
    weir_zone_unlock(z);
    in_child(die_locked, z);
    assert_int_equal(weir_zone_lock(z), WEIR_CLOSED);
    assert_int_equal(weir_zone_used(z), used);
    weir_zone_free(z, p);
    assert_true(weir_zone_used(z) < used);
    assert_non_null(weir_zone_alloc(z, 1000));
    weir_zone_unlock(z);
    setup_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reload_keeps_a_zone_of_the_same_name_layout_and_size),
        cmocka_unit_test(test_another_layout_or_size_begins_afresh_beside_the_old),
        cmocka_unit_test(test_a_zone_has_one_layout_in_a_configuration),
        cmocka_unit_test(test_names_and_sizes_are_checked),
        cmocka_unit_test(test_a_zone_that_is_too_small_for_its_contents_is_told),
        cmocka_unit_test(test_processes_see_one_another_s_writes),
        cmocka_unit_test(test_a_holder_s_death_is_told_once),
        cmocka_unit_test(test_memory_can_be_had_after_a_death_under_the_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
