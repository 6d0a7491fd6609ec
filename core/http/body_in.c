/* http/body_in.c - collecting a request body: filters, memory, the temporary file, limits, and
 * telling who asked.
 *
 * Bytes come from the driver as they arrive. They run through the REQUEST_BODY hooks of the
 * location's plan; what comes out is kept in memory up to client_body_buffer_size and then moved to
 * a file that has no name, or a name when the operator wants files (client_body_in_file_only).
 */
#include "http/body_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/file.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/ticket.h"
#include "module/running.h"
#include "net/buf.h"

enum {
    SMALL = 1024, /* pieces up to this are kept together, */
    BLOCK = 4096  /* in buffers of this size */
};

struct wr_body_in {
    weir_chain chain; /* what has been kept in memory */
    weir_buf
        *block; /* its last buffer, if small pieces go there; NULL: it is full, or there is none */
    size_t block_room;  /* bytes free behind it */
    weir_chain *left;   /* by REQUEST_BODY hook: what it left on `in` */
    uint64_t came;      /* bytes so far, before filters */
    uint64_t in_memory; /* bytes of chain */
    uint64_t in_file;   /* bytes of the file */
    uint64_t max;       /* 0: no limit */
    int fd;             /* the temporary file; -1: none */
    bool keep_file;     /* client_body_in_file_only on: it stays */
    weir_str file_name; /* absent: it has none */
    bool wanted, complete, failed, told;
    int result; /* for done */
    weir_body_done done;
    void *data;
    struct wr_task task;
    struct wr_request *r;
    struct wr_owned owned;
};

static void
body_end(struct wr_owned *o)
{
    struct wr_body_in *b = WR_CONTAINER(o, struct wr_body_in, owned);

    wr_task_remove(&b->task);
    if (b->fd >= 0) {
        (void)close(b->fd);
    }
    if (b->file_name.data != NULL && !b->keep_file) {
        (void)unlink(b->file_name.data);
    }
}

/* ---- Telling. ---- */

/* The body as a chain for done: memory, or the file as one buffer. */
static weir_chain
result_chain(struct wr_body_in *b)
{
    weir_chain c = { NULL, NULL };
    weir_pool *pool = b->r->pub.pool;

    if (b->fd >= 0) {
        weir_chain_push(&c, weir_buf_file(pool, b->fd, 0, (size_t)b->in_file, false));
    } else {
        for (const weir_buf *x = b->chain.head; x != NULL; x = x->next) {
            weir_chain_push(&c, weir_buf_share(pool, x));
        }
    }
    if (c.tail == NULL) {
        weir_chain_push(&c, weir_buf_mark(pool, WEIR_BUF_LAST));
    }
    c.tail->flags |= WEIR_BUF_LAST;
    return c;
}

/* In a task: call done once; what it returns is what the suspended hook returned. */
static void
tell(struct wr_task *t)
{
    struct wr_body_in *b = WR_CONTAINER(t, struct wr_body_in, task);
    struct wr_request *r = b->r;
    weir_chain c = { NULL, NULL };
    int rc;

    if (b->told || r->ended) {
        return;
    }
    b->told = true;
    if (b->result == WEIR_OK) {
        c = result_chain(b);
    }
    wr_ticket_cancel(r, WR_CALLING_PHASE); /* ours; done may take one of its own */
    r->calling = WR_CALLING_PHASE;
    rc = b->done(&r->pub, b->data, b->result, &c);
    r->calling = WR_CALLING_NOTHING;
    if (!wr_ticket_settle(r, WR_CALLING_PHASE, NULL, rc)) {
        wr_request_resumed(r, WR_CALLING_PHASE, rc);
    }
}

static void
settle(struct wr_body_in *b, int result)
{
    if (!b->complete && !b->failed) {
        b->complete = result == WEIR_OK;
        b->failed = !b->complete;
        b->result = result;
    }
    if (b->wanted && !b->told) {
        wr_task_add(wr_loop_self(), &b->task);
    }
}

/* ---- Keeping. ---- */

/* A random name below the folder for bodies; the folders of its levels, named by its last digits,
 * are made. */
