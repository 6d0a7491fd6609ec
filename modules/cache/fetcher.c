/* cache/fetcher.c - reading a body from its file. One job at a time, a few blocks ahead; what came
 * is handed out by reference. */
#include "fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "damage.h"
#include "file.h"
#include "opened.h"
#include "path.h"
#include "sys.h"

enum { AHEAD = 4 /* blocks a job */, ROOM = FILE_BLOCK + FILE_CRC };

/* Blocks that a job has read; counted by the fetcher and the buffers that show them. */
struct batch {
    uint32_t refs;
    uint64_t at; /* place of the first byte in the body */
    size_t n;
    uint8_t bytes[];
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
    bool temp, was_open;
    struct batch *batch;
    int rc;
};

/* ---- In the thread. ---- */

static bool
is_the_one(int fd, uint64_t number)
{
    uint8_t bytes[56];
    uint64_t is = 0;

    if (sys_read_all(fd, bytes, sizeof(bytes), 0) != 0) {
        return false;
    }
    for (int i = 0; i < 8; i++) {
        is |= (uint64_t)bytes[48 + i] << 8 * i;
    }
    return is == number;
}

/* On its way, or by its name by now. */
static int
open_file(struct fetch *w)
{
    char path[PATH_SIZE];
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

static void
work(void *data)
{
    struct fetch *w = data;
    uint64_t first = w->from / FILE_BLOCK;
    uint64_t end = (first + AHEAD) * FILE_BLOCK < w->to ? (first + AHEAD) * FILE_BLOCK : w->to;

    w->rc = w->file == NULL ? open_file(w) : 0;
    w->batch = malloc(sizeof(*w->batch) + (size_t)(end - first * FILE_BLOCK) + FILE_CRC);
    if (w->batch == NULL) {
        w->rc = w->rc != 0 ? w->rc : -ENOMEM;
        return;
    }
    *w->batch = (struct batch){ .refs = 1, .at = first * FILE_BLOCK };
    for (uint64_t i = first; w->rc == 0 && i * FILE_BLOCK < end; i++) {
        size_t n = end - i * FILE_BLOCK < FILE_BLOCK ? (size_t)(end - i * FILE_BLOCK) : FILE_BLOCK;
        w->rc = opened_read_block(w->file, i, w->batch->bytes + w->batch->n, n);
        w->batch->n += w->rc == 0 ? n : 0;
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
done(void *data)
{
    struct fetch *w = data;
    struct fetcher *f = w->f;

    f->busy = false;
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
    f->fetched(f->data);
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
    w->temp = f->o->body->temp;
    w->file = f->file != NULL ? opened_ref(f->file) : NULL;
    if (weir_offload(f->owner, work, done, dropped, w) != WEIR_OK) {
        dropped(w);
        return WEIR_CLOSED;
    }
    f->busy = true;
    return WEIR_AGAIN;
}

int
fetcher_take(struct fetcher *f, weir_pool *pool, weir_chain *out, uint64_t *at, uint64_t upto)
{
    struct batch *b = f->batch;
    uint64_t end;

    if (b == NULL || *at < b->at || *at >= b->at + b->n) {
        return f->busy ? WEIR_AGAIN : f->failed ? WEIR_CLOSED : start(f, *at);
    }
    end = b->at + b->n < upto ? b->at + b->n : upto;
    b->refs++;
    weir_chain_push(out, weir_buf_extern(pool,
                                         (weir_str){ (const char *)b->bytes + (*at - b->at),
                                                     (size_t)(end - *at) },
                                         unref_batch, b));
    *at = end;
    return WEIR_OK;
}
