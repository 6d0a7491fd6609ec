/* weir -M: the server and location of a URL, the hooks that run there and why. */
#include "site.h"

#include <cjson/cJSON.h>
#include <sys/mman.h>
#include <unistd.h>

struct mod {
    bool on;
};

static weir_self mod_self = WR_SELF;
static const weir_directive mod_rows[] = {
    WEIR_OPT(struct mod, on, FLAG, "mod", WEIR_IN_ANY, "off", "on or off"),
};

static bool
wanted(const void *conf)
{
    return ((const struct mod *)conf)->on;
}

static int
handler(weir_request *r, const void *conf)
{
    (void)r;
    (void)conf;
    return WEIR_NEXT;
}

static int
filter(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)r;
    (void)conf;
    weir_chain_take(out, in);
    return WEIR_NEXT;
}

static const weir_hook mod_hooks[] = {
    { .phase = WEIR_PHASE_ACCESS, .rank = 5, .handler = handler, .wanted = wanted },
    { .phase = WEIR_PHASE_BODY, .body = filter, .wanted = wanted },
};
static const weir_module mod = { WR_BUILTIN(&mod_self, "mod"), .conf_size = sizeof(struct mod),
                                 .directives = WEIR_ITEMS(mod_rows), .hooks = WEIR_ITEMS(mod_hooks) };

/* What is said about target at host; "" when nothing is. */
static const char *
said(struct site *s, const char *target, const char *host, bool json)
{
    static char text[65536];
    int fd = memfd_create("said", MFD_CLOEXEC);
    ssize_t n;

    text[0] = '\0';
    if (wr_http_explain(s->home.http, weir_str_c(target), weir_str_c(host), json, fd)) {
        n = pread(fd, text, sizeof(text) - 1, 0);
        assert_true(n > 0);
        text[n] = '\0';
    }
    close(fd);
    return text;
}

static const char conf[] = "mod on;\n"
                           "server { listen 80; server_name a.test; location /app/ { } \n"
                           "  location /off/ {\n mod off; } location ~ \\.php$ { } }\n"
                           "server { listen 80; server_name ~^(?<x>re)\\.; }\n"
                           "server { listen 81; server_name b.test; }\n";

static void
test_text_names_server_location_and_hooks(void **state)
{
    struct site s;
    const char *text;

    (void)state;
    site_must(&s, site_load(&s, conf));
    text = said(&s, "/app/x", "a.test", false);
    assert_non_null(strstr(text, "server         a.test (a.conf:3)\n"));
    assert_non_null(strstr(text, "location       /app/   prefix (a.conf:3)\n"));
    assert_non_null(strstr(text, "access         mod 5                  mod on   a.conf:2\n"));
    assert_non_null(strstr(text, "mod 0 (memory)"));
    assert_non_null(strstr(text, "sendfile       off where mod reads the body\n"));
    text = said(&s, "/off/", "a.test", false);
    assert_null(strstr(text, "access"));
    assert_non_null(strstr(text, "not wanted here: mod"));
    site_fini(&s);
}

static void
test_host_port_and_path_choose_as_for_a_request(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, conf));
    assert_non_null(strstr(said(&s, "http://A.test/x/../app/%79", NULL, false), "/app/   prefix"));
    assert_non_null(strstr(said(&s, "http://nobody:81/", NULL, false), "b.test"));
    assert_non_null(strstr(said(&s, "/x.php", "a.test", false), "regex"));
    assert_non_null(strstr(said(&s, "/", "re.test", false), "none: the server's own settings"));
    assert_non_null(strstr(said(&s, "/", "re.test", false), "a.conf:6"));
    site_fini(&s);
}

static void
test_what_no_request_could_be_is_refused(void **state)
{
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, conf));
    assert_string_equal(said(&s, "http://a:99/", NULL, false), "");
    assert_string_equal(said(&s, "x", NULL, false), "");
    assert_string_equal(said(&s, "/%zz", NULL, false), "");
    assert_string_equal(said(&s, "/../..", NULL, false), "");
    assert_string_equal(said(&s, "http://a b/", NULL, false), "");
    site_fini(&s);
}

static void
test_json_says_the_same(void **state)
{
    struct site s;
    cJSON *tree, *phase, *hook = NULL;

    (void)state;
    site_must(&s, site_load(&s, conf));
    tree = cJSON_Parse(said(&s, "/app/x", "a.test", true));
    assert_non_null(tree);
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "location"), "name")->valuestring,
                        "/app/");
    cJSON_ArrayForEach (phase, cJSON_GetObjectItem(tree, "phases")) {
        if (strcmp(cJSON_GetObjectItem(phase, "phase")->valuestring, "access") == 0) {
            hook = cJSON_GetArrayItem(cJSON_GetObjectItem(phase, "hooks"), 0);
        }
    }
    assert_string_equal(cJSON_GetObjectItem(hook, "module")->valuestring, "mod");
    hook = cJSON_GetArrayItem(cJSON_GetObjectItem(hook, "because"), 0);
    assert_int_equal(cJSON_GetObjectItem(hook, "line")->valueint, 2);
    cJSON_Delete(tree);
    site_fini(&s);
}

static void
test_modules_are_listed_with_their_tables(void **state)
{
    struct site s;
    cJSON *tree;
    const char *text;

    (void)state;
    site_must(&s, site_load(&s, conf));
    text = said(&s, NULL, NULL, false);
    assert_non_null(strstr(text, "\nmod 1.0\n"));
    assert_non_null(strstr(text, "    hooks       access 5, body 0\n"));
    assert_non_null(strstr(text, "    directives  mod\n"));
    tree = cJSON_Parse(said(&s, NULL, NULL, true));
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(tree, "modules")) > 5);
    cJSON_Delete(tree);
    site_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_names_server_location_and_hooks),
        cmocka_unit_test(test_host_port_and_path_choose_as_for_a_request),
        cmocka_unit_test(test_what_no_request_could_be_is_refused),
        cmocka_unit_test(test_json_says_the_same),
        cmocka_unit_test(test_modules_are_listed_with_their_tables),
    };

    site_extra[0] = &mod;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
