/* The command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/assert.h"
#include "process/options.h"

static struct wr_options o;
static struct wr_err err;

static bool
parse(const char *const *words)
{
    char *argv[16] = { (char *)"weir" };
    int argc = 1;

    while (words[argc - 1] != NULL) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
        argc++;
    }
    err.text[0] = '\0';
    return wr_options_parse(argc, argv, &o, &err);
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

static void
test_letters_and_arguments_may_be_joined(void **state)
{
    (void)state;
    assert_true(PARSE("-tq", "-c/etc/x", "-p", "/srv/", "-estderr", "-g", "daemon off;"));
    assert_true(o.test && o.quiet && !o.dump);
    assert_string_equal(o.conf, "/etc/x");
    assert_string_equal(o.prefix, "/srv/");
    assert_string_equal(o.error_log, "stderr");
    assert_string_equal(o.globals, "daemon off;");
    assert_true(PARSE("-Tqcx"));
    assert_true(o.test && o.dump && o.quiet);
    assert_string_equal(o.conf, "x");
}

static void
test_help_and_build_also_show_the_version(void **state)
{
    (void)state;
    assert_true(PARSE("-h") && o.help && o.version);
    assert_true(PARSE("-?") && o.help);
    assert_true(PARSE("-V") && o.build && o.version);
    assert_true(PARSE("-v") && o.version && !o.build);
}

static void
test_signals_are_four(void **state)
{
    (void)state;
    assert_true(PARSE("-s", "stop"));
    assert_true(PARSE("-squit"));
    assert_true(PARSE("-s", "reopen"));
    assert_true(PARSE("-s", "reload"));
    assert_string_equal(o.signal, "reload");
    assert_false(PARSE("-s", "dance"));
    assert_string_equal(err.text, "invalid option: \"-s dance\"");
}

static void
test_explain_takes_a_target_and_a_host(void **state)
{
    (void)state;
    assert_true(PARSE("-M"));
    assert_true(o.explain && o.target == NULL);
    assert_true(PARSE("-M", "/app/x", "example.com", "--json"));
    assert_string_equal(o.target, "/app/x");
    assert_string_equal(o.host, "example.com");
    assert_true(o.json);
    assert_false(PARSE("-M", "a", "b", "c"));
}

static void
test_the_request_that_is_explained_takes_fields_method_and_client(void **state)
{
    (void)state;
    assert_true(PARSE("-M", "/", "-H", "A: b", "-HC: d", "--method", "PUT", "--client", "::1"));
    assert_int_equal(o.n_fields, 2);
    assert_string_equal(o.fields[0], "A: b");
    assert_string_equal(o.fields[1], "C: d");
    assert_string_equal(o.method, "PUT");
    assert_string_equal(o.client, "::1");
    assert_false(PARSE("-M", "/", "-H"));
}

static void
test_what_is_no_option_is_refused_and_named(void **state)
{
    static const struct {
        const char *words[3];
        const char *reason;
    } bad[] = {
        { { "-Z" }, "invalid option: \"Z\"" },
        { { "-tZ" }, "invalid option: \"Z\"" },
        { { "-" }, "invalid option: \"-\"" },
        { { "start" }, "invalid option: \"start\"" },
        { { "--fast" }, "invalid option: \"--fast\"" },
        { { "-c" }, "option \"-c\" requires file name" },
        { { "-p" }, "option \"-p\" requires directory name" },
        { { "-e" }, "option \"-e\" requires file name" },
        { { "-g" }, "option \"-g\" requires parameter" },
        { { "-s" }, "option \"-s\" requires parameter" },
        { { "-c", "" }, "option \"-c\" requires file name" },
        { { "--check-module" }, "option \"--check-module\" requires file name" },
    };

    (void)state;
    for (size_t i = 0; i < WR_COUNT(bad); i++) {
        o.quiet = true;
        assert_false(parse(bad[i].words));
        assert_string_equal(err.text, bad[i].reason);
        assert_true(o.quiet); /* untouched */
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_and_arguments_may_be_joined),
        cmocka_unit_test(test_help_and_build_also_show_the_version),
        cmocka_unit_test(test_signals_are_four),
        cmocka_unit_test(test_explain_takes_a_target_and_a_host),
        cmocka_unit_test(test_the_request_that_is_explained_takes_fields_method_and_client),
        cmocka_unit_test(test_what_is_no_option_is_refused_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