static weir_str
new_name(struct wr_body_in *b, const struct wr_body_conf *c)
{
    weir_pool *pool = b->r->pub.pool;
    weir_str folder = c->temp_path, name;
    uint64_t nonce;

    weir_random(&nonce, sizeof(nonce));
    name = weir_print(pool, "%016llx", (unsigned long long)nonce);
    for (size_t i = 0, end = name.len; i < WR_COUNT(c->temp_levels) && c->temp_levels[i] != 0;
         i++) {
        end -= c->temp_levels[i];
        folder = weir_print(pool, "%.*s/%.*s", WEIR_FMT(folder), (int)c->temp_levels[i],
                            name.data + end);
        if (mkdir(folder.data, 0700) != 0 && errno != EEXIST) {
            wr_log_errno(&b->r->log, WR_LOG_CRIT, errno, "mkdir() \"%s\" failed", folder.data);
        }
    }
    return weir_print(pool, "%.*s/%.*s", WEIR_FMT(folder), WEIR_FMT(name));
}

/* A file for the body: unnamed when the system can, else named by request and random. */
static int
open_file(struct wr_body_in *b)
{
    const struct wr_body_conf *c = wr_body_conf(b->r);
    int fd;

    b->keep_file = c->in_file_only == 1;
    if (c->in_file_only == 0) {
        fd = open(c->temp_path.data, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0) {
            return fd;
        }
    }
    b->file_name = new_name(b, c);
    fd = open(b->file_name.data, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        wr_log_errno(&b->r->log, WR_LOG_CRIT, errno, "open() \"%s\" failed", b->file_name.data);
        b->file_name = (weir_str){ NULL, 0 };
    }
    return fd;
}

static bool
write_chain(struct wr_body_in *b, weir_chain *c)
{
    weir_buf *x;

    while ((x = weir_chain_pop(c)) != NULL) {
        int rc = x->len != 0 ? wr_file_write_all(b->fd, x->data, x->len) : 0;
        if (rc != 0) {
            wr_log_errno(&b->r->log, WR_LOG_CRIT, -rc, "writing the request body to a file failed");
            return false;
        }
        b->in_file += x->len;
        weir_buf_drop(x);
    }
    return true;
}

/* A client that sends its body byte by byte must not cost a buffer for each. */
static void
keep_small(struct wr_body_in *b, weir_buf *x)
{
    uint8_t *room;

    if (b->block == NULL || b->block_room < x->len) {
        b->block = weir_buf_new(b->r->pub.pool, BLOCK, &room);
        b->block_room = BLOCK;
        weir_chain_push(&b->chain, b->block);
    }
    memcpy((uint8_t *)(uintptr_t)b->block->data + b->block->len, x->data, x->len);
    b->block->len += x->len;
    b->block_room -= x->len;
    weir_buf_drop(x);
}

static void
keep_in_memory(struct wr_body_in *b, weir_chain *c)
{
    weir_buf *x;

    while ((x = weir_chain_pop(c)) != NULL) {
        b->in_memory += x->len;
        if (x->len == 0) {
            weir_buf_drop(x); /* the end is noted in `complete` */
        } else if (x->len <= SMALL && x->data != NULL) {
            keep_small(b, x);
        } else {
            b->block = NULL;
            weir_chain_push(&b->chain, x);
        }
    }
}

/* What came out of the filters. */
static bool
keep(struct wr_body_in *b, weir_chain *c)
{
    const struct wr_body_conf *conf = wr_body_conf(b->r);
    uint64_t len = weir_chain_len(c);

    if (b->fd < 0 && (b->in_memory + len > conf->buffer_size ||
                      (conf->in_file_only != 0 && b->in_memory + len != 0))) {
        b->fd = open_file(b);
        if (b->fd < 0 || !write_chain(b, &b->chain)) {
            return false;
        }
        b->in_memory = 0;
        b->block = NULL;
    }
    if (b->fd >= 0) {
        return write_chain(b, c);
    }
    keep_in_memory(b, c);
    return true;
}

/* Through the request body filters, in order. */
static bool
filter(struct wr_body_in *b, weir_chain *piece)
{
    const struct wr_plan_phase *p = &b->r->plan->phase[WEIR_PHASE_REQUEST_BODY];

    if (p->n != 0 && b->left == NULL) {
        b->left = wr_pool_array(b->r->pub.pool, weir_chain, p->n);
    }
    for (uint32_t i = 0; i < p->n; i++) {
        weir_chain out = { NULL, NULL };
        int rc;
        weir_chain_take(&b->left[i], piece);
        wr_running_enter(p->at[i].module, &b->r->pub, WEIR_PHASE_REQUEST_BODY);
        rc = p->at[i].body(&b->r->pub, b->r->pub.conf[p->at[i].slot], &b->left[i], &out);
        wr_running_leave();
        if (rc != WEIR_NEXT || weir_chain_len(&b->left[i]) > WR_LIMIT_FILTER_KEEP) {
            wr_say(&b->r->log, ERROR, "request body filter of module \"%s\" failed",
                   p->at[i].module);
            return false;
        }
        *piece = out;
    }
    return keep(b, piece);
}

