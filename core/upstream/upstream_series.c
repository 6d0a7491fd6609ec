/* upstream/upstream_series.c - the numbers of groups and peers, read from their states. Only of groups with a zone:
 * of others a worker knows its own part alone. */
#include "upstream/upstream_series.h"

#include <stddef.h>

#include "base/assert.h"

/* The groups that a request for numbers is about: those of the worker's configuration. */
static const struct wr_upstream_conf *current;

struct sink {
    void (*fn)(void *data, const weir_series *s);
    void *data;
};

/* One name. */
struct family {
    const char *name, *help;
    uint32_t type;
    size_t offset;           /* in wr_peer_state, or wr_group_state */
    bool narrow;             /* of 32 bits, else 64 */
    const char *label, *value; /* besides upstream and peer; NULL: none */
};

#define OF_PEER(field) offsetof(struct wr_peer_state, field)
#define OF_GROUP(field) offsetof(struct wr_group_state, field)
#define RESPONSES "weir_upstream_peer_responses_total", "responses of the server", WEIR_COUNTER

static const struct family group_families[] = {
    { "weir_upstream_queued_total", "requests that waited for a server with a place", WEIR_COUNTER,
      OF_GROUP(queued), false, NULL, NULL },
    { "weir_upstream_refused_total", "requests for which no server had a place in time",
      WEIR_COUNTER, OF_GROUP(refused), false, NULL, NULL },
};

static const struct family peer_families[] = {
    { "weir_upstream_peer_active", "requests under way at the server", WEIR_GAUGE,
      OF_PEER(pub.active), true, NULL, NULL },
    { "weir_upstream_peer_header_time_us", "moving average of the time to the response head",
      WEIR_GAUGE, OF_PEER(pub.ewma_us), true, NULL, NULL },
    { "weir_upstream_peer_response_time_us", "moving average of the time to the last byte",
      WEIR_GAUGE, OF_PEER(pub.ewma_last_us), true, NULL, NULL },
    { "weir_upstream_peer_requests_total", "requests sent to the server", WEIR_COUNTER,
      OF_PEER(counts.requests), false, NULL, NULL },
    { "weir_upstream_peer_fails_total", "requests that failed at the server", WEIR_COUNTER,
      OF_PEER(counts.fails), false, NULL, NULL },
    { "weir_upstream_peer_unavail_total", "times the server was left out for max_fails",
      WEIR_COUNTER, OF_PEER(counts.unavail), false, NULL, NULL },
    { RESPONSES, OF_PEER(counts.responses[0]), false, "code", "1xx" },
    { RESPONSES, OF_PEER(counts.responses[1]), false, "code", "2xx" },
    { RESPONSES, OF_PEER(counts.responses[2]), false, "code", "3xx" },
    { RESPONSES, OF_PEER(counts.responses[3]), false, "code", "4xx" },
    { RESPONSES, OF_PEER(counts.responses[4]), false, "code", "5xx" },
    { "weir_upstream_peer_checks_total", "active checks of the server", WEIR_COUNTER,
      OF_PEER(counts.checks), false, NULL, NULL },
    { "weir_upstream_peer_checks_failed_total", "active checks that the server failed",
      WEIR_COUNTER, OF_PEER(counts.checks_failed), false, NULL, NULL },
    { "weir_upstream_peer_unhealthy_total", "times that checks found the server unhealthy",
      WEIR_COUNTER, OF_PEER(counts.unhealthy), false, NULL, NULL },
};

static uint64_t
value_at(const void *state, const struct family *f)
{
    const char *at = (const char *)state + f->offset;

    return f->narrow ? __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_RELAXED)
                     : __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_RELAXED);
}

static void
emit(const struct sink *sink, const struct family *f, const weir_pair *labels, uint32_t n,
     uint64_t value)
{
    const weir_series s = { .size = sizeof(s),
                            .type = f->type,
                            .name = f->name,
                            .help = f->help,
                            .labels = labels,
                            .n_labels = n,
                            .value = value };

    sink->fn(sink->data, &s);
}

/* What people call the state of a peer. */
static const char *
state_of(const weir_peer *p)
{
    uint32_t flags = p->flags;

    return flags & WEIR_PEER_DOWN        ? "down"
           : flags & WEIR_PEER_UNHEALTHY ? "unhealthy"
           : flags & WEIR_PEER_UNKNOWN   ? "checking"
           : flags & WEIR_PEER_FAILED    ? "unavail"
           : flags & WEIR_PEER_EJECTED   ? "ejected"
           : flags & WEIR_PEER_DRAIN     ? "draining"
                                         : "up";
}

static void
each_peer(const struct sink *sink, const weir_upstream *u, const struct family *f)
{
    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        const struct wr_peer_state *s = wr_group_peer(u, i)->state;
        const weir_pair labels[] = { { WEIR_STR("upstream"), u->name },
                                     { WEIR_STR("peer"), s->pub.addr },
                                     { weir_str_c(f->label), weir_str_c(f->value) } };
        emit(sink, f, labels, f->label != NULL ? 3 : 2, value_at(s, f));
    }
}

static void
each_state(const struct sink *sink, const weir_upstream *u)
{
    static const struct family f = { .name = "weir_upstream_peer_state",
                                     .help = "1 for the state that the server is in",
                                     .type = WEIR_GAUGE };

    for (uint32_t i = 0; i < wr_group_count(u); i++) {
        const weir_peer *p = &wr_group_peer(u, i)->state->pub;
        const weir_pair labels[] = { { WEIR_STR("upstream"), u->name },
                                     { WEIR_STR("peer"), p->addr },
                                     { WEIR_STR("state"), weir_str_c(state_of(p)) } };
        emit(sink, &f, labels, 3, 1);
    }
}

static void
each_group(const struct sink *sink, const weir_upstream *u, const struct family *f)
{
    const weir_pair label = { WEIR_STR("upstream"), u->name };

    emit(sink, f, &label, 1, value_at(u->state, f));
}

/* The i-th group if it has a zone, else NULL. */
static const weir_upstream *
shared_at(size_t i)
{
    const weir_upstream *u = wr_upstream_group(current, i);

    return u->share != NULL ? u : NULL;
}

static void
each(void (*fn)(void *data, const weir_series *s), void *data)
{
    const struct sink sink = { fn, data };
    size_t n = current != NULL ? wr_upstream_count(current) : 0;

    for (size_t k = 0; k < WR_COUNT(group_families); k++) {
        for (size_t i = 0; i < n; i++) {
            if (shared_at(i) != NULL) {
                each_group(&sink, shared_at(i), &group_families[k]);
            }
        }
    }
    for (size_t k = 0; k < WR_COUNT(peer_families); k++) {
        for (size_t i = 0; i < n; i++) {
            if (shared_at(i) != NULL) {
                each_peer(&sink, shared_at(i), &peer_families[k]);
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (shared_at(i) != NULL) {
            each_state(&sink, shared_at(i));
        }
    }
}

const weir_series_source wr_upstream_series = { .size = sizeof(wr_upstream_series), .each = each };

void
wr_upstream_series_of(const struct wr_upstream_conf *top)
{
    current = top;
}
