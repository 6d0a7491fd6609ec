/* upstream/upstream_explain.c - "upstreams": each upstream{} with its method and servers, as they are
 * configured. Addresses of names are those that were found at load. */
#include "upstream/upstream_explain.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "upstream/upstream_names.h"

enum { TEXT = 512 };

static void
add_text(cJSON *to, const char *name, weir_str text)
{
    char room[TEXT];

    (void)snprintf(room, sizeof(room), "%.*s", WEIR_FMT(text));
    cJSON_AddStringToObject(to, name, room);
}

static void
add_marks(cJSON *to, const struct wr_group_server *s)
{
    const struct {
        const char *name;
        bool is;
    } marks[] = {
        { "backup", s->backup }, { "down", s->down }, { "drain", s->drain }, { "resolve", s->resolve }
    };

    for (size_t i = 0; i < WR_COUNT(marks); i++) {
        if (marks[i].is) {
            cJSON_AddTrueToObject(to, marks[i].name);
        }
    }
}

static cJSON *
explain_server(const weir_upstream *u, const struct wr_group_server *s)
{
    cJSON *o = cJSON_CreateObject(), *peers;

    add_text(o, "name", s->name);
    cJSON_AddNumberToObject(o, "weight", s->weight);
    if (s->max_conns != 0) {
        cJSON_AddNumberToObject(o, "max_conns", s->max_conns);
    }
    add_marks(o, s);
    peers = cJSON_AddArrayToObject(o, "peers");
    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        const struct wr_group_peer *p = wr_group_peer(u, i);
        if (p->server == s) {
            char room[TEXT];
            (void)snprintf(room, sizeof(room), "%.*s", WEIR_FMT(p->text));
            cJSON_AddItemToArray(peers, cJSON_CreateString(room));
        }
    }
    return o;
}

static cJSON *
explain_group(const weir_upstream *u)
{
    cJSON *o = cJSON_CreateObject(), *servers;

    add_text(o, "name", u->name);
    cJSON_AddStringToObject(o, "method",
                            u->method.balancer != NULL ? u->method.module : "round_robin");
    if (u->beside.balancer != NULL) {
        cJSON_AddStringToObject(o, "beside", u->beside.module);
    }
    cJSON_AddBoolToObject(o, "shared", u->zone != NULL);
    cJSON_AddBoolToObject(o, "checked", u->probe != NULL);
    servers = cJSON_AddArrayToObject(o, "servers");
    WR_VEC_EACH (struct wr_group_server *, s, &u->servers) {
        cJSON_AddItemToArray(servers, explain_server(u, *s));
    }
    return o;
}

static void
add(struct cJSON *root, const void *conf)
{
    const struct wr_upstream_conf *top = conf;
    cJSON *list = cJSON_AddArrayToObject(root, "upstreams");

    for (size_t i = 0; i < wr_upstream_count(top); i++) {
        const weir_upstream *u = wr_upstream_group(top, i);
        if (u->defined != NULL) {
            cJSON_AddItemToArray(list, explain_group(u));
        }
    }
}

const struct wr_explain wr_upstream_explain = { add };
