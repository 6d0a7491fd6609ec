/* net/buf.c - buffers, their stores, and chains of them: the functions of <weir/body.h>. */
#include "net/buf.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"

/* ---- Stores. ---- */

static void
store_free(struct wr_store *s)
{
    if (s->release != NULL) {
        s->release(s->data);
    }
    if (s->fd >= 0) {
        (void)close(s->fd);
    }
    s->pool->held -= s->bytes;
    free(s);
}

static void
store_owner_ended(struct wr_owned *o)
{
    store_free(WR_CONTAINER(o, struct wr_store, owned));
}

/* A store with room for `bytes` bytes behind it. */
static struct wr_store *
store_create(weir_pool *pool, size_t bytes)
{
    struct wr_store *s;

    WR_ASSERT(bytes < SIZE_MAX / 2);
    s = malloc(sizeof(*s) + bytes);
    if (s == NULL) {
        wr_log_line(wr_log_process(), WR_LOG_EMERG, "no memory: %zu bytes for a buffer", bytes);
        abort();
    }
    *s = (struct wr_store){ .pool = pool, .refs = 1, .bytes = bytes, .fd = -1 };
    s->memory = (uint8_t *)(s + 1);
    pool->held += bytes;
    wr_pool_own(pool, &s->owned, store_owner_ended);
    return s;
}

static void
store_unref(struct wr_store *s)
{
    if (s != NULL && --s->refs == 0) {
        wr_pool_disown(&s->owned);
        store_free(s);
    }
}

/* ---- Buffers. ---- */

weir_buf *
wr_buf_create(weir_pool *pool)
{
    struct wr_buf *b = pool->spare;

    if (b != NULL) {
        pool->spare = b->pub.next;
    } else {
        b = wr_pool_alloc(pool, sizeof(*b));
    }
    *b = (struct wr_buf){ .pool = pool, .fd = -1 };
    return &b->pub;
}

void
weir_buf_drop(weir_buf *b)
{
    struct wr_buf *own = wr_buf_of(b);

    store_unref(own->store);
    own->store = NULL;
    b->next = own->pool->spare;
    own->pool->spare = own;
}

weir_buf *
weir_buf_ref(weir_pool *pool, weir_str bytes)
{
    weir_buf *b = wr_buf_create(pool);

    b->data = (const uint8_t *)bytes.data;
    b->len = bytes.len;
    return b;
}

weir_buf *
weir_buf_new(weir_pool *pool, size_t size, uint8_t **room)
{
    weir_buf *b = wr_buf_create(pool);
    struct wr_store *s = store_create(pool, size);

    wr_buf_of(b)->store = s;
    b->data = s->memory;
    *room = s->memory;
    return b;
}

weir_buf *
weir_buf_copy(weir_pool *pool, weir_str bytes)
{
    uint8_t *room;
    weir_buf *b = weir_buf_new(pool, bytes.len, &room);

    if (bytes.len != 0) {
        memcpy(room, bytes.data, bytes.len);
    }
    b->len = bytes.len;
    return b;
}

weir_buf *
weir_buf_file(weir_pool *pool, int fd, int64_t offset, size_t len, bool close_fd)
{
    weir_buf *b = wr_buf_create(pool);

    b->len = len;
    b->flags = WEIR_BUF_FILE;
    wr_buf_of(b)->fd = fd;
    wr_buf_of(b)->offset = offset;
    if (close_fd) {
        wr_buf_of(b)->store = store_create(pool, 0);
        wr_buf_of(b)->store->fd = fd;
    }
    return b;
}

weir_buf *
weir_buf_mark(weir_pool *pool, uint32_t flags)
{
    weir_buf *b = wr_buf_create(pool);

    b->data = (const uint8_t *)"";
    b->flags = flags & (WEIR_BUF_LAST | WEIR_BUF_FLUSH);
    return b;
}

weir_buf *
weir_buf_extern(weir_pool *pool, weir_str bytes, void (*release)(void *data), void *data)
{
    weir_buf *b = weir_buf_ref(pool, bytes);
    struct wr_store *s = store_create(pool, 0);

    s->release = release;
    s->data = data;
    wr_buf_of(b)->store = s;
    return b;
}

