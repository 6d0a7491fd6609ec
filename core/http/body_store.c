/* http/body_store.c - keeping a request body: pieces in memory up to client_body_buffer_size, then
 * a file. It has a name when the operator wants files (client_body_in_file_only), or when somebody
 * asks for it ($request_body_file); else it has none, and goes with its descriptor.
 */
#include "http/body_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/file.h"
#include "http/request.h"

enum {
    SMALL = 1024, /* pieces up to this are kept together, */
    BLOCK = 4096  /* in buffers of this size */
};

void
wr_body_store_init(struct wr_body_store *s)
{
    *s = (struct wr_body_store){ .fd = -1 };
}

void
wr_body_store_fini(struct wr_body_store *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
    }
    if (s->file_name.data != NULL && !s->keep_file) {
        (void)unlink(s->file_name.data);
    }
}

/* A random name below the folder for bodies; the folders of its levels, named by its last digits,
 * are made. */
static weir_str
new_name(struct wr_request *r, const struct wr_body_conf *c)
{
    weir_pool *pool = r->pub.pool;
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
            wr_log_errno(&r->log, WR_LOG_CRIT, errno, "mkdir() \"%s\" failed", folder.data);
        }
    }
    return weir_print(pool, "%.*s/%.*s", WEIR_FMT(folder), WEIR_FMT(name));
}

/* A file for the body: unnamed when the system can, else under a random name. */
static int
open_file(struct wr_request *r, struct wr_body_store *s)
{
    const struct wr_body_conf *c = wr_body_conf(r);
    int fd;

    s->keep_file = c->in_file_only == 1;
    if (c->in_file_only == 0) {
        fd = open(c->temp_path.data, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0) {
            return fd;
        }
    }
    s->file_name = new_name(r, c);
    fd = open(s->file_name.data, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        wr_log_errno(&r->log, WR_LOG_CRIT, errno, "open() \"%s\" failed", s->file_name.data);
        s->file_name = (weir_str){ NULL, 0 };
    }
    return fd;
}

static bool
write_chain(struct wr_request *r, struct wr_body_store *s, weir_chain *c)
{
    weir_buf *x;

    while ((x = weir_chain_pop(c)) != NULL) {
        int rc = x->len != 0 ? wr_file_write_all(s->fd, x->data, x->len) : 0;
        if (rc != 0) {
            wr_log_errno(&r->log, WR_LOG_CRIT, -rc, "writing the request body to a file failed");
            return false;
        }
        s->in_file += x->len;
        weir_buf_drop(x);
    }
    return true;
}

/* A client that sends its body byte by byte must not cost a buffer for each. */
static void
keep_small(struct wr_request *r, struct wr_body_store *s, weir_buf *x)
{
    uint8_t *room;

    if (s->block == NULL || s->block_room < x->len) {
        s->block = weir_buf_new(r->pub.pool, BLOCK, &room);
        s->block_room = BLOCK;
        weir_chain_push(&s->chain, s->block);
    }
    memcpy((uint8_t *)(uintptr_t)s->block->data + s->block->len, x->data, x->len);
    s->block->len += x->len;
    s->block_room -= x->len;
    weir_buf_drop(x);
}

void
wr_body_store_queue(struct wr_request *r, struct wr_body_store *s, weir_chain *c)
{
    weir_buf *x;

    while ((x = weir_chain_pop(c)) != NULL) {
        s->in_memory += x->len;
        if (x->len == 0) {
            weir_buf_drop(x); /* the end is noted in `complete` */
        } else if (x->len <= SMALL && x->data != NULL) {
            keep_small(r, s, x);
        } else {
            s->block = NULL;
            weir_chain_push(&s->chain, x);
        }
    }
}

void
wr_body_store_changed(struct wr_body_store *s)
{
    s->in_memory = weir_chain_len(&s->chain);
    s->block = NULL;
}

/* How much may stay in memory. As in nginx, what came with the head does not count as far as
 * client_header_buffer_size has room for it, and a body whose length is known may be longer than
 * its buffer by a quarter: a file costs more than that. */
static uint64_t
memory_max(const struct wr_request *r)
{
    uint64_t max = wr_body_conf(r)->buffer_size, head = wr_server_conf(r)->header_buffer_size;

    if (r->pub.version >= 20) {
        return max;
    }
    if (r->pub.in_length >= 0) {
        max += max / 4;
    }
    return max + (head > r->head_bytes ? head - r->head_bytes : 0);
}

bool
wr_body_store_add(struct wr_request *r, struct wr_body_store *s, weir_chain *c)
{
    uint64_t len = weir_chain_len(c);

    if (s->fd < 0 && (wr_body_conf(r)->in_file_only != 0 || s->in_memory + len > memory_max(r))) {
        s->fd = open_file(r, s);
        if (s->fd < 0 || !write_chain(r, s, &s->chain)) {
            return false;
        }
        s->in_memory = 0;
        s->block = NULL;
    }
    if (s->fd >= 0) {
        return write_chain(r, s, c);
    }
    wr_body_store_queue(r, s, c);
    return true;
}

weir_str
wr_body_store_file(struct wr_request *r, struct wr_body_store *s)
{
    weir_str name, descriptor;

    if (s->fd >= 0 && s->file_name.data == NULL) {
        name = new_name(r, wr_body_conf(r));
        descriptor = weir_print(r->pub.pool, "/proc/self/fd/%d", s->fd);
        if (linkat(AT_FDCWD, descriptor.data, AT_FDCWD, name.data, AT_SYMLINK_FOLLOW) == 0) {
            s->file_name = name;
        } else {
            wr_log_errno(&r->log, WR_LOG_CRIT, errno, "linkat() \"%s\" failed", name.data);
        }
    }
    return s->file_name;
}

weir_chain
wr_body_store_view(struct wr_request *r, const struct wr_body_store *s)
{
    weir_chain c = { NULL, NULL };
    weir_pool *pool = r->pub.pool;

    if (s->fd >= 0) {
        weir_chain_push(&c, weir_buf_file(pool, s->fd, 0, (size_t)s->in_file, false));
    } else {
        for (const weir_buf *x = s->chain.head; x != NULL; x = x->next) {
            weir_chain_push(&c, weir_buf_share(pool, x));
        }
    }
    if (c.tail == NULL) {
        weir_chain_push(&c, weir_buf_mark(pool, WEIR_BUF_LAST));
    }
    c.tail->flags |= WEIR_BUF_LAST;
    return c;
}
