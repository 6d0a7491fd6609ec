/* weir/cache.h - the cache's door for modules that bring responses from elsewhere (proxy, fastcgi, ...). A draft: an interface
 * found by name, outside the stability promise while its id says so.
 *
 * A module whose content hook makes responses that may be kept asks the cache first, and tells it what came:
 *
 *     open()    -> answered from the store, waiting for another's fetch, or "fetch it"
 *     request() -> what the request to the origin has to differ in (validators of a stored response, no Range)
 *     reply()   -> the head came: pass it on as without a cache, keep it, ask anew, or the store answers (304, stale)
 *     leave()   -> it was to be kept, and r is answered otherwise after all
 *     refuse()  -> it was to be kept, and an error_page takes its place: that is kept
 *     keep()    -> r's head is set: the cache reads the exchange's body and answers r, and everybody who waits, from it
 *     failed()  -> no reply: a stale response may answer
 *
 * All in the worker's loop, all about the request that open() said "fetch" to. The cache is the module `cache`; where none of its
 * directives stands, weir_interface_find() has no such table, and nothing of this costs anything.
 */
#ifndef WEIR_CACHE_H
#define WEIR_CACHE_H

#include "base.h"
#include "request.h"
#include "upstream.h"

WEIR_BEGIN

#define WEIR_CACHE_ID "weir.cache/draft-2"

enum weir_cache_family { WEIR_CACHE_PROXY, WEIR_CACHE_FASTCGI, WEIR_CACHE_UWSGI, WEIR_CACHE_SCGI, WEIR_CACHE_FAMILIES };

/* What reply() answers besides what hooks do: WEIR_OK would say WEIR_NEXT. WEIR_ANEW, of keep() as well: the reply answers nothing
 * by itself; end the exchange and fetch once more, request() says how. Only for a request without a body, and once a request. */
#define WEIR_KEEP 1
#define WEIR_ANEW 2

enum weir_keep_flag {
    WEIR_KEEP_TRAILERS = 1u << 0 /* they are passed on: keep them, and give them to clients that take them */
};

/* What the request to the origin has to differ in. */
typedef struct weir_cache_request { /* filled by the cache; prefix */
    uint64_t           dropped; /* the client's fields that are not sent, by 1 << WEIR_H_* */
    const weir_header *added;   /* sent besides; by ->next */
    bool               as_get;  /* a HEAD is sent as GET */
    bool               shared;  /* what comes is given to others, too: let it be all there may be, with trailers */
} weir_cache_request;

/* Who fetches. */
typedef struct weir_cache_source { /* constant; of the module's */
    uint32_t size; /* sizeof(weir_cache_source) */
    uint32_t flags;
    /* Fetch: what it returns is what r's content hook is taken to have returned (it may suspend anew). */
    int (*fetch)(weir_request *r, void *data);
    /* Do the settings, not the client, say this field of the request to the origin? Then true, and its value; empty: it is not sent.
     * Vary is about what the origin sees. NULL: there are no such fields. */
    bool (*sets)(weir_request *r, void *data, weir_str name, weir_str *value);
} weir_cache_source;

typedef struct weir_cache { /* constant */
    uint32_t size; /* sizeof(weir_cache) */
    uint32_t flags;
    /* Does the block of settings that r is in cache for this family at all? A load and a comparison. */
    bool (*wanted)(const weir_request *r, enum weir_cache_family family);
    /* In a content hook, before anything is sent. What the hook returns; WEIR_NEXT: no cache for r, or r is the one that fetches:
     * go on. After WEIR_AGAIN the cache may find that r has to fetch after all: it then calls by->fetch(r, data) from the loop. */
    int (*open)(weir_request *r, enum weir_cache_family family, const weir_cache_source *by, void *data);
    /* Does the cache want to hear of r's fetch? Then what the request has to differ in; false: the other calls are not made. */
    bool (*request)(weir_request *r, weir_cache_request *change);
    /* The head came (the last one, after retries). WEIR_NEXT: answer r with it as without a cache. WEIR_KEEP: fill r's head from
     * it, its Date and Age too, and call keep(), leave() or refuse(). WEIR_ANEW: see there. Else r is answered: end the exchange, and the hook returns that. ignored:
     * fields of the reply that say nothing here (proxy_ignore_headers), by 1 << WEIR_H_*; bit 0 stands for X-Accel-Expires. */
    int (*reply)(weir_request *r, const weir_reply *reply, uint64_t ignored);
    void (*leave)(weir_request *r);
    /* The hook is about to return the reply's status, for which r's block has an error_page. For as long as the reply would have been
     * kept, open() then answers with this status and the WWW-Authenticate that r has now, where there is an error_page for it. */
    void (*refuse)(weir_request *r);
    /* flags: WEIR_KEEP_*. After WEIR_KEEP, with r's status, fields and length set as they are to be stored. WEIR_NEXT: there is no room: answer r as
     * without a cache. WEIR_ANEW: see there. Else x's body is the cache's from here on, and the hook returns that; call readable() when x's ops say
     * so. */
    int (*keep)(weir_request *r, weir_exchange *x, uint32_t flags);
    void (*readable)(weir_request *r);
    /* No reply; result as the exchange gave it, r would be answered with status. false: do so; true: resume r with answer(), which
     * answers from the store. */
    bool (*failed)(weir_request *r, uint32_t status, int result);
    int (*answer)(weir_request *r, void *unused);
    /* For weir -M URL, where wanted(): what holds for such a request, in lines of the calling module's hook. */
    void (*explain)(weir_request *r, enum weir_cache_family family, weir_explain *to);
} weir_cache;

WEIR_END
#endif