weir_buf *
weir_buf_share(weir_pool *pool, const weir_buf *b)
{
    weir_buf *other = wr_buf_create(pool);
    struct wr_buf *to = wr_buf_of(other);
    const struct wr_buf *from = wr_buf_of(b);

    other->data = b->data;
    other->len = b->len;
    other->flags = b->flags & WEIR_BUF_FILE;
    to->fd = from->fd;
    to->offset = from->offset;
    to->store = from->store;
    if (to->store != NULL) {
        to->store->refs++;
    }
    return other;
}

uint8_t *
weir_buf_own(weir_pool *pool, weir_buf *b)
{
    struct wr_buf *own = wr_buf_of(b);
    struct wr_store *s = own->store;

    if (b->flags & (WEIR_BUF_FILE | WEIR_BUF_SUB)) {
        return NULL;
    }
    if (s == NULL || s->refs != 1 || s->bytes == 0) {
        struct wr_store *copy = store_create(pool, b->len);
        if (b->len != 0) {
            memcpy(copy->memory, b->data, b->len);
        }
        store_unref(s);
        own->store = copy;
        b->data = copy->memory;
    }
    return (uint8_t *)(uintptr_t)b->data;
}

int
weir_buf_file_at(const weir_buf *b, int *fd, int64_t *offset)
{
    if (!(b->flags & WEIR_BUF_FILE)) {
        return WEIR_ABSENT;
    }
    *fd = wr_buf_of(b)->fd;
    *offset = wr_buf_of(b)->offset;
    return WEIR_OK;
}

void
wr_buf_consume(weir_buf *b, size_t n)
{
    WR_ASSERT(n <= b->len);
    b->len -= n;
    if (b->flags & WEIR_BUF_FILE) {
        wr_buf_of(b)->offset += (int64_t)n;
    } else {
        b->data += n;
    }
}

/* ---- Chains. ---- */

void
wr_chain_drop(weir_chain *c)
{
    weir_buf *b;

    while ((b = weir_chain_pop(c)) != NULL) {
        weir_buf_drop(b);
    }
}

bool
wr_chain_has(const weir_chain *c, uint32_t flag)
{
    for (const weir_buf *b = c->head; b != NULL; b = b->next) {
        if (b->flags & flag) {
            return true;
        }
    }
    return false;
}

void
weir_chain_move(weir_pool *pool, weir_chain *to, weir_chain *from, size_t n)
{
    while (from->head != NULL) {
        weir_buf *b = from->head, *part;
        if (b->len <= n) {
            n -= b->len;
            weir_chain_push(to, weir_chain_pop(from));
            continue;
        }
        if (n == 0) {
            return;
        }
        part = weir_buf_share(pool, b);
        part->len = n;
        wr_buf_consume(b, n);
        weir_chain_push(to, part);
        return;
    }
}

void
weir_chain_skip(weir_chain *c, size_t n)
{
    uint32_t marks = 0;
    weir_buf *b, *mark;

    while ((b = c->head) != NULL && (b->len < n || (b->len == n && n != 0))) {
        n -= b->len;
        marks |= b->flags & (WEIR_BUF_LAST | WEIR_BUF_FLUSH);
        mark = weir_chain_pop(c);
        if (c->head == NULL && marks != 0) { /* its marks stay, on what is now an empty buffer */
            wr_buf_consume(mark, mark->len);
            mark->flags = mark->flags | marks;
            weir_chain_push(c, mark);
            return;
        }
        weir_buf_drop(mark);
    }
    if (b != NULL && n != 0) {
        wr_buf_consume(b, n);
    }
    if (b != NULL && marks & WEIR_BUF_FLUSH) {
        b->flags |= WEIR_BUF_FLUSH;
    }
}

uint64_t
weir_chain_len(const weir_chain *c)
{
    uint64_t n = 0;

    for (const weir_buf *b = c->head; b != NULL; b = b->next) {
        n += b->len;
    }
    return n;
}

