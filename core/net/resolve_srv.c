/* net/resolve_srv.c - SRV records: who offers a service, and then where these hosts are.
 *
 * The best WR_RESOLVE_TARGETS_MAX records are followed, all at once, as questions of the resolver's
 * own; the answer is complete when the last of them is. A target without an address is left out.
 * [RFC 2782]
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "net/resolve_answer.h"
#include "net/resolve_live.h"

struct target {
    struct wr_resolve_entry *entry;
    struct wr_resolve_wait *wait; /* NULL: answered */
    uint16_t priority, weight, port;
    uint32_t place; /* in the answer as it came */
    char name[WR_RESOLVE_NAME];
    struct wr_resolved *found; /* NULL: nothing */
};

struct wr_resolve_srv {
    uint32_t count, left;
    uint64_t until_ms;
    enum wr_resolve_code worst; /* of the targets; NONE when all said so */
    struct target at[];
};

/* ---- Records. ---- */

static int
by_priority(const void *a, const void *b)
{
    const struct target *x = a, *y = b;

    if (x->priority != y->priority) {
        return x->priority < y->priority ? -1 : 1;
    }
    return x->place < y->place ? -1 : 1;
}

/* Those records of the list that name a host: "." says that there is no such service. */
static struct wr_resolve_srv *
read_records(const struct ares_srv_reply *list)
{
    struct wr_resolve_srv *srv;
    uint32_t count = 0;

    for (const struct ares_srv_reply *at = list; at != NULL; at = at->next) {
        count++; /* a message of 64 KiB bounds it */
    }
    srv = calloc(1, sizeof(*srv) + count * sizeof(srv->at[0]));
    WR_ASSERT(srv != NULL);
    for (const struct ares_srv_reply *at = list; at != NULL; at = at->next) {
        struct target *t = &srv->at[srv->count];
        if (at->host == NULL || at->port == 0 ||
            wr_resolve_name(weir_str_c(at->host), t->name) == 0) {
            continue;
        }
        t->priority = at->priority;
        t->weight = at->weight;
        t->port = at->port;
        t->place = srv->count++;
    }
    qsort(srv->at, srv->count, sizeof(srv->at[0]), by_priority);
    srv->count = WR_MIN(srv->count, WR_RESOLVE_TARGETS_MAX);
    return srv;
}

/* ---- Targets. ---- */

void
wr_resolve_srv_drop(struct wr_resolve_entry *e)
{
    struct wr_resolve_srv *srv = e->srv;

    e->srv = NULL;
    for (uint32_t i = 0; srv != NULL && i < srv->count; i++) {
        wr_resolved_unref(&srv->at[i].found);
    }
    free(srv);
}

static void
add_target(struct wr_resolved *a, const struct target *t)
{
    for (uint32_t i = 0; t->found != NULL && i < t->found->count; i++) {
        struct wr_resolved_addr *to;
        if (a->count == WR_RESOLVE_ADDRS_MAX) {
            return;
        }
        to = &a->at[a->count++];
        *to = t->found->at[i];
        if (to->addr.family == AF_INET) {
            to->addr.v4.sin_port = htons(t->port);
        } else {
            to->addr.v6.sin6_port = htons(t->port);
        }
        to->priority = t->priority;
        to->weight = t->weight;
    }
}

static void
finish(struct wr_resolve_entry *e)
{
    struct wr_resolve_srv *srv = e->srv;
    struct wr_resolved *a = wr_resolved_create(WR_RESOLVE_FOUND, WR_RESOLVE_ADDRS_MAX);

    a->until_ms = srv->until_ms;
    for (uint32_t i = 0; i < srv->count; i++) {
        add_target(a, &srv->at[i]);
    }
    a->code = a->count != 0 ? WR_RESOLVE_FOUND : srv->worst;
    wr_resolve_srv_drop(e);
    wr_resolve_complete(e, a);
}

static void
got_target(void *data, const struct wr_resolved *a)
{
    struct target *t = data;
    struct wr_resolve_srv *srv = t->entry->srv;

    t->wait = NULL;
    if (a->code == WR_RESOLVE_FOUND) {
        t->found = wr_resolved_create(WR_RESOLVE_FOUND, a->count);
        memcpy(t->found->at, a->at, a->count * sizeof(a->at[0]));
        t->found->count = a->count;
        srv->until_ms = WR_MIN(srv->until_ms, a->until_ms);
    } else if (a->code != WR_RESOLVE_NONE) {
        srv->worst = a->code;
    }
    if (--srv->left == 0) {
        finish(t->entry);
    }
}

void
wr_resolve_srv_answered(struct wr_resolve_entry *e, const uint8_t *bytes, size_t len)
{
    struct wr_resolve_live *live = e->resolver->live;
    struct ares_srv_reply *list = NULL;
    int status = ares_parse_srv_reply(bytes, (int)len, &list);
    struct wr_resolve_srv *srv;

    if (live->closing || status != ARES_SUCCESS) {
        wr_resolve_fail(e, wr_resolve_code_of(status));
        return;
    }
    srv = read_records(list);
    ares_free_data(list);
    srv->until_ms = wr_clock.now_ms + wr_resolve_answer_ttl(bytes, len);
    srv->worst = WR_RESOLVE_NONE;
    srv->left = srv->count;
    e->srv = srv;
    if (srv->count == 0) {
        finish(e);
        return;
    }
    for (uint32_t i = 0; i < srv->count; i++) {
        struct target *t = &srv->at[i];
        t->entry = e;
        t->wait = wr_resolve_ask(e->resolver, live->pool, WR_RESOLVE_ADDRS, weir_str_c(t->name), 0,
                                 got_target, t);
    }
}
