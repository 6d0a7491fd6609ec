/* http/explain_text_request.c - the course of a request, for people.
 *
 *     server         example.com (weir.conf:20)
 *                    by its exact name "example.com" at 0.0.0.0:80
 *     location       /app/   prefix (weir.conf:31)
 *     access         redis-access 0         redis_access sessions   weir.conf:33
 *     headers        csp 0 -> gzip 200   [not wanted here: headers, sub]
 */
#include <stdio.h>
#include <string.h>

#include "http/explain.h"

/* ---- Phases. ---- */

/* The directives that hold for a hook's module, one a line; the first goes on with the line begun.
 */
static void
say_because(struct wr_explain_text *t, const cJSON *hook)
{
    const cJSON *o;
    int indent = 0;

    cJSON_ArrayForEach (o, cJSON_GetObjectItem(hook, "because")) {
        wr_explain_print(t, "%*s%s   %s:%d\n", indent, "", wr_explain_string(o, "directive"),
                         wr_explain_string(o, "file"), wr_explain_number(o, "line"));
        indent = WR_EXPLAIN_COLUMN + 23;
    }
}

/* What the hook's module says itself. */
static void
say_says(struct wr_explain_text *t, const cJSON *hook)
{
    const cJSON *line;

    cJSON_ArrayForEach (line, cJSON_GetObjectItem(hook, "says")) {
        wr_explain_print(t, "%*s%s\n", WR_EXPLAIN_COLUMN + 25, "", line->valuestring);
    }
}

static void
say_others(struct wr_explain_text *t, const cJSON *phase)
{
    const cJSON *o;
    const char *between = "   [not wanted here: ";

    cJSON_ArrayForEach (o, cJSON_GetObjectItem(phase, "not_wanted")) {
        wr_explain_print(t, "%s%s", between, cJSON_GetStringValue(o));
        between = ", ";
    }
    wr_explain_print(t, between[0] == ',' ? "]\n" : "\n");
}

/* headers, body: all on one line, since it is their order that matters; then what each is there
 * for. */
static void
say_filters(struct wr_explain_text *t, const cJSON *phase)
{
    const cJSON *hook;
    const char *between = "";

    wr_explain_print(t, "%-*s", WR_EXPLAIN_COLUMN, wr_explain_string(phase, "phase"));
    cJSON_ArrayForEach (hook, cJSON_GetObjectItem(phase, "hooks")) {
        wr_explain_print(t, "%s%s %d", between, wr_explain_string(hook, "module"),
                         wr_explain_number(hook, "rank"));
        if (cJSON_IsFalse(cJSON_GetObjectItem(hook, "files"))) {
            wr_explain_print(t, " (memory)");
        }
        between = " -> ";
    }
    say_others(t, phase);
    cJSON_ArrayForEach (hook, cJSON_GetObjectItem(phase, "hooks")) {
        if (strcmp(wr_explain_string(phase, "phase"), "headers") == 0 &&
            cJSON_GetArraySize(cJSON_GetObjectItem(hook, "because")) != 0) {
            wr_explain_print(t, "%-*s%-22s ", WR_EXPLAIN_COLUMN, "",
                             wr_explain_string(hook, "module"));
            say_because(t, hook);
        }
        say_says(t, hook);
    }
}

static void
say_handlers(struct wr_explain_text *t, const cJSON *phase)
{
    const char *name = wr_explain_string(phase, "phase");
    const cJSON *hook;
    char head[64];

    cJSON_ArrayForEach (hook, cJSON_GetObjectItem(phase, "hooks")) {
        (void)snprintf(head, sizeof(head), "%s %d", wr_explain_string(hook, "module"),
                       wr_explain_number(hook, "rank"));
        if (cJSON_GetArraySize(cJSON_GetObjectItem(hook, "because")) == 0) {
            wr_explain_print(t, "%-*s%s\n", WR_EXPLAIN_COLUMN, name, head);
        } else {
            wr_explain_print(t, "%-*s%-22s ", WR_EXPLAIN_COLUMN, name, head);
            say_because(t, hook);
        }
        say_says(t, hook);
        name = "";
    }
}

