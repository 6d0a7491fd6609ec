/* http/explain_text.c - what `weir -M` says, for people.
 *
 *     server    example.com (weir.conf:20)   location /app/ (weir.conf:31)
 *     access    redis-access 0      redis_access sessions   weir.conf:33
 *     headers   csp 0 -> gzip 200   [not wanted here: headers, sub]
 */
#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "http/explain.h"

enum { COLUMN = 15 }; /* of what stands behind a line's first word */

/* A text that grows: made for an operator, from a configuration that was read whole before. */
struct text {
    char *data;
    size_t len, room;
};

static void __attribute__((format(printf, 2, 3))) say(struct text *t, const char *fmt, ...)
{
    va_list args;
    char *more = NULL;
    int n;

    va_start(args, fmt);
    n = vasprintf(&more, fmt, args);
    va_end(args);
    WR_ASSERT(n >= 0);
    if (t->room - t->len <= (size_t)n) {
        t->room = 2 * t->room + (size_t)n + 1024;
        t->data = realloc(t->data, t->room);
        WR_ASSERT(t->data != NULL);
    }
    memcpy(t->data + t->len, more, (size_t)n + 1);
    t->len += (size_t)n;
    free(more);
}

static const char *
string(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(o, key));

    return s != NULL ? s : "";
}

static int
number(const cJSON *o, const char *key)
{
    const cJSON *n = cJSON_GetObjectItem(o, key);

    return n != NULL ? n->valueint : 0;
}

static bool
is_true(const cJSON *o, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(o, key));
}

/* ---- Modules. ---- */

static void
say_names(struct text *t, const cJSON *module, const char *key)
{
    const cJSON *list = cJSON_GetObjectItem(module, key), *item;

    if (cJSON_GetArraySize(list) == 0) {
        return;
    }
    say(t, "    %-*s", COLUMN - 4, key);
    cJSON_ArrayForEach (item, list) {
        say(t, " %s", cJSON_GetStringValue(item));
    }
    say(t, "\n");
}

static void
say_hooks(struct text *t, const cJSON *module)
{
    const cJSON *list = cJSON_GetObjectItem(module, "hooks"), *hook;
    const char *between = "";

    if (cJSON_GetArraySize(list) == 0) {
        return;
    }
    say(t, "    %-*s ", COLUMN - 4, "hooks");
    cJSON_ArrayForEach (hook, list) {
        say(t, "%s%s %d", between, string(hook, "phase"), number(hook, "rank"));
        between = ", ";
    }
    say(t, "\n");
}

/* "    app1.example:8080      weight 2, backup: 192.0.2.1:8080 192.0.2.2:8080" */
static void
say_server(struct text *t, const cJSON *server)
{
    static const char *const marks[] = { "backup", "down", "drain", "resolve" };
    const cJSON *peer;

    say(t, "    %-*s weight %d", COLUMN - 4, string(server, "name"), number(server, "weight"));
    if (number(server, "max_conns") != 0) {
        say(t, ", max_conns %d", number(server, "max_conns"));
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        say(t, "%s%s", is_true(server, marks[i]) ? ", " : "",
            is_true(server, marks[i]) ? marks[i] : "");
    }
    say(t, ":");
    cJSON_ArrayForEach (peer, cJSON_GetObjectItem(server, "peers")) {
        say(t, " %s", peer->valuestring);
    }
    say(t, "\n");
}

static void
say_upstreams(struct text *t, const cJSON *root)
{
    const cJSON *u, *server;

    cJSON_ArrayForEach (u, cJSON_GetObjectItem(root, "upstreams")) {
        say(t, "\nupstream %s - %s", string(u, "name"), string(u, "method"));
        say(t, "%s%s", string(u, "beside")[0] != '\0' ? ", " : "", string(u, "beside"));
        say(t, "%s%s\n", is_true(u, "shared") ? ", shared by workers" : "",
            is_true(u, "checked") ? ", checked" : "");
        cJSON_ArrayForEach (server, cJSON_GetObjectItem(u, "servers")) {
            say_server(t, server);
        }
    }
}

static void
say_modules(struct text *t, const cJSON *root)
{
    const cJSON *m;

    say(t, "%s, module abi %s\n", string(root, "server"), string(root, "abi"));
    cJSON_ArrayForEach (m, cJSON_GetObjectItem(root, "modules")) {
        say(t, "\n%s %s", string(m, "name"), string(m, "version"));
        say(t, "%s%s\n", string(m, "summary")[0] != '\0' ? " - " : "", string(m, "summary"));
        if (is_true(m, "builtin")) {
            say(t, "    %-*s part of the server\n", COLUMN - 4, "file");
        } else {
            say(t, "    %-*s %s (built for abi %s, build-id %s)\n", COLUMN - 4, "file",
                string(m, "file"), string(m, "abi"), string(m, "build_id"));
        }
        say_hooks(t, m);
        say_names(t, m, "directives");
        say_names(t, m, "variables");
        say_names(t, m, "metrics");
        say_names(t, m, "interfaces");
    }
    say_upstreams(t, root);
    if (cJSON_GetArraySize(cJSON_GetObjectItem(root, "not_in_use")) != 0) {
        say(t, "\nnot used by this configuration:\n");
    }
    cJSON_ArrayForEach (m, cJSON_GetObjectItem(root, "not_in_use")) {
        say(t, "\n%s\n", string(m, "file"));
        say_names(t, m, "directives");
        say_names(t, m, "variables");
        say_names(t, m, "interfaces");
    }
}

