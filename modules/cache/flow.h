/* cache/flow.h - one request on its way through the cache.
 *
 * begin.c makes its key, lookup.c finds what is stored, or waits for another's fetch; fetch.c tells the module that fetches
 * what to ask, judges what came, keep.c fills the store with it; join.c does so where a part is stored
 * or comes; answer.c answers from the store;
 * update.c fetches anew behind a client's back; forget.c makes invalid what an unsafe request changed.
 */
#ifndef CACHE_FLOW_H
#define CACHE_FLOW_H

#include "conf.h"
#include "part.h"
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

/* Parts: what is stored, wanted, asked for, and comes. */
struct parts {
    struct part stored;  /* what `object`, or `reader`, has; complete 0: it is no part */
    struct part reply;   /* what a 206 says */
    struct part joined;  /* what the fill becomes */
    struct span want;    /* what r gets */
    struct span missing; /* what is asked for, to be joined with what is stored */
    bool joins, behind;  /* so it is; behind it, or in front of it */
    bool within;         /* what r wants is stored */
    bool nowhere;        /* it lies behind the end */
    bool useless;        /* what is stored is a part, and of no use for r */
    bool ranged;         /* r's own Range is passed on */
    bool comes;          /* the reply is a part that can be kept */
    bool anew;           /* what came did not fit: the whole is asked for */
    bool cuttable;       /* if it breaks off, what came is kept */
    uint8_t stage;       /* of joining: 0, 1 */
    struct store_reader *from; /* the stored part, on its way into the fill */
    uint64_t came;             /* bytes of the reply */
    uint8_t note[PART_NOTE];
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
    const weir_cache_source *by; /* who fetches, */
    void *data;                  /* and what is handed to it */
    struct store_object *object; /* what is stored; NULL: nothing that could be used */
    struct store_fill *fill;     /* r is the one that fetches */
    struct store_reader *reader; /* what r is answered from; NULL: not (yet) */
    weir_ticket *ticket;         /* of the hook, or of the source */
    weir_exchange *x;
    struct parts parts;
    weir_timer *pumping; /* the next turn's reading of x; NULL: it was never that much */
    struct kept kept; /* of the reply that is to be kept */
    weir_str reply_vary;
    const weir_header *reply_fields;
    uint64_t ignored; /* fields of it that do not count, by 1 << WEIR_H_* */
    uint64_t delay;   /* from the request to the reply's head, seconds */
    uint64_t started; /* the fetch: weir_now() */
    uint64_t waited;  /* for another's, since: weir_now(); 0: not */
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
    bool learns;     /* a HEAD's answer brings `object` up to date */
    bool collapsed, stored;
    bool trailers; /* there is room for them in what is stored */
    bool held; /* weir_hold */
    enum weir_outlive outlived; /* what would have become of r without us when its client goes */
    bool stuck; /* the store takes no more until it calls back that it can */
};

static inline int64_t
flow_now(void)
{
    return weir_wall_clock();
}

struct kept kept_of(const struct store_meta *m);
void kept_put(struct store_meta *m, const struct kept *k);

/* begin.c */
bool flow_wanted(const weir_request *r, enum weir_cache_family which);
int flow_open(weir_request *r, enum weir_cache_family which, const weir_cache_source *by, void *data);

/* The variant's key for r, under c->primary, c->generation and c->names; absent: it would be too long. */
weir_str flow_vary_key(struct caching *c);

/* lookup.c: answer from what is stored under c->key, wait, or fetch (WEIR_NEXT inside of open()). */
int flow_look(struct caching *c);
/* Tell the server which body r is answered with: what it is coded to may be kept. */
void flow_identify(struct caching *c, const struct store_meta *m);
/* r does not end with its client. */
void flow_outlive(struct caching *c);
/* Take the right to go on later; WEIR_AGAIN, or 500. And go on with fn in the hook's place. */
int flow_wait(struct caching *c);
void flow_go(struct caching *c, int (*fn)(weir_request *r, void *data));

/* It has to be asked for: by r, or somebody does it already. */
int flow_miss(struct caching *c);
/* Add a field to the request to the origin. */
void flow_add(struct caching *c, weir_cache_request *change, weir_str name, weir_str value);

/* fetch.c */
/* What r waited for has failed: may what is stored be used, as it would if r had asked? Then that is its answer. */
bool flow_shares_failure(const struct caching *c);
/* c->object in the place of what was to be fetched. */
int flow_answer_stale(struct caching *c);
bool flow_request(weir_request *r, weir_cache_request *change);
int flow_reply(weir_request *r, const weir_reply *reply, uint64_t ignored);
void flow_leave(weir_request *r);
bool flow_failed(weir_request *r, uint32_t status, int result);
int flow_answer(weir_request *r, void *unused);

/* keep.c */
int flow_keep(weir_request *r, weir_exchange *x, uint32_t flags);
void flow_refuse(weir_request *r); /* r is answered by an error_page: that is what is kept */
void flow_readable(weir_request *r);

/* join.c: parts. */
/* What does r want of what is stored with this head, a part? Into c->parts. */
void join_choose(struct caching *c, const struct store_meta *m, const struct part *p);
/* May r be answered with what is stored with this head: the whole, or a part that has what it wants? */
bool join_allows(const struct caching *c, const struct store_meta *m);
/* c->object is a part: as lookup.c does with a whole. */
int join_use(struct caching *c, const struct part *p);
/* Ask for what is missing, or pass r's Range on. Which of the fields that r is not to ask by are left out. */
uint64_t join_request(struct caching *c, weir_cache_request *change, uint64_t dropped);
/* Is the reply what was asked for? WEIR_NEXT: judge it, as a part where parts.comes says so; or WEIR_ANEW. */
int join_reply(struct caching *c, const weir_reply *reply);
/* Nothing comes of it: the whole is to be asked for. WEIR_ANEW. */
int join_anew(struct caching *c);
/* What is stored of a part, or of what may become one: its place and length. */
void join_meta(struct caching *c, struct store_meta *m);
/* m's fields are the stored ones, brought up to date by those of the reply. [RFC 9111 3.4] */
void join_fields(struct caching *c, struct store_meta *m, uint64_t *tags);
/* c->reader reads what r gets of its own fill. */
void join_span(struct caching *c);
/* The bytes of a fill that joins, in order: as weir_exchange_read; readable(c) after WEIR_AGAIN, or flow_readable(). */
int join_read(struct caching *c, weir_chain *out, size_t want, void (*readable)(void *data));

/* answer.c: from c->object, or from c->reader. */
/* With the status in a response's place, which the hook then returns. */
int answer_status(struct caching *c, const struct store_meta *m);
int answer_object(struct caching *c);
/* With c->object's body under another head. */
int answer_with(struct caching *c, const struct store_meta *m);
int answer_reader(struct caching *c);
/* With c's own fill, stored with the head m, which c->reader reads: r's head is set, but for a join. */
int answer_fill(struct caching *c, const struct store_meta *m);

/* update.c */
void update_start(struct caching *c);
bool update_is(const weir_request *r);

/* forget.c: what the answer to an unsafe request makes invalid; spare: not what is stored under its own key, which is replaced. */
void forget(struct caching *c, const weir_reply *reply, bool spare);
/* Does a field name the URI of the request? */
bool names_target(weir_request *r, const weir_header *h);

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
