/* cache/saver.c - from the index to a file. A part of the buckets is gathered under the lock, then
 * written without it; the file takes its name when it is whole. */
#include "saver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "entry.h"
#include "job.h"
#include "path.h"
#include "sip.h"
#include "snapshot.h"
#include "sys.h"

enum { BUCKETS = 1024 };

/* One snapshot that is being written. */
struct saver {
    struct job job; /* of one block; the saver is given from one to the next */
    int fd, rc;
    uint64_t at;
    uint32_t bucket;
    size_t n; /* bytes of records in block */
    bool end;
    uint8_t block[SNAPSHOT_BLOCK_MAX];
};

uint64_t
saver_check(const struct store *s)
{
    uint64_t hash[2];

    sip_hash(s->root->secret, "snapshot", 8, hash);
    return hash[0];
}

static bool
add(struct saver *v, const struct entry *e, uint64_t now)
{
    struct snapshot_record r = { .hash = { e->hash[0], e->hash[1] } };
    uint8_t *to = v->block + SNAPSHOT_BLOCK_HEAD + v->n;

    if (snapshot_record_size(e->n_tags, e->key_len) >
        SNAPSHOT_BLOCK_MAX - SNAPSHOT_BLOCK_HEAD - v->n) {
        return false;
    }
    r.file = e->file;
    r.size = e->file_size;
    r.unused_s = (uint32_t)(now > e->used_s ? now - e->used_s : 0);
    r.flags = (e->flags & ENTRY_STALE) != 0;
    r.n_tags = e->n_tags;
    r.key = entry_key(e);
    for (uint32_t i = 0; i < e->n_tags; i++) {
        r.tags[i] = e->tags[i];
    }
    v->n = (size_t)(snapshot_record_write(to, &r) - v->block) - SNAPSHOT_BLOCK_HEAD;
    return true;
}

/* A block full of records, if so many are left. False: the store cannot be used. */
static bool
gather(struct store *s, struct saver *v)
{
    const struct root *r = s->root;
    uint64_t now = weir_now() / 1000;
    bool room = true;

    v->n = 0;
    if (!shared_lock(s)) {
        return false;
    }
    for (uint32_t i = 0; i < BUCKETS && v->bucket < r->n_buckets && v->n < SNAPSHOT_BLOCK; i++) {
        for (const struct entry *e = r->buckets[v->bucket]; e != NULL && room; e = e->next) {
            if (e->file != 0 && (e->flags & ENTRY_WRITING) == 0) {
                room = add(v, e, now);
            }
        }
        v->bucket++;
    }
    v->end = v->bucket == r->n_buckets;
    shared_unlock(s);
    return true;
}

/* In a thread, or at the end. */
static void
write_block(struct job *j)
{
    struct saver *v = (struct saver *)(void *)j;
    const struct store_options *o = &j->s->o;
    uint8_t head[SNAPSHOT_HEAD];
    char temp[PATH_SIZE], path[PATH_SIZE];

    if (!path_in(temp, o, "index.new") || !path_in(path, o, "index")) {
        v->rc = -ENAMETOOLONG;
        return;
    }
    if (v->fd < 0) {
        v->fd = sys->open(temp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        v->rc = v->fd < 0 ? v->fd : 0;
        snapshot_head_write(head, saver_check(j->s));
        v->rc = v->rc == 0 ? sys_write_all(v->fd, head, SNAPSHOT_HEAD, 0) : v->rc;
        v->at = SNAPSHOT_HEAD;
    }
    if (v->rc == 0 && v->n != 0) {
        snapshot_block_write(v->block, v->n);
        v->rc = sys_write_all(v->fd, v->block, SNAPSHOT_BLOCK_HEAD + v->n, v->at);
        v->at += SNAPSHOT_BLOCK_HEAD + v->n;
    }
    if (v->rc == 0 && v->end) {
        v->rc = sys->rename(temp, path);
    }
}

static void
close_it(struct saver *v)
{
    if (v->fd >= 0) {
        (void)sys->close(v->fd);
    }
}

static bool start(struct store *s, struct saver *from);

static void
wrote(struct job *j)
{
    struct saver *v = (struct saver *)(void *)j;
    struct store *s = j->s;

    if (v->rc != 0 || v->end || !start(s, v)) {
        close_it(v);
        s->saving = false;
    }
}

/* The next block, going on where `from` is. */
static bool
start(struct store *s, struct saver *from)
{
    struct saver *v = malloc(sizeof(*v));

    if (v == NULL) {
        return false;
    }
    v->fd = from != NULL ? from->fd : -1;
    v->at = from != NULL ? from->at : 0;
    v->bucket = from != NULL ? from->bucket : 0;
    v->rc = 0;
    if (!gather(s, v) || !job_run(s, &v->job, write_block, wrote)) {
        free(v);
        return false;
    }
    return true;
}

void
saver_go(struct store *s)
{
    if (!s->saving && !s->root->disk_off) {
        s->saving = start(s, NULL);
    }
}

void
saver_write(struct store *s)
{
    struct saver *v = malloc(sizeof(*v));

    if (v == NULL) {
        return;
    }
    v->job.s = s;
    v->fd = -1;
    v->at = 0;
    v->bucket = 0;
    v->rc = 0;
    do {
        if (!gather(s, v)) {
            break;
        }
        write_block(&v->job);
    } while (v->rc == 0 && !v->end);
    close_it(v);
    free(v);
}