/* ---- A request. ---- */

/* The directives that hold for a hook's module, one a line; the first goes on with the line begun.
 */
static void
say_because(struct text *t, const cJSON *hook)
{
    const cJSON *o;
    int indent = 0;

    cJSON_ArrayForEach (o, cJSON_GetObjectItem(hook, "because")) {
        say(t, "%*s%s   %s:%d\n", indent, "", string(o, "directive"), string(o, "file"),
            number(o, "line"));
        indent = COLUMN + 23;
    }
}

static void
say_others(struct text *t, const cJSON *phase)
{
    const cJSON *o;
    const char *between = "   [not wanted here: ";

    cJSON_ArrayForEach (o, cJSON_GetObjectItem(phase, "not_wanted")) {
        say(t, "%s%s", between, cJSON_GetStringValue(o));
        between = ", ";
    }
    say(t, between[0] == ',' ? "]\n" : "\n");
}

/* headers, body: all on one line, since it is their order that matters; then what each is there
 * for. */
static void
say_filters(struct text *t, const cJSON *phase)
{
    const cJSON *hook;
    const char *between = "";

    say(t, "%-*s", COLUMN, string(phase, "phase"));
    cJSON_ArrayForEach (hook, cJSON_GetObjectItem(phase, "hooks")) {
        say(t, "%s%s %d", between, string(hook, "module"), number(hook, "rank"));
        if (cJSON_IsFalse(cJSON_GetObjectItem(hook, "files"))) {
            say(t, " (memory)");
        }
        between = " -> ";
    }
    say_others(t, phase);
    cJSON_ArrayForEach (hook, cJSON_GetObjectItem(phase, "hooks")) {
        if (strcmp(string(phase, "phase"), "headers") == 0 &&
            cJSON_GetArraySize(cJSON_GetObjectItem(hook, "because")) != 0) {
            say(t, "%-*s%-22s ", COLUMN, "", string(hook, "module"));
            say_because(t, hook);
        }
    }
}

static void
say_handlers(struct text *t, const cJSON *phase)
{
    const char *name = string(phase, "phase");
    const cJSON *hook;
    char head[64];

    cJSON_ArrayForEach (hook, cJSON_GetObjectItem(phase, "hooks")) {
        (void)snprintf(head, sizeof(head), "%s %d", string(hook, "module"), number(hook, "rank"));
        if (cJSON_GetArraySize(cJSON_GetObjectItem(hook, "because")) == 0) {
            say(t, "%-*s%s\n", COLUMN, name, head);
        } else {
            say(t, "%-*s%-22s ", COLUMN, name, head);
            say_because(t, hook);
        }
        name = "";
    }
}

static void
say_place(struct text *t, const cJSON *o)
{
    if (string(o, "file")[0] != '\0') {
        say(t, " (%s:%d)", string(o, "file"), number(o, "line"));
    }
}

/* Why files do not go straight from the kernel to the client, if they do not. */
static void
say_sendfile(struct text *t, const cJSON *body)
{
    const cJSON *hook;

    cJSON_ArrayForEach (hook, cJSON_GetObjectItem(body, "hooks")) {
        if (!is_true(hook, "files")) {
            say(t, "%-*soff where %s reads the body\n", COLUMN, "sendfile", string(hook, "module"));
            return;
        }
    }
}

static void
say_request(struct text *t, const cJSON *root)
{
    const cJSON *server = cJSON_GetObjectItem(root, "server");
    const cJSON *location = cJSON_GetObjectItem(root, "location"), *phase;
    const char *name = string(server, "name");

    say(t, "%-*s%s", COLUMN, "server", name[0] != '\0' ? name : "(no name)");
    say_place(t, server);
    say(t, "\n%-*s", COLUMN, "location");
    if (strcmp(string(location, "kind"), "none") == 0) {
        say(t, "none: the server's own settings");
    } else {
        say(t, "%s   %s", string(location, "name"), string(location, "kind"));
        say_place(t, location);
    }
    say(t, "\n");
    cJSON_ArrayForEach (phase, cJSON_GetObjectItem(root, "phases")) {
        const char *p = string(phase, "phase");
        if (strcmp(p, "headers") == 0 || strcmp(p, "body") == 0) {
            say_filters(t, phase);
        } else {
            say_handlers(t, phase);
        }
        if (strcmp(p, "body") == 0) {
            say_sendfile(t, phase);
        }
    }
}

char *
wr_explain_text(const struct cJSON *tree)
{
    struct text t = { NULL, 0, 0 };

    if (cJSON_GetObjectItem(tree, "modules") != NULL) {
        say_modules(&t, tree);
    } else {
        say_request(&t, tree);
    }
    return t.data;
}