static void
say_place(struct wr_explain_text *t, const cJSON *o)
{
    if (wr_explain_string(o, "file")[0] != '\0') {
        wr_explain_print(t, " (%s:%d)", wr_explain_string(o, "file"), wr_explain_number(o, "line"));
    }
}

/* ---- Server and location. ---- */

static void
say_server(struct wr_explain_text *t, const cJSON *server)
{
    static const char *const ways[][2] = {
        { "default", "by none of the names: it is the default server" },
        { "only", "whatever the host is: it is the only server" },
        { "exact", "by its name" },
        { "wildcard", "by its wildcard" },
        { "regex", "by its regular expression" },
    };
    const char *name = wr_explain_string(server, "name");
    const char *matched = wr_explain_string(server, "matched");

    wr_explain_print(t, "%-*s%s", WR_EXPLAIN_COLUMN, "server",
                     name[0] != '\0' ? name : "(no name)");
    say_place(t, server);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(wr_explain_string(server, "by"), ways[i][0]) == 0) {
            wr_explain_print(t, "\n%*s%s", WR_EXPLAIN_COLUMN, "", ways[i][1]);
        }
    }
    if (matched[0] != '\0') {
        wr_explain_print(t, " \"%s\"", matched);
    }
    wr_explain_print(t, " at %s\n", wr_explain_string(server, "address"));
}

/* The statements of a list, one a line, the first behind `name`. */
static void
say_statements(struct wr_explain_text *t, const char *name, const cJSON *list)
{
    const cJSON *o;

    cJSON_ArrayForEach (o, list) {
        wr_explain_print(t, "%-*s%s   %s:%d\n", WR_EXPLAIN_COLUMN, name,
                         wr_explain_string(o, "directive"), wr_explain_string(o, "file"),
                         wr_explain_number(o, "line"));
        name = "";
    }
}

static void
say_tls(struct wr_explain_text *t, const cJSON *tls)
{
    const char *by = wr_explain_string(tls, "shown_by");
    const cJSON *version;

    if (tls == NULL) {
        return;
    }
    wr_explain_print(t, "%-*s", WR_EXPLAIN_COLUMN, "tls");
    cJSON_ArrayForEach (version, cJSON_GetObjectItem(tls, "protocols")) {
        wr_explain_print(t, "%s ", version->valuestring);
    }
    wr_explain_print(t, "%s  certificate of %s\n",
                     wr_explain_is(tls, "http2") ? "with HTTP/2 " : "",
                     by[0] != '\0' ? by : "(no name)");
    say_statements(t, "", cJSON_GetObjectItem(tls, "because"));
}

static void
say_rewritten(struct wr_explain_text *t, const cJSON *root)
{
    const char *name = "rewritten";
    const cJSON *o, *hook;

    cJSON_ArrayForEach (o, cJSON_GetObjectItem(root, "rewritten")) {
        const char *query = wr_explain_string(o, "query");
        bool server = strcmp(wr_explain_string(o, "kind"), "none") == 0;
        wr_explain_print(t, "%-*sto %s%s%s by %s%s", WR_EXPLAIN_COLUMN, name,
                         wr_explain_string(o, "to"), query[0] != '\0' ? "?" : "", query,
                         server ? "the server" : "location ",
                         server ? "" : wr_explain_string(o, "name"));
        say_place(t, o);
        wr_explain_print(t, "\n");
        cJSON_ArrayForEach (hook, cJSON_GetObjectItem(cJSON_GetObjectItem(o, "phase"), "hooks")) {
            say_says(t, hook);
        }
        name = "";
    }
    if (wr_explain_is(root, "loops")) {
        wr_explain_print(t, "%-*sover and over: the answer is 500\n", WR_EXPLAIN_COLUMN, "");
    }
}

