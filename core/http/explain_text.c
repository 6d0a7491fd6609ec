/* http/explain_text.c - what `weir -M` says, for people: the growing text, and what modules there
 * are. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "http/explain.h"

void
wr_explain_print(struct wr_explain_text *t, const char *fmt, ...)
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

const char *
wr_explain_string(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(o, key));

    return s != NULL ? s : "";
}

int
wr_explain_number(const cJSON *o, const char *key)
{
    const cJSON *n = cJSON_GetObjectItem(o, key);

    return n != NULL ? n->valueint : 0;
}

bool
wr_explain_is(const cJSON *o, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(o, key));
}

/* ---- Modules. ---- */

static void
say_names(struct wr_explain_text *t, const cJSON *module, const char *key)
{
    const cJSON *list = cJSON_GetObjectItem(module, key), *item;

    if (cJSON_GetArraySize(list) == 0) {
        return;
    }
    wr_explain_print(t, "    %-*s", WR_EXPLAIN_COLUMN - 4, key);
    cJSON_ArrayForEach (item, list) {
        wr_explain_print(t, " %s", cJSON_GetStringValue(item));
    }
    wr_explain_print(t, "\n");
}

static void
say_hooks(struct wr_explain_text *t, const cJSON *module)
{
    const cJSON *list = cJSON_GetObjectItem(module, "hooks"), *hook;
    const char *between = "";

    if (cJSON_GetArraySize(list) == 0) {
        return;
    }
    wr_explain_print(t, "    %-*s ", WR_EXPLAIN_COLUMN - 4, "hooks");
    cJSON_ArrayForEach (hook, list) {
        wr_explain_print(t, "%s%s %d", between, wr_explain_string(hook, "phase"),
                         wr_explain_number(hook, "rank"));
        between = ", ";
    }
    wr_explain_print(t, "\n");
}

/* "    app1.example:8080      weight 2, backup: 192.0.2.1:8080 192.0.2.2:8080" */
static void
say_server(struct wr_explain_text *t, const cJSON *server)
{
    static const char *const marks[] = { "backup", "down", "drain", "resolve" };
    const cJSON *peer;

    wr_explain_print(t, "    %-*s weight %d", WR_EXPLAIN_COLUMN - 4,
                     wr_explain_string(server, "name"), wr_explain_number(server, "weight"));
    if (wr_explain_number(server, "max_conns") != 0) {
        wr_explain_print(t, ", max_conns %d", wr_explain_number(server, "max_conns"));
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        wr_explain_print(t, "%s%s", wr_explain_is(server, marks[i]) ? ", " : "",
                         wr_explain_is(server, marks[i]) ? marks[i] : "");
    }
    wr_explain_print(t, ":");
    cJSON_ArrayForEach (peer, cJSON_GetObjectItem(server, "peers")) {
        wr_explain_print(t, " %s", peer->valuestring);
    }
    wr_explain_print(t, "\n");
}

static void
say_upstreams(struct wr_explain_text *t, const cJSON *root)
{
    const cJSON *u, *server;

    cJSON_ArrayForEach (u, cJSON_GetObjectItem(root, "upstreams")) {
        wr_explain_print(t, "\nupstream %s - %s", wr_explain_string(u, "name"),
                         wr_explain_string(u, "method"));
        wr_explain_print(t, "%s%s", wr_explain_string(u, "beside")[0] != '\0' ? ", " : "",
                         wr_explain_string(u, "beside"));
        wr_explain_print(t, "%s%s\n", wr_explain_is(u, "shared") ? ", shared by workers" : "",
                         wr_explain_is(u, "checked") ? ", checked" : "");
        cJSON_ArrayForEach (server, cJSON_GetObjectItem(u, "servers")) {
            say_server(t, server);
        }
    }
}

static void
say_modules(struct wr_explain_text *t, const cJSON *root)
{
    const cJSON *m;

    wr_explain_print(t, "%s, module abi %s\n", wr_explain_string(root, "server"),
                     wr_explain_string(root, "abi"));
    cJSON_ArrayForEach (m, cJSON_GetObjectItem(root, "modules")) {
        wr_explain_print(t, "\n%s %s", wr_explain_string(m, "name"),
                         wr_explain_string(m, "version"));
        wr_explain_print(t, "%s%s\n", wr_explain_string(m, "summary")[0] != '\0' ? " - " : "",
                         wr_explain_string(m, "summary"));
        if (wr_explain_is(m, "builtin")) {
            wr_explain_print(t, "    %-*s part of the server\n", WR_EXPLAIN_COLUMN - 4, "file");
        } else {
            wr_explain_print(t, "    %-*s %s (built for abi %s, build-id %s)\n",
                             WR_EXPLAIN_COLUMN - 4, "file", wr_explain_string(m, "file"),
                             wr_explain_string(m, "abi"), wr_explain_string(m, "build_id"));
        }
        say_hooks(t, m);
        say_names(t, m, "directives");
        say_names(t, m, "variables");
        say_names(t, m, "metrics");
        say_names(t, m, "interfaces");
    }
    say_upstreams(t, root);
    if (cJSON_GetArraySize(cJSON_GetObjectItem(root, "not_in_use")) != 0) {
        wr_explain_print(t, "\nnot used by this configuration:\n");
    }
    cJSON_ArrayForEach (m, cJSON_GetObjectItem(root, "not_in_use")) {
        wr_explain_print(t, "\n%s\n", wr_explain_string(m, "file"));
        say_names(t, m, "directives");
        say_names(t, m, "variables");
        say_names(t, m, "interfaces");
    }
}

char *
wr_explain_text(const struct cJSON *tree)
{
    struct wr_explain_text t = { NULL, 0, 0 };

    if (cJSON_GetObjectItem(tree, "modules") != NULL) {
        say_modules(&t, tree);
    } else {
        wr_explain_print_request(&t, tree);
    }
    return t.data;
}
