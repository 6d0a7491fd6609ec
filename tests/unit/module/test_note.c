/* A module file is judged by its bytes and its writers before anything of it runs. */
#include "doubles.h"

#include <elf.h>
#include <weir/module.h>

#include "base/str.h"
#include "module/note.h"

/* The weir note's magic, with major and minor behind it. */
static uint8_t *
find_note(struct bytes b)
{
    static const uint8_t owner[] = { 'w', 'e', 'i', 'r', 0, 0, 0, 0, 'W', 'E', 'I', 'R' };
    uint8_t *at = memmem(b.data, b.len, owner, sizeof(owner));

    assert_non_null(at);
    return at + 8;
}

static Elf64_Phdr *
find_segment(struct bytes b, uint32_t type)
{
    Elf64_Ehdr *head = (Elf64_Ehdr *)(void *)b.data;
    Elf64_Phdr *p = (Elf64_Phdr *)(void *)(b.data + head->e_phoff);

    for (int i = 0; i < head->e_phnum; i++) {
        if (p[i].p_type == type) {
            return &p[i];
        }
    }
    fail();
    return NULL;
}

static Elf64_Dyn *
find_dynamic(struct bytes b, int64_t tag)
{
    Elf64_Phdr *s = find_segment(b, PT_DYNAMIC);
    Elf64_Dyn *d = (Elf64_Dyn *)(void *)(b.data + s->p_offset);

    for (size_t i = 0; i < s->p_filesz / sizeof(*d); i++) {
        if (d[i].d_tag == tag) {
            return &d[i];
        }
    }
    return NULL;
}

/* The bytes are refused, and the reason holds `part`. */
static void
refused(struct bytes b, const char *part)
{
    struct wr_note_info info = { .abi_major = 77 };
    struct wr_err err = { "" };

    assert_false(wr_note_check_bytes(b.data, b.len, &info, &err));
    if (strstr(err.text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, part);
    }
    assert_int_equal(info.abi_major, 77);
    free(b.data);
}

static void
test_a_module_passes_with_what_it_says_of_itself(void **state)
{
    struct bytes b = double_read("plain");
    struct wr_note_info info;
    struct wr_err err;

    (void)state;
    assert_true(wr_note_check_bytes(b.data, b.len, &info, &err));
    assert_int_equal(info.abi_major, WEIR_ABI_MAJOR);
    assert_int_equal(info.abi_minor, WEIR_ABI_MINOR);
    assert_int_equal(info.odd_exports, 0);
    free(b.data);
}

static void
test_a_library_without_a_note_is_refused(void **state)
{
    (void)state;
    refused(double_read("bare"), "no weir note");
}

static void
test_a_damaged_note_is_refused(void **state)
{
    struct bytes b = double_read("plain");

    (void)state;
    find_note(b)[0] = 'w';
    refused(b, "note is damaged");
}

static void
test_another_major_is_refused(void **state)
{
    struct bytes b = double_read("plain");

    (void)state;
    find_note(b)[4] = WEIR_ABI_MAJOR + 1;
    refused(b, "this server offers");
}

static void
test_a_draft_minor_must_be_equal(void **state)
{
    struct bytes older = double_read("plain"), newer = double_read("plain");

    (void)state;
    assert_int_equal(WEIR_ABI_MAJOR, 0);
    find_note(older)[6] = WEIR_ABI_MINOR - 1;
    refused(older, "built for weir ABI 0.");
    find_note(newer)[6] = WEIR_ABI_MINOR + 1;
    refused(newer, "built for weir ABI 0.");
}

static void
test_all_missing_functions_are_listed(void **state)
{
    struct bytes b = double_read("missing");
    struct wr_note_info info;
    struct wr_err err;

    (void)state;
    assert_false(wr_note_check_bytes(b.data, b.len, &info, &err));
    assert_non_null(strstr(err.text, "weir_not_there_either"));
    assert_non_null(strstr(err.text, "weir_not_there"));
    assert_null(strstr(err.text, "weir_now"));
    free(b.data);
}

static void
test_an_executable_stack_is_refused(void **state)
{
    struct bytes asked = double_read("plain"), unsaid = double_read("plain");

    (void)state;
    find_segment(asked, PT_GNU_STACK)->p_flags |= PF_X;
    refused(asked, "executable stack");
    find_segment(unsaid, PT_GNU_STACK)->p_type = PT_NULL;
    refused(unsaid, "stack");
}

static void
test_text_relocations_are_refused(void **state)
{
    struct bytes b = double_read("plain");
    Elf64_Dyn *d = find_dynamic(b, DT_SONAME);

    (void)state;
    if (d == NULL) {
        d = find_dynamic(b, DT_RELACOUNT);
    }
    assert_non_null(d);
    d->d_tag = DT_TEXTREL;
    refused(b, "changes its own code");
}