static struct wr_body_in *
body_of(struct wr_request *r)
{
    struct wr_body_in *b = r->body;

    if (b == NULL) {
        b = wr_pool_zalloc(r->pub.pool, sizeof(*b));
        b->fd = -1;
        b->r = r;
        b->max = wr_body_conf(r)->max_size;
        wr_task_init(&b->task, tell);
        wr_pool_own(r->pub.pool, &b->owned, body_end);
        r->body = b;
    }
    return b;
}

bool
wr_body_push(struct wr_request *r, const void *bytes, size_t len, bool last)
{
    struct wr_body_in *b = body_of(r);
    weir_chain piece = { NULL, NULL };

    if (b->failed || b->complete) {
        return false;
    }
    b->came += len;
    if (b->max != 0 && b->came > b->max) {
        wr_say(&r->log, ERROR, "client intended to send too large body");
        settle(b, WEIR_LIMIT);
        return false;
    }
    if (len != 0) {
        weir_chain_push(&piece, weir_buf_copy(r->pub.pool, (weir_str){ bytes, len }));
    }
    if (last) {
        weir_chain_push(&piece, weir_buf_mark(r->pub.pool, WEIR_BUF_LAST));
    }
    if (!filter(b, &piece)) {
        settle(b, WEIR_ERROR);
        return false;
    }
    if (last) {
        settle(b, WEIR_OK);
    }
    return !last;
}

void
wr_body_failed(struct wr_request *r, uint32_t status)
{
    struct wr_body_in *b = body_of(r);

    settle(b, status == 408 ? WEIR_TIMEOUT : status == 400 ? WEIR_INVALID : WEIR_CLOSED);
}

bool
wr_body_wanted(const struct wr_request *r)
{
    return r->body != NULL && r->body->wanted && !r->body->complete && !r->body->failed;
}

bool
wr_body_due(const struct wr_request *r)
{
    return r->body != NULL && r->body->wanted && !r->body->told && !wr_body_wanted(r);
}

int
weir_read_body(weir_request *pub, uint64_t max, weir_body_done done, void *data)
{
    struct wr_request *r = wr_request_of(pub);
    struct wr_body_in *b = body_of(r);

    if (b->wanted && !b->told) {
        return WEIR_ERROR; /* somebody is reading it already */
    }
    if (max != 0 && (b->max == 0 || max < b->max)) {
        b->max = max;
    }
    if (r->calling != WR_CALLING_PHASE || weir_suspend(pub, WR_LIMIT_BODY_MS, NULL, NULL) == NULL) {
        return WEIR_ERROR;
    }
    b->wanted = true;
    b->told = false;
    b->done = done;
    b->data = data;
    if (b->max != 0 && pub->in_length > 0 && (uint64_t)pub->in_length > b->max) {
        settle(b, WEIR_LIMIT);
    } else if (!(pub->flags & WEIR_R_HAS_BODY) && !b->complete) {
        settle(b, WEIR_OK);
    } else if (b->complete || b->failed) {
        settle(b, b->result);
    } else {
        r->driver->want_body(r);
    }
    return WEIR_AGAIN;
}

int
weir_body_status(int result)
{
    switch (result) {
    case WEIR_LIMIT:
        return 413;
    case WEIR_TIMEOUT:
        return 408;
    case WEIR_INVALID:
        return 400;
    case WEIR_CLOSED:
        return 499;
    default:
        return 500;
    }
}

/* ---- Variables. ---- */

weir_str
wr_body_text(struct wr_request *r)
{
    if (r->body == NULL || !r->body->complete || r->body->fd >= 0) {
        return (weir_str){ NULL, 0 };
    }
    return weir_chain_str(r->pub.pool, &r->body->chain, (size_t)r->body->in_memory);
}

weir_str
wr_body_file(struct wr_request *r)
{
    return r->body != NULL ? r->body->file_name : (weir_str){ NULL, 0 };
}
