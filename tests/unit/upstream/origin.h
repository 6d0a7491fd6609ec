/* tests/unit/upstream/origin.h - an exchange whose callbacks note what they are told, and its peer
 * (peer.h). */
#ifndef WR_TEST_ORIGIN_H
#define WR_TEST_ORIGIN_H

#include "peer.h"

#include <stdlib.h>
#include <weir/request.h>

#include "base/assert.h"

enum { SEEN = 512 * 1024 };

struct seen {
    weir_exchange *x;
    int heads, interims, readables, writables, faileds;
    int result; /* of failed, or of the read that ended it */
    uint32_t status, interim_status;
    const weir_reply *reply;
    char *body; /* what was read */
    size_t len;
    bool over; /* a read said that it is */
    bool idle; /* nobody reads */
    size_t want;
    bool end_in_head, owner_in_head, owner_in_failed;
    bool in_call; /* set while the test calls in: no callback may come */
};

/* Read all there is. */
static inline void
drink(struct seen *s)
{
    int rc = WEIR_OK;

    while (!s->over && rc == WEIR_OK) {
        weir_chain out = { NULL, NULL };
        weir_buf *b;
        s->in_call = true;
        rc = weir_exchange_read(s->x, owner, &out, s->want);
        s->in_call = false;
        while ((b = weir_chain_pop(&out)) != NULL) {
            assert_true(s->len + b->len <= SEEN);
            memcpy(s->body + s->len, b->data, b->len);
            s->len += b->len;
            weir_buf_drop(b);
        }
    }
    if (rc != WEIR_AGAIN) {
        s->over = true;
        s->result = rc;
    }
}

static inline void
on_head(weir_exchange *x, void *data, const weir_reply *reply)
{
    struct seen *s = data;

    assert_false(s->in_call);
    s->heads++;
    s->status = reply->status;
    s->reply = reply;
    s->x = x;
    if (s->owner_in_head) {
        wr_pool_destroy(&owner);
    } else if (s->end_in_head) {
        weir_exchange_end(x);
    } else if (!s->idle) {
        drink(s);
    }
}

static inline void
on_interim(weir_exchange *x, void *data, const weir_reply *reply)
{
    struct seen *s = data;

    (void)x;
    assert_false(s->in_call);
    s->interims++;
    s->interim_status = reply->status;
}

static inline void
on_readable(weir_exchange *x, void *data)
{
    struct seen *s = data;

    (void)x;
    assert_false(s->in_call);
    s->readables++;
    drink(s);
}

static inline void
on_writable(weir_exchange *x, void *data)
{
    struct seen *s = data;

    (void)x;
    assert_false(s->in_call);
    s->writables++;
}

static inline void
on_failed(weir_exchange *x, void *data, int result)
{
    struct seen *s = data;

    (void)x;
    assert_false(s->in_call);
    s->faileds++;
    s->result = result;
    if (s->owner_in_failed) {
        wr_pool_destroy(&owner);
    }
}

static const weir_exchange_ops ops = { on_head, on_interim, on_readable, on_writable, on_failed };

static inline struct seen
nothing_seen(void)
{
    struct seen s = { .want = 65536, .body = malloc(SEEN) };

    assert_non_null(s.body);
    return s;
}

#define GET_HEAD "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

/* What an exchange begins with, to be changed before it starts. */
static inline weir_exchange_options
options(weir_upstream *u, struct seen *s, const weir_exchange_policy *policy)
{
    return (weir_exchange_options){ .size = sizeof(weir_exchange_options),
                                    .to = u,
                                    .policy = policy,
                                    .ops = &ops,
                                    .data = s,
                                    .head = WEIR_STR(GET_HEAD),
                                    .method = WEIR_GET };
}

static inline void
start(struct seen *s, const weir_exchange_options *o)
{
    s->in_call = true;
    s->x = weir_exchange_start(owner, o);
    s->in_call = false;
}

/* A GET of /x with this policy. */
static inline void
get(struct seen *s, weir_upstream *u, const weir_exchange_policy *policy)
{
    weir_exchange_options o = options(u, s, policy);

    start(s, &o);
}

/* The text that was read is this. */
#define assert_body(s, text)                                                                       \
    do {                                                                                           \
        assert_int_equal((s)->len, strlen(text));                                                  \
        assert_memory_equal((s)->body, (text), strlen(text));                                      \
    } while (0)

#endif
