/* cache/fetcher.c - reading a body from its file, a few blocks at a time: at once if the system has
 * them in memory, else by a thread, one job at a time. What came is handed out by reference. */
#include "fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "damage.h"
#include "file.h"
#include "little.h"
#include "opened.h"
#include "path.h"
#include "sys.h"

enum { AHEAD = 4 /* blocks a job */ };

/* Blocks that a job has read; counted by the fetcher and the buffers that show them. */
struct batch {
    uint32_t refs;
    uint64_t at;     /* place of the first byte in the body */
    size_t n;        /* of the body */
    uint8_t bytes[]; /* blocks as they stand in the file, checksums between them */
};

struct fetcher {
    struct store *s;
    weir_pool *owner;
    struct object *o; /* held by the reader */
    struct opened *file;
    struct batch *batch;
    void (*fetched)(void *data);
    void *data;
    bool busy, failed;
};

struct fetch {
    struct fetcher *f; /* not to be touched by the thread */
    const struct store_options *options;
    struct opened *file; /* in: open already; out */
    uint64_t number, hash[2], from, to;
    uint32_t head_size;
    bool temp;
    struct batch *batch;
    int rc;
};

/* ---- In the thread. ---- */

static bool
is_the_one(int fd, uint64_t number)
{
    uint8_t bytes[56];

    return sys_read_all(fd, bytes, sizeof(bytes), 0) == 0 && little_get(bytes + 48, 8) == number;
}

/* On its way, or by its name by now. */
static int
open_file(struct fetch *w)
{
    PATH_ROOM(path);
    int fd = -ENOENT;

    if (w->temp && path_of_temp(path, w->options, w->number)) {
        fd = sys->open(path, O_RDONLY, 0);
    }
    if (fd < 0) {
        fd = path_of(path, w->options, w->hash) ? sys->open(path, O_RDONLY, 0) : -ENOENT;
        if (fd >= 0 && !is_the_one(fd, w->number)) {
            (void)sys->close(fd);
            fd = -ENOENT;
        }
    }
    if (fd < 0) {
        return fd;
    }
    w->file = opened_make(fd, w->number, w->head_size, w->to);
    return w->file != NULL ? 0 : -ENOMEM;
}

/* How many bytes of the body are read at once, from the block of the first one on. */
static size_t
part_of(const struct fetch *w)
{
    uint64_t first = w->from / FILE_BLOCK, end = (first + AHEAD) * FILE_BLOCK;

    return (size_t)((end < w->to ? end : w->to) - first * FILE_BLOCK);
}

static bool
make_batch(struct fetch *w)
{
    w->batch = malloc(sizeof(*w->batch) + opened_size(part_of(w)));
    if (w->batch != NULL) {
        *w->batch = (struct batch){ .refs = 1, .at = w->from - w->from % FILE_BLOCK };
    }
    return w->batch != NULL;
}

static void
work(void *data)
{
    struct fetch *w = data;

    w->rc = w->file == NULL ? open_file(w) : 0;
    if (w->rc == 0) {
        w->rc = w->batch != NULL || make_batch(w)
                    ? opened_read(w->file, w->from / FILE_BLOCK, w->batch->bytes, part_of(w),
                                  &w->batch->n)
                    : -ENOMEM;
    }
}

/* ---- In the loop. ---- */

static void
unref_batch(void *data)
{
    struct batch *b = data;

    if (b != NULL && --b->refs == 0) {
        free(b);
    }
}

static void
dropped(void *data)
{
    struct fetch *w = data;

    unref_batch(w->batch);
    opened_unref(w->file);
    free(w);
}

static void
take(struct fetcher *f, struct fetch *w)
{
    if (f->file == NULL && w->file != NULL) {
        f->file = opened_ref(w->file);
    }
    if (w->batch != NULL && w->batch->n != 0) { /* what came before the damage is good */
        unref_batch(f->batch);
        f->batch = w->batch;
        w->batch = NULL;
    } else {
        f->failed = true;
    }
    if (w->rc == -EBADMSG || w->rc == -EIO) {
        damage_found(f->s, w->hash, w->number);
    }
    dropped(w);
}

