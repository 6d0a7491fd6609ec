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
    { .phase = WEIR_PHASE_REWRITE, .handler = handler, .wanted = wanted },
    { .phase = WEIR_PHASE_ACCESS, .rank = 5, .handler = handler, .wanted = wanted },
    { .phase = WEIR_PHASE_BODY, .body = filter, .wanted = wanted },
};

/* It would lead /early to /late, and says so of its phase. */
static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    assert_true(((const struct mod *)conf)->on);
    weir_explain_say(to, "phase %u, path %.*s", (unsigned)phase, WEIR_FMT(r->path));
    if (phase == WEIR_PHASE_REWRITE && weir_str_eq(r->path, WEIR_STR("/early"))) {
        assert_int_equal(weir_rewrite(r, WEIR_STR("/late"), WEIR_STR("a=b")), WEIR_OK);
    }
    if (phase == WEIR_PHASE_REWRITE && weir_str_eq(r->path, WEIR_STR("/round"))) {
        assert_int_equal(weir_rewrite(r, WEIR_STR("/round"), WEIR_STR("")), WEIR_OK);
    }
}

static const weir_module mod = { WR_BUILTIN(&mod_self, "mod"), .conf_size = sizeof(struct mod),
                                 .directives = WEIR_ITEMS(mod_rows), .hooks = WEIR_ITEMS(mod_hooks),
                                 .explain = explain };

/* What is said about target at host; "" when nothing is. */
static const char *
said(struct site *s, const char *target, const char *host, bool json)
{
    static char text[65536];
    const struct wr_question q = { .target = weir_str_c(target), .host = weir_str_c(host) };
    int fd = memfd_create("said", MFD_CLOEXEC);
    ssize_t n;

    text[0] = '\0';
    if (wr_http_explain(s->home.http, &q, json, fd)) {
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
test_servers_are_said_to_be_found_by_a_name(void **state)
{
    static const char names[] = "server { listen 80; server_name first; }\n"
                                "server { listen 80; server_name x.test *.a.test mail.*; }\n"
                                "server { listen 80; server_name ~^re; }\n"
                                "server { listen 81; server_name only; }";
    static const char *const cases[][2] = {
        { "nobody", "by none of the names: it is the default server at 0.0.0.0:80" },
        { "x.test", "by its name \"x.test\" at 0.0.0.0:80" },
        { "w.a.test", "by its wildcard \"*.a.test\" at" },
        { "mail.b", "by its wildcard \"mail.*\" at" },
        { "read.c", "by its regular expression \"~^re\" at" },
        { "nobody:81", "whatever the host is: it is the only server at 0.0.0.0:81" },
    };
    struct site s;

    (void)state;
    site_must(&s, site_load(&s, names));
    for (size_t i = 0; i < WR_COUNT(cases); i++) {
        assert_non_null(strstr(said(&s, "/", cases[i][0], false), cases[i][1]));
    }
    site_fini(&s);
}

/* In order of trial: what is inside the longest prefix, then regular expressions. */
static void
test_locations_that_lost_are_named_with_the_reason(void **state)
{
    struct site s;
    const char *text;

    (void)state;
    site_must(&s, site_load_server(&s, "location / { } location /a/ { location /a/b/ { } }\n"
                                       "location ~ \\.x$ { } location ~ \\.y$ { } location ~ y { }\n"
                                       "location ^~ /f/ { } location = /a/ { }"));
    text = said(&s, "/a/b/c.y", "h", false);
    assert_non_null(strstr(
        text, "               - prefix /a/ (a.conf:3): the longest prefix of the path, but another goes before it\n"
              "               - prefix / (a.conf:3): a shorter prefix of the path\n"
              "               - prefix /a/b/ (a.conf:3): the longest prefix of the path, but another goes before it\n"
              "               - regex \\.x$ (a.conf:4): does not match\n"
              "               > regex \\.y$ (a.conf:4): matches, and goes before prefixes\n"
              "               - regex y (a.conf:4): not tried: one before it matches\n"));
    text = said(&s, "/f/c.y", "h", false);
    assert_non_null(strstr(text, "> ^~ /f/ (a.conf:5): the longest prefix of the path\n"));
    assert_non_null(strstr(text, "- regex \\.x$ (a.conf:4): not tried: \"^~\" ends the search\n"));
    assert_non_null(strstr(said(&s, "/a/", "h", false), "> exact /a/ (a.conf:5): it is the path: the search ends\n"));
    site_fini(&s);
}

static void
test_modules_say_what_they_would_do(void **state)
{
    struct site s;
    const char *text;

    (void)state;
    site_must(&s, site_load_server(&s, "mod on;\nlocation /early { } location /late { mod off; }\n"
                                       "location /round { } location /in { internal; }"));
    text = said(&s, "/early", "h", false);
    assert_non_null(strstr(text, "rewritten      to /late?a=b by location /early (a.conf:4)\n"));
    assert_non_null(strstr(text, "phase 4, path /early\n"));
    assert_non_null(strstr(text, "location       /late   prefix (a.conf:4)\n"));
    assert_null(strstr(text, "phase 7"));
    assert_non_null(strstr(said(&s, "/x", "h", false), "phase 7, path /x\n"));
    assert_non_null(strstr(said(&s, "/round", "h", false), "over and over: the answer is 500\n"));
    assert_non_null(strstr(said(&s, "/in", "h", false), "answer         404, by \"internal\": clients cannot ask for it\n"));
    site_fini(&s);
}

static void
test_settings_and_what_keeps_files_from_the_kernel_are_said(void **state)
{
    struct site s;
    const char *text;

    (void)state;
    site_must(&s, site_load_server(&s, "root /r; error_page 404 /a; error_page 500 /b;\n"
                                       "location / { sendfile off; client_max_body_size 1m; }"));
    text = said(&s, "/", "h", false);
    assert_non_null(strstr(text, "settings       error_page 404 /a   a.conf:3\n"
                                 "               error_page 500 /b   a.conf:3\n"));
    assert_non_null(strstr(text, "               root /r   a.conf:3\n"));
    assert_non_null(strstr(text, "client_max_body_size 1m   a.conf:4\n"));
    assert_non_null(strstr(text, "sendfile       off: \"sendfile off\"\n"));
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
    assert_non_null(strstr(text, "    hooks       rewrite 0, access 5, body 0\n"));
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
        cmocka_unit_test(test_servers_are_said_to_be_found_by_a_name),
        cmocka_unit_test(test_locations_that_lost_are_named_with_the_reason),
        cmocka_unit_test(test_modules_say_what_they_would_do),
        cmocka_unit_test(test_settings_and_what_keeps_files_from_the_kernel_are_said),
        cmocka_unit_test(test_modules_are_listed_with_their_tables),
    };

    site_extra[0] = &mod;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