static void
test_another_machine_class_or_type_is_refused(void **state)
{
    struct bytes machine = double_read("plain"), class = double_read("plain"),
                 type = double_read("plain"), magic = double_read("plain");

    (void)state;
    ((Elf64_Ehdr *)(void *)machine.data)->e_machine = EM_PPC64;
    refused(machine, "another kind of machine");
    class.data[EI_CLASS] = ELFCLASS32;
    refused(class, "another kind of machine");
    ((Elf64_Ehdr *)(void *)type.data)->e_type = ET_EXEC;
    refused(type, "not a shared object");
    magic.data[1] = 'F';
    refused(magic, "not an ELF file");
}

static void
test_further_exports_are_named(void **state)
{
    struct bytes b = double_read("loud");
    struct wr_note_info info;
    struct wr_err err;

    (void)state;
    assert_true(wr_note_check_bytes(b.data, b.len, &info, &err));
    assert_int_equal(info.odd_exports, 1);
    assert_string_equal(info.odd_names, "loud_helper");
    free(b.data);
}

/* Cut anywhere, the file is refused or (behind what the linker needs) accepted, and never read past its end: the copy ends
 * where its memory ends. */
static void
test_no_cut_is_read_past_its_end(void **state)
{
    struct bytes b = double_read("plain");
    struct wr_note_info info;

    (void)state;
    for (size_t len = 0; len < b.len; len += len < 8192 ? 3 : 97) {
        uint8_t *cut = malloc(len + 1);
        memcpy(cut, b.data, len);
        (void)wr_note_check_bytes(cut, len, &info, NULL);
        free(cut);
    }
    free(b.data);
}

/* ---- Writers. ---- */

/* Is folder/m.so, with these modes and owner, refused for a reason that holds `part` (NULL: accepted)? */
static void
judge(mode_t file_mode, mode_t folder_mode, uid_t owner, const char *part)
{
    char *folder = folder_create();
    struct bytes b = double_read("plain");
    char *path = file_create(folder, "m.so", b);
    struct wr_note_info info;
    struct wr_err err = { "" };
    bool fine;

    assert_int_equal(chmod(path, file_mode), 0);
    assert_int_equal(chmod(folder, folder_mode), 0);
    if (owner != geteuid()) {
        assert_int_equal(chown(path, owner, (gid_t)-1), 0);
    }
    fine = wr_note_check(path, &info, &err);
    if (fine != (part == NULL) || (part != NULL && strstr(err.text, part) == NULL)) {
        fail_msg("%s, \"%s\" for modes %o %o", fine ? "accepted" : "refused", err.text, file_mode,
                 folder_mode);
    }
    free(path);
    free(b.data);
    folder_remove(folder);
}

static void
test_a_file_that_others_may_write_is_refused(void **state)
{
    (void)state;
    judge(0644, 0755, geteuid(), NULL);
    judge(0444, 0555, geteuid(), NULL);
    judge(0646, 0755, geteuid(), "everybody may write");
}

static void
test_a_folder_that_others_may_write_is_refused(void **state)
{
    (void)state;
    judge(0644, 0777, geteuid(), "everybody may write");
    judge(0644, 01777, geteuid(), NULL); /* sticky: what is ours there stays ours */
}

static void
test_a_stranger_s_file_is_refused(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        judge(0644, 0755, 54321, "belongs to user 54321");
    }
}

static void
test_what_is_no_file_is_refused(void **state)
{
    struct wr_note_info info;
    struct wr_err err;

    (void)state;
    assert_false(wr_note_check("/", &info, &err));
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_false(wr_note_check("/nonexistent/m.so", &info, &err));
    assert_non_null(strstr(err.text, "No such file"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_module_passes_with_what_it_says_of_itself),
        cmocka_unit_test(test_a_library_without_a_note_is_refused),
        cmocka_unit_test(test_a_damaged_note_is_refused),
        cmocka_unit_test(test_another_major_is_refused),
        cmocka_unit_test(test_a_draft_minor_must_be_equal),
        cmocka_unit_test(test_all_missing_functions_are_listed),
        cmocka_unit_test(test_an_executable_stack_is_refused),
        cmocka_unit_test(test_text_relocations_are_refused),
        cmocka_unit_test(test_another_machine_class_or_type_is_refused),
        cmocka_unit_test(test_further_exports_are_named),
        cmocka_unit_test(test_no_cut_is_read_past_its_end),
        cmocka_unit_test(test_a_file_that_others_may_write_is_refused),
        cmocka_unit_test(test_a_folder_that_others_may_write_is_refused),
        cmocka_unit_test(test_a_stranger_s_file_is_refused),
        cmocka_unit_test(test_what_is_no_file_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
