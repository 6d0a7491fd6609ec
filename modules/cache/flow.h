/* cache/flow.h - one request on its way through the cache.
 *
 * lookup.c finds what is stored, or waits for another's fetch; fetch.c tells the module that fetches
 * what to ask, judges what came, keep.c fills the store with it; answer.c answers from the store;
 * update.c fetches anew behind a client's back; forget.c makes invalid what an unsafe request changed.
 */
#ifndef CACHE_FLOW_H
#define CACHE_FLOW_H

#include "conf.h"
#include "status_field.h"

enum { FLOW_TURNS = 8 }; /* so often a request looks before it goes its own way */

enum outcome { /* $upstream_cache_status */
    OUTCOME_NONE,
    OUTCOME_MISS,
    OUTCOME_BYPASS,
    OUTCOME_EXPIRED,
    OUTCOME_STALE,
    OUTCOME_UPDATING,
    OUTCOME_REVALIDATED,
    OUTCOME_HIT,
    OUTCOMES
};

/* Where a stored head keeps what the policy knows: places in store_meta.times. */
enum {
    TIME_ANSWERED,
    TIME_AGE,
    TIME_LIFETIME,
    TIME_REVALIDATE,
    TIME_ERROR,
    TIME_MODIFIED,
    TIME_GENERATION,
    TIME_BODY /* no time: a random number, another for each body */
};

struct caching {
    weir_request *r;
    const cache_conf *conf;
    const struct family *family;
    struct store *store;
    struct store_key primary; /* of the URI */
    struct store_key key;     /* of what r wants: the primary, or a variant */
    uint64_t generation;      /* of variants */
    weir_str names;           /* that choose among them; absent: there are none */
    struct control wanted;    /* the request's directives, where they count */
    int (*fetch)(weir_request *r, void *data);
    void *data;
    struct store_object *object; /* what is stored; NULL: nothing that could be used */
    struct store_fill *fill;     /* r is the one that fetches */
    struct store_reader *reader; /* what r is answered from; NULL: not (yet) */
    weir_ticket *ticket;         /* of the hook, or of the source */
    weir_exchange *x;
    struct kept kept; /* of the reply that is to be kept */
    weir_str reply_vary;
    const weir_header *reply_fields;
    uint64_t ignored; /* fields of it that do not count, by 1 << WEIR_H_* */
    uint64_t delay;   /* from the request to the reply's head, seconds */
    uint64_t started; /* the fetch: weir_now() */
    uint32_t reply_status;
    uint8_t turns;
    uint8_t outcome; /* enum outcome */
    uint8_t forward; /* enum forward */
    bool inside;     /* open() has not returned yet */
    bool alone;      /* fetches for itself: nothing is stored */
    bool unsafe;     /* a request that may change what is stored */
    bool update;     /* a subrequest that brings a stored response up to date */
    bool asked;      /* the origin is asked whether `object` still holds, */
    bool confirmed;  /* and said that it does */
    bool collapsed, stored;
    bool held; /* weir_hold */
    bool stuck; /* the store takes no more until it calls back that it can */
};

static inline int64_t
flow_now(void)
{
    return weir_wall_clock();
}

struct kept kept_of(const struct store_meta *m);
void kept_put(struct store_meta *m, const struct kept *k);

/* lookup.c */
bool flow_wanted(const weir_request *r, enum weir_cache_family which);
int flow_open(weir_request *r, enum weir_cache_family which,
              int (*fetch)(weir_request *r, void *data), void *data);
/* Tell the server which body r is answered with: what it is coded to may be kept. */
void flow_identify(struct caching *c, const struct store_meta *m);
/* Take the right to go on later; WEIR_AGAIN, or 500. And go on with fn in the hook's place. */
int flow_wait(struct caching *c);
void flow_go(struct caching *c, int (*fn)(weir_request *r, void *data));

/* fetch.c */
bool flow_request(weir_request *r, weir_cache_request *change);
int flow_reply(weir_request *r, const weir_reply *reply, uint64_t ignored);
void flow_leave(weir_request *r);
bool flow_failed(weir_request *r, uint32_t status, int result);
int flow_answer(weir_request *r, void *unused);

/* keep.c */
int flow_keep(weir_request *r, weir_exchange *x);
void flow_readable(weir_request *r);

/* answer.c: from c->object, or from c->reader. */
int answer_object(struct caching *c);
/* With c->object's body under another head. */
int answer_with(struct caching *c, const struct store_meta *m);
int answer_reader(struct caching *c);
/* With c's own fill, which c->reader reads: r's head is set. */
int answer_fill(struct caching *c);

/* update.c */
void update_start(struct caching *c);
bool update_is(const weir_request *r);

/* forget.c: what the answer to an unsafe request makes invalid. */
void forget(struct caching *c, const weir_reply *reply);

/* purging.c */
int purge_request(struct caching *c);
int purge_endpoint(weir_request *r, const void *conf);

/* explain.c */
void flow_explain(weir_request *r, enum weir_cache_family which, weir_explain *to);

/* "https://a.example" of r. */
weir_str origin_of(weir_request *r);

/* variables.c */
weir_str var_status(weir_request *r, const void *conf, weir_str name);
weir_str var_last_modified(weir_request *r, const void *conf, weir_str name);
weir_str var_etag(weir_request *r, const void *conf, weir_str name);
weir_str var_key(weir_request *r, const void *conf, weir_str name);
weir_str var_age(weir_request *r, const void *conf, weir_str name);
weir_str var_ttl(weir_request *r, const void *conf, weir_str name);

extern weir_metric *cache_outcomes;
extern const char *const outcome_names[OUTCOMES];

#endif