static void
done(void *data)
{
    struct fetch *w = data;
    struct fetcher *f = w->f;

    f->busy = false;
    take(f, w);
    f->fetched(f->data);
}

/* What the system has in memory needs no thread. */
static bool
read_now(struct fetch *w)
{
    return w->file != NULL && make_batch(w) &&
           opened_read_now(w->file, w->from / FILE_BLOCK, w->batch->bytes, part_of(w), &w->batch->n,
                           &w->rc);
}

static void
owner_ended(void *data)
{
    struct fetcher *f = data;

    unref_batch(f->batch);
    opened_unref(f->file);
}

struct fetcher *
fetcher_make(struct store *s, weir_pool *owner, struct object *o, struct opened *file,
             void (*fetched)(void *data), void *data)
{
    struct fetcher *f = weir_zalloc(owner, sizeof(*f));

    *f = (struct fetcher){ .s = s, .owner = owner, .o = o, .fetched = fetched, .data = data };
    f->file = file != NULL ? opened_ref(file) : NULL;
    weir_on_end(owner, owner_ended, f);
    return f;
}

/* Up to which byte of the body the file can be read: whole blocks, or all. */
static uint64_t
readable(const struct fetcher *f)
{
    struct body *b = f->o->body;
    uint32_t state = atomic_load(&b->state);
    uint64_t there = atomic_load(&b->on_disk);

    return state == BODY_WHOLE ? there : there - there % FILE_BLOCK;
}

static int
start(struct fetcher *f, uint64_t at)
{
    struct fetch *w;
    uint64_t to = readable(f);

    if (at >= to || (w = calloc(1, sizeof(*w))) == NULL) {
        return WEIR_CLOSED;
    }
    *w = (struct fetch){ .f = f, .options = &f->s->o, .number = f->o->body->file, .from = at };
    w->to = to;
    w->hash[0] = f->o->hash[0];
    w->hash[1] = f->o->hash[1];
    w->head_size = f->o->body->head_size;
    w->temp = f->o->body->temp || f->o->body->linked;
    w->file = f->file != NULL ? opened_ref(f->file) : NULL;
    if (read_now(w)) {
        take(f, w);
        return WEIR_OK;
    }
    if (weir_offload(f->owner, work, done, dropped, w) != WEIR_OK) {
        dropped(w);
        return WEIR_CLOSED;
    }
    f->busy = true;
    return WEIR_AGAIN;
}

static bool
has(const struct batch *b, uint64_t at)
{
    return b != NULL && at >= b->at && at < b->at + b->n;
}

int
fetcher_take(struct fetcher *f, weir_pool *pool, weir_chain *out, uint64_t *at, uint64_t upto)
{
    struct batch *b = f->batch;
    uint64_t end;

    if (!has(b, *at)) {
        int rc = f->busy ? WEIR_AGAIN : f->failed ? WEIR_CLOSED : start(f, *at);
        b = f->batch;
        if (rc != WEIR_OK || !has(b, *at)) {
            return rc != WEIR_OK ? rc : WEIR_CLOSED;
        }
    }
    end = b->at + b->n < upto ? b->at + b->n : upto;
    while (*at < end) { /* block by block */
        uint64_t skip = *at - b->at, i = skip / FILE_BLOCK, left = FILE_BLOCK - skip % FILE_BLOCK;
        size_t n = (size_t)(end - *at < left ? end - *at : left);
        weir_str part = { (const char *)b->bytes + skip + i * FILE_CRC, n };
        b->refs++;
        weir_chain_push(out, weir_buf_extern(pool, part, unref_batch, b));
        *at += n;
    }
    return WEIR_OK;
}
