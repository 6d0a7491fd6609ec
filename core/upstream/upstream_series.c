/* upstream/upstream_series.c - the numbers of groups and peers. What is counted is there for every upstream{}; states, and
 * what is under way, only with a zone: without one a worker knows its own part alone. */
#include "upstream/upstream_series.h"

#include <stddef.h>

#include "base/assert.h"
#include "upstream/tally.h"

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
    size_t offset;           /* in wr_peer_state, wr_peer_counts, wr_group_state or wr_group_tally */
    bool narrow;             /* of 32 bits, else 64 */
    const char *label, *value; /* besides upstream and peer; NULL: none */
};

#define OF_PEER(field) offsetof(struct wr_peer_state, field)
#define OF_COUNTS(field) offsetof(struct wr_peer_counts, field)
#define OF_GROUP(field) offsetof(struct wr_group_state, field)
#define OF_TALLY(field) offsetof(struct wr_group_tally, field)
#define RESPONSES "weir_upstream_peer_responses_total", "responses of the server", WEIR_COUNTER

static const struct family group_families[] = {
    { "weir_upstream_queued_total", "requests that waited for a server with a place", WEIR_COUNTER,
      OF_GROUP(queued), false, NULL, NULL },
    { "weir_upstream_refused_total", "requests for which no server had a place in time",
      WEIR_COUNTER, OF_GROUP(refused), false, NULL, NULL },
};

#define GROUP_RESPONSES "weir_upstream_responses_total", "responses of the group's servers", WEIR_COUNTER

static const struct family tally_families[] = {
    { "weir_upstream_requests_total", "requests to the group", WEIR_COUNTER, OF_TALLY(requests),
      false, NULL, NULL },
    { "weir_upstream_tries_total", "requests sent to single servers of the group, or not sent for want of one",
      WEIR_COUNTER, OF_TALLY(tries), false, NULL, NULL },
    { "weir_upstream_tries_again_total", "of them, those after one that failed", WEIR_COUNTER,
      OF_TALLY(retries), false, NULL, NULL },
    { "weir_upstream_ejections_total", "times a server was left out as an outlier", WEIR_COUNTER,
      OF_TALLY(ejections), false, NULL, NULL },
    { "weir_upstream_sent_bytes_total", "bytes sent to the group's servers", WEIR_COUNTER,
      OF_TALLY(sent), false, NULL, NULL },
    { "weir_upstream_received_bytes_total", "bytes received from them", WEIR_COUNTER,
      OF_TALLY(received), false, NULL, NULL },
    { GROUP_RESPONSES, OF_TALLY(responses[0]), false, "code", "1xx" },
    { GROUP_RESPONSES, OF_TALLY(responses[1]), false, "code", "2xx" },
    { GROUP_RESPONSES, OF_TALLY(responses[2]), false, "code", "3xx" },
    { GROUP_RESPONSES, OF_TALLY(responses[3]), false, "code", "4xx" },
    { GROUP_RESPONSES, OF_TALLY(responses[4]), false, "code", "5xx" },
    { "weir_upstream_connected_total", "tries that had a connection, new or kept", WEIR_COUNTER,
      OF_TALLY(connections), false, NULL, NULL },
    { "weir_upstream_connect_ms_total", "how long they waited for it, summed up", WEIR_COUNTER,
      OF_TALLY(connect_ms), false, NULL, NULL },
    { "weir_upstream_header_ms_total", "time to the heads of the responses, summed up",
      WEIR_COUNTER, OF_TALLY(header_ms), false, NULL, NULL },
    { "weir_upstream_response_ms_total", "time of all tries to their end, summed up", WEIR_COUNTER,
      OF_TALLY(response_ms), false, NULL, NULL },
};

static const struct family peer_families[] = {
    { "weir_upstream_peer_active", "requests under way at the server", WEIR_GAUGE,
      OF_PEER(pub.active), true, NULL, NULL },
    { "weir_upstream_peer_header_time_us", "moving average of the time to the response head",
      WEIR_GAUGE, OF_PEER(pub.ewma_us), true, NULL, NULL },
    { "weir_upstream_peer_response_time_us", "moving average of the time to the last byte",
      WEIR_GAUGE, OF_PEER(pub.ewma_last_us), true, NULL, NULL },
};

