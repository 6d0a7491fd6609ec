/* cache/opened.c - open files. */
#include "opened.h"

#include <errno.h>
#include <stdlib.h>

#include "entry.h"
#include "file.h"
#include "little.h"
#include "sys.h"

struct opened *
opened_make(int fd, uint64_t file, uint32_t head_size, uint64_t length)
{
    struct opened *o = malloc(sizeof(*o));

    if (o == NULL) {
        (void)sys->close(fd);
        return NULL;
    }
    *o = (struct opened){
        .fd = fd, .refs = 1, .head_size = head_size, .file = file, .length = length
    };
    return o;
}

struct opened *
opened_ref(struct opened *o)
{
    o->refs++;
    return o;
}

void
opened_unref(struct opened *o)
{
    if (o != NULL && --o->refs == 0) {
        (void)sys->close(o->fd);
        free(o);
    }
}

size_t
opened_size(size_t n)
{
    return n + (n + FILE_BLOCK - 1) / FILE_BLOCK * FILE_CRC;
}

static bool
is_right(const struct opened *o, uint64_t i, const uint8_t *block, size_t n)
{
    return little_get(block + n, FILE_CRC) == file_block_crc(o->file, i, block, n);
}

/* How much of it is right. 0 or -EBADMSG. */
static int
check(const struct opened *o, uint64_t first, const uint8_t *to, size_t n, size_t *good)
{
    for (uint64_t i = first; *good < n; i++) {
        size_t part = n - *good < FILE_BLOCK ? n - *good : FILE_BLOCK;
        if (!is_right(o, i, to, part)) {
            return -EBADMSG;
        }
        *good += part;
        to += part + FILE_CRC;
    }
    return 0;
}

int
opened_read(const struct opened *o, uint64_t first, uint8_t *to, size_t n, size_t *good)
{
    int rc = sys_read_all(o->fd, to, opened_size(n), file_block_at(o->head_size, first));

    *good = 0;
    return rc == 0 ? check(o, first, to, n, good) : rc;
}

bool
opened_read_now(const struct opened *o, uint64_t first, uint8_t *to, size_t n, size_t *good,
                int *rc)
{
    size_t all = opened_size(n);
    ssize_t got = sys->pread_now(o->fd, to, all, (off_t)file_block_at(o->head_size, first));

    if (got < 0 || (size_t)got != all) {
        return false;
    }
    *good = 0;
    *rc = check(o, first, to, n, good);
    return true;
}

/* ---- Kept. ---- */

struct opened *
opened_find(struct store *s, uint64_t file)
{
    for (uint32_t i = 0; i < OPENED_KEPT; i++) {
        struct opened_kept *k = &s->kept[i];
        if (k->o != NULL && k->o->file == file) {
            k->used_at = weir_now();
            return k->o;
        }
    }
    return NULL;
}

void
opened_keep(struct store *s, const uint64_t hash[2], struct opened *o)
{
    struct opened_kept *to = &s->kept[0];

    if (opened_find(s, o->file) != NULL) {
        return;
    }
    for (uint32_t i = 0; i < OPENED_KEPT && to->o != NULL; i++) {
        struct opened_kept *k = &s->kept[i];
        if (k->o == NULL || k->used_at < to->used_at) {
            to = k;
        }
    }
    opened_unref(to->o);
    *to = (struct opened_kept){ opened_ref(o), { hash[0], hash[1] }, weir_now() };
}

void
opened_tick(struct store *s)
{
    for (uint32_t i = 0; i < OPENED_KEPT; i++) {
        struct opened_kept *k = &s->kept[i];
        const struct entry *e = k->o != NULL ? entry_find_hash(s, k->hash) : NULL;
        if (k->o != NULL &&
            (e == NULL || e->file != k->o->file || weir_now() > k->used_at + OPENED_IDLE_MS)) {
            opened_unref(k->o);
            k->o = NULL;
        }
    }
}

void
opened_close_all(struct store *s)
{
    for (uint32_t i = 0; i < OPENED_KEPT; i++) {
        opened_unref(s->kept[i].o);
        s->kept[i].o = NULL;
    }
}