/* Does `what` begin at byte i of b and go on through what follows? WEIR_OK, WEIR_ABSENT, or WEIR_AGAIN at the chain's end. */
static int
matches_at(const weir_buf *b, size_t i, weir_str what)
{
    size_t done = 0;

    for (;;) {
        size_t n = WR_MIN(b->len - i, what.len - done);
        if (n != 0 && memcmp(b->data + i, what.data + done, n) != 0) {
            return WEIR_ABSENT;
        }
        done += n;
        if (done == what.len) {
            return WEIR_OK;
        }
        if (b->flags & WEIR_BUF_LAST) {
            return WEIR_ABSENT;
        }
        b = b->next;
        i = 0;
        if (b == NULL) {
            return WEIR_AGAIN;
        }
        if (b->flags & (WEIR_BUF_FILE | WEIR_BUF_SUB)) {
            return WEIR_ABSENT;
        }
    }
}

int
weir_chain_find(const weir_chain *c, weir_str what, size_t *at)
{
    size_t before = 0;

    WR_ASSERT(what.len != 0);
    for (const weir_buf *b = c->head; b != NULL; b = b->next) {
        const uint8_t *p = b->data, *end = p + b->len;
        if (b->flags & (WEIR_BUF_FILE | WEIR_BUF_SUB)) {
            before += b->len;
            continue;
        }
        while (p != end && (p = memchr(p, what.data[0], (size_t)(end - p))) != NULL) {
            int rc = matches_at(b, (size_t)(p - b->data), what);
            if (rc != WEIR_ABSENT) {
                *at = before + (size_t)(p - b->data);
                return rc;
            }
            p++;
        }
        before += b->len;
    }
    *at = before;
    return WEIR_ABSENT;
}

/* Are the first n bytes there, and all of them in memory? */
static bool
in_memory(const weir_chain *c, size_t n)
{
    for (const weir_buf *b = c->head; b != NULL && n != 0; b = b->next) {
        if (b->flags & (WEIR_BUF_FILE | WEIR_BUF_SUB)) {
            return false;
        }
        n -= WR_MIN(n, b->len);
    }
    return n == 0;
}

const uint8_t *
weir_chain_peek(weir_pool *pool, weir_chain *c, size_t n)
{
    weir_chain front = { NULL, NULL };
    weir_buf *joined;
    uint8_t *room;

    if (!in_memory(c, n)) {
        return NULL;
    }
    if (c->head != NULL && c->head->len >= n && c->head->data != NULL) {
        return c->head->data;
    }
    weir_chain_move(pool, &front, c, n);
    joined = weir_buf_new(pool, n, &room);
    for (weir_buf *b; (b = weir_chain_pop(&front)) != NULL;) {
        if (b->len != 0) {
            memcpy(room + joined->len, b->data, b->len);
        }
        joined->len += b->len;
        joined->flags |= b->flags & (WEIR_BUF_LAST | WEIR_BUF_FLUSH);
        weir_buf_drop(b);
    }
    joined->next = c->head;
    c->tail = c->head == NULL ? joined : c->tail;
    c->head = joined;
    return joined->data;
}

weir_str
weir_chain_str(weir_pool *pool, const weir_chain *c, size_t max)
{
    uint64_t len = weir_chain_len(c);
    weir_str none = { NULL, 0 };
    char *to;
    size_t at = 0;

    if (len > max || wr_chain_has(c, WEIR_BUF_FILE | WEIR_BUF_SUB)) {
        return none;
    }
    for (const weir_buf *b = c->head; b != NULL; b = b->next) {
        if (b->len == len && len != 0) {
            return (weir_str){ (const char *)b->data, b->len };
        }
    }
    to = wr_pool_alloc(pool, (size_t)len + 1);
    for (const weir_buf *b = c->head; b != NULL; b = b->next) {
        if (b->len != 0) {
            memcpy(to + at, b->data, b->len);
            at += b->len;
        }
    }
    to[at] = '\0';
    return (weir_str){ to, at };
}