static const struct family count_families[] = {
    { "weir_upstream_peer_requests_total", "requests sent to the server", WEIR_COUNTER,
      OF_COUNTS(requests), false, NULL, NULL },
    { "weir_upstream_peer_fails_total", "requests that failed at the server", WEIR_COUNTER,
      OF_COUNTS(fails), false, NULL, NULL },
    { "weir_upstream_peer_unavail_total", "times the server was left out for max_fails",
      WEIR_COUNTER, OF_COUNTS(unavail), false, NULL, NULL },
    { RESPONSES, OF_COUNTS(responses[0]), false, "code", "1xx" },
    { RESPONSES, OF_COUNTS(responses[1]), false, "code", "2xx" },
    { RESPONSES, OF_COUNTS(responses[2]), false, "code", "3xx" },
    { RESPONSES, OF_COUNTS(responses[3]), false, "code", "4xx" },
    { RESPONSES, OF_COUNTS(responses[4]), false, "code", "5xx" },
    { "weir_upstream_peer_checks_total", "active checks of the server", WEIR_COUNTER,
      OF_COUNTS(checks), false, NULL, NULL },
    { "weir_upstream_peer_checks_failed_total", "active checks that the server failed",
      WEIR_COUNTER, OF_COUNTS(checks_failed), false, NULL, NULL },
    { "weir_upstream_peer_unhealthy_total", "times that checks found the server unhealthy",
      WEIR_COUNTER, OF_COUNTS(unhealthy), false, NULL, NULL },
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

/* With a zone each peer is counted; without one each server, which may stand for several. */
static void
each_count(const struct sink *sink, size_t at, const struct family *f)
{
    const weir_upstream *u = wr_upstream_group(current, at);
    size_t n = u->share != NULL ? wr_group_count(u) : u->servers.count;

    for (size_t i = 0; i < n; i++) {
        struct wr_peer_counts own;
        const struct wr_peer_counts *c = &own;
        weir_str name;
        if (u->share != NULL) {
            c = &wr_group_peer(u, i)->state->counts;
            name = wr_group_peer(u, i)->state->pub.addr;
        } else {
            own = wr_tally_of_server(current, at, i);
            name = (*wr_vec_at(&u->servers, struct wr_group_server *, i))->name;
        }
        emit(sink, f,
             (const weir_pair[]){ { WEIR_STR("upstream"), u->name },
                                  { WEIR_STR("peer"), name },
                                  { weir_str_c(f->label), weir_str_c(f->value) } },
             f->label != NULL ? 3 : 2, value_at(c, f));
    }
}

static void
each_tally(const struct sink *sink, size_t at, const struct family *f)
{
    const struct wr_group_tally tally = wr_tally_of_group(current, at);

    emit(sink, f,
         (const weir_pair[]){ { WEIR_STR("upstream"), wr_upstream_group(current, at)->name },
                              { weir_str_c(f->label), weir_str_c(f->value) } },
         f->label != NULL ? 2 : 1, value_at(&tally, f));
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

/* Has the i-th group an upstream{}? */
static bool
is_counted(size_t i)
{
    return current->tallies != NULL && wr_upstream_group(current, i)->defined != NULL;
}

/* A name's series stand together. */
static void
each_counted(const struct sink *sink, size_t n)
{
    for (size_t k = 0; k < WR_COUNT(tally_families); k++) {
        for (size_t i = 0; i < n; i++) {
            if (is_counted(i)) {
                each_tally(sink, i, &tally_families[k]);
            }
        }
    }
    for (size_t k = 0; k < WR_COUNT(count_families); k++) {
        for (size_t i = 0; i < n; i++) {
            if (is_counted(i)) {
                each_count(sink, i, &count_families[k]);
            }
        }
    }
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
    each_counted(&sink, n);
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