/* The legs that ended elsewhere than they began, each with what its last phase says. */
static void
say_moved(struct wr_explain_text *t, const cJSON *root)
{
    const cJSON *o, *hook;

    cJSON_ArrayForEach (o, cJSON_GetObjectItem(root, "moved")) {
        const cJSON *location = cJSON_GetObjectItem(o, "location");
        const cJSON *phases = cJSON_GetObjectItem(o, "phases");
        const char *query = wr_explain_string(o, "query");
        bool server = strcmp(wr_explain_string(location, "kind"), "none") == 0;
        say_rewritten(t, o);
        wr_explain_print(t, "%-*sto %s%s%s by %s in %s%s", WR_EXPLAIN_COLUMN, "moved",
                         wr_explain_string(o, "to"), query[0] != '\0' ? "?" : "", query,
                         wr_explain_string(o, "by"), server ? "the server" : "location ",
                         server ? "" : wr_explain_string(location, "name"));
        say_place(t, location);
        wr_explain_print(t, "\n");
        phases = cJSON_GetArrayItem(phases, cJSON_GetArraySize(phases) - 1);
        cJSON_ArrayForEach (hook, cJSON_GetObjectItem(phases, "hooks")) {
            say_says(t, hook);
        }
    }
}

static void
say_location(struct wr_explain_text *t, const cJSON *root)
{
    const cJSON *location = cJSON_GetObjectItem(root, "location"), *o;

    wr_explain_print(t, "%-*s", WR_EXPLAIN_COLUMN, "location");
    if (strcmp(wr_explain_string(location, "kind"), "none") == 0) {
        wr_explain_print(t, "none: the server's own settings");
    } else {
        wr_explain_print(t, "%s   %s", wr_explain_string(location, "name"),
                         wr_explain_string(location, "kind"));
        say_place(t, location);
    }
    wr_explain_print(t, "\n");
    cJSON_ArrayForEach (o, cJSON_GetObjectItem(root, "candidates")) {
        wr_explain_print(t, "%*s%s %s %s", WR_EXPLAIN_COLUMN, "",
                         wr_explain_is(o, "taken") ? ">" : "-", wr_explain_string(o, "kind"),
                         wr_explain_string(o, "name"));
        say_place(t, o);
        wr_explain_print(t, ": %s\n", wr_explain_string(o, "verdict"));
    }
}

void
wr_explain_print_request(struct wr_explain_text *t, const cJSON *root)
{
    const char *sendfile = wr_explain_string(root, "sendfile");
    const char *answer = wr_explain_string(root, "answer");
    const char *unless = wr_explain_string(root, "unless");
    const char *page = wr_explain_string(root, "error_page");
    const cJSON *phase;

    say_server(t, cJSON_GetObjectItem(root, "server"));
    say_tls(t, cJSON_GetObjectItem(root, "tls"));
    say_moved(t, root);
    say_rewritten(t, root);
    say_location(t, root);
    if (answer[0] != '\0') {
        wr_explain_print(t, "%-*s%s\n", WR_EXPLAIN_COLUMN, "answer", answer);
    }
    if (page[0] != '\0') {
        wr_explain_print(t, "%*swhose error_page is %s\n", WR_EXPLAIN_COLUMN, "", page);
    }
    if (unless[0] != '\0') {
        wr_explain_print(t, "%-*s%s decides; if it lets the request in, it goes on as below\n",
                         WR_EXPLAIN_COLUMN, "answer", unless);
    }
    say_statements(t, "settings", cJSON_GetObjectItem(root, "settings"));
    cJSON_ArrayForEach (phase, cJSON_GetObjectItem(root, "phases")) {
        const char *p = wr_explain_string(phase, "phase");
        if (strcmp(p, "headers") == 0 || strcmp(p, "body") == 0) {
            say_filters(t, phase);
        } else {
            say_handlers(t, phase);
        }
        if (strcmp(p, "body") == 0 && sendfile[0] != '\0') {
            wr_explain_print(t, "%-*s%s\n", WR_EXPLAIN_COLUMN, "sendfile", sendfile);
        }
    }
}
