/* Images: the same contents once, replaced contents beside, refused files without a trace. */
#include "doubles.h"

#include <weir/conf.h>

#include <dlfcn.h>

#include "module/copy.h"
#include "module/loader.h"

static const struct wr_image *
load(const char *name)
{
    char *path = double_path(name);
    const struct wr_image *image = NULL;
    struct wr_err err = { "" };

    if (!wr_loader_load(path, NULL, &image, &err)) {
        fail_msg("%s: %s", name, err.text);
    }
    free(path);
    return image;
}

static void
refused(const char *path, const char *part)
{
    const struct wr_image *image = NULL;
    struct wr_err err = { "" };

    assert_false(wr_loader_load(path, NULL, &image, &err));
    assert_null(image);
    if (strstr(err.text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
    }
}

/* First of all: later tests do run that constructor. */
static void
test_no_code_runs_of_a_file_with_a_wrong_note(void **state)
{
    static const uint8_t owner[] = { 'w', 'e', 'i', 'r', 0, 0, 0, 0, 'W', 'E', 'I', 'R' };
    struct bytes b = double_read("plain");
    char *folder = folder_create();
    char *path;

    (void)state;
    ((uint8_t *)memmem(b.data, b.len, owner, sizeof(owner)))[14]++;
    path = file_create(folder, "plain.so", b);
    assert_int_equal(unsetenv("WEIR_DOUBLE_RAN"), 0);
    refused(path, "built for weir ABI");
    assert_null(getenv("WEIR_DOUBLE_RAN"));
    assert_int_equal(wr_loader_slots(), 0);
    free(path);
    free(b.data);
    folder_remove(folder);
}

static void
test_a_module_is_loaded_with_its_tables(void **state)
{
    const struct wr_image *image = load("plain");
    const weir_directive *d = image->module.directives.at;

    (void)state;
    assert_non_null(getenv("WEIR_DOUBLE_RAN"));
    assert_string_equal(image->module.name, "double.plain");
    assert_string_equal(image->module.version, "1.0");
    assert_int_equal(image->module.directives.count, 2);
    assert_string_equal(d[1].name, "double_size");
    assert_int_equal(image->module.self->slot, 0);
    assert_int_equal(wr_loader_slots(), 1);
    assert_ptr_equal(wr_loader_image_of(&image->module), image);
}

static void
test_the_same_contents_are_the_same_image(void **state)
{
    const struct wr_image *image = load("plain"), *again;
    struct bytes b = double_read("plain");
    char *folder = folder_create();
    char *path = file_create(folder, "other-name.so", b);
    struct wr_err err;

    (void)state;
    assert_ptr_equal(load("plain"), image);
    assert_true(wr_loader_load(path, NULL, &again, &err));
    assert_ptr_equal(again, image);
    assert_int_equal(wr_loader_slots(), 1);
    free(path);
    free(b.data);
    folder_remove(folder);
}

static void
test_a_replaced_file_is_a_second_image(void **state)
{
    struct bytes one = double_read("plain"), two = double_read("plain_two");
    char *folder = folder_create();
    char *path = file_create(folder, "m.so", one);
    const struct wr_image *first, *second, *back;
    struct wr_err err;

    (void)state;
    assert_true(wr_loader_load(path, NULL, &first, &err));
    free(path);
    path = file_create(folder, "m.so", two);
    assert_true(wr_loader_load(path, NULL, &second, &err));
    assert_ptr_not_equal(first, second);
    assert_string_equal(first->module.version, "1.0");
    assert_string_equal(second->module.version, "2.0");
    assert_int_not_equal(first->module.self->slot, second->module.self->slot);
    free(path);
    path = file_create(folder, "m.so", one);
    assert_true(wr_loader_load(path, NULL, &back, &err));
    assert_ptr_equal(back, first);
    free(path);
    free(one.data);
    free(two.data);
    folder_remove(folder);
}

static void
test_contents_can_be_demanded(void **state)
{
    const struct wr_image *image = load("plain"), *again = NULL;
    char *path = double_path("plain");
    char wrong[65];
    struct wr_err err;

    (void)state;
    assert_true(wr_loader_load(path, image->sha256, &again, &err));
    assert_ptr_equal(again, image);
    memcpy(wrong, image->sha256, sizeof(wrong));
    wrong[63] = wrong[63] == '0' ? '1' : '0';
    assert_false(wr_loader_load(path, wrong, &again, &err));
    assert_non_null(strstr(err.text, image->sha256));
    free(path);
}

static void
test_longer_rows_are_read_by_their_beginnings(void **state)
{
    const struct wr_image *image = load("newer");
    const weir_directive *d = image->module.directives.at;

    (void)state;
    assert_int_equal(image->module.directives.stride, sizeof(weir_directive));
    assert_int_equal(image->module.directives.count, 2);
    assert_string_equal(d[0].name, "double_first");
    assert_string_equal(d[1].name, "double_second");
    assert_int_equal(d[1].offset, 1);
    assert_string_equal(d[1].preset, "on");
}

static void
test_a_field_outside_the_struct_is_refused(void **state)
{
    char *path = double_path("outside");

    (void)state;
    refused(path, "\"double_outside\" does not fit");
    free(path);
}

static void
test_a_refused_file_is_not_among_the_images(void **state)
{
    uint32_t slots = wr_loader_slots();
    char *bare = double_path("bare"), *missing = double_path("missing");

    (void)state;
    refused(bare, "no weir note");
    refused(missing, "weir_not_there");
    assert_int_equal(wr_loader_slots(), slots);
    free(bare);
    free(missing);
}

static void
test_an_address_leads_to_its_module(void **state)
{
    const struct wr_image *image = load("plain");
    const weir_hook *h = image->module.hooks.at;
    uintptr_t a = 0, b = 0;
    const void *handler = (const void *)(uintptr_t)h[0].handler;

    (void)state;
    assert_string_equal(wr_loader_locate(handler, &a), "double.plain");
    assert_string_equal(wr_loader_locate(image->module.self, &b), "double.plain");
    assert_int_equal((uintptr_t)image->module.self - (uintptr_t)handler, b - a);
    assert_null(wr_loader_locate(&a, &a));
    assert_null(wr_loader_locate(NULL, &a));
}

static void
test_a_copy_can_be_linked_through_a_file_too(void **state)
{
    char *path = double_path("loud");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct wr_copy copy;
    struct wr_err err = { "" };
    const weir_module *entry;
    void *handle;

    (void)state;
    assert_true(fd >= 0);
    assert_false(wr_copy_open(fd, "loud.so", 1000, &copy, &err));
    assert_non_null(strstr(err.text, "larger than 1000 bytes"));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_true(wr_copy_open(fd, "loud.so", 1 << 24, &copy, &err));
    handle = wr_copy_link_file(&copy, &err);
    if (handle == NULL) {
        fail_msg("%s", err.text);
    }
    entry = dlsym(handle, "weir_module_entry");
    assert_non_null(entry);
    assert_string_equal(entry->name, "double.loud");
    assert_int_equal(close(fd), 0);
    wr_copy_unmap(&copy);
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_code_runs_of_a_file_with_a_wrong_note),
        cmocka_unit_test(test_a_module_is_loaded_with_its_tables),
        cmocka_unit_test(test_the_same_contents_are_the_same_image),
        cmocka_unit_test(test_a_replaced_file_is_a_second_image),
        cmocka_unit_test(test_contents_can_be_demanded),
        cmocka_unit_test(test_longer_rows_are_read_by_their_beginnings),
        cmocka_unit_test(test_a_field_outside_the_struct_is_refused),
        cmocka_unit_test(test_a_refused_file_is_not_among_the_images),
        cmocka_unit_test(test_an_address_leads_to_its_module),
        cmocka_unit_test(test_a_copy_can_be_linked_through_a_file_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
