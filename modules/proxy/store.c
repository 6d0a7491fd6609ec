/* proxy/store.c - proxy_store: a copy of a reply's body becomes a file, once all of it has come.
 *
 * The copy is written beside its place, under a name of chance, and renamed, so that nobody sees
 * half of it. A failure costs the copy, not the answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy.h"

#define CACHE WEIR_STR("proxy_cache")

struct store {
    int fd;          /* -1: given up */
    char *temporary; /* its name until it is renamed; NULL: it has none any more */
    weir_str path;
};

/* ---- Reading. ---- */

int
set_store(weir_conf *cf, const weir_directive *d, void *field)
{
    struct store_conf *s = field;
    weir_str word = weir_conf_arg(cf, 1), zone;

    (void)d;
    s->path = NULL;
    if (weir_str_eq(word, WEIR_STR("off"))) {
        s->mode = STORE_OFF;
        return WEIR_OK;
    }
    if (weir_conf_nearest(cf, CACHE, &zone) == 0 && !weir_str_eq(zone, WEIR_STR("off"))) {
        return weir_conf_error(cf,
                               "\"proxy_store\" directive is incompatible with \"proxy_cache\"");
    }
    if (weir_str_eq(word, WEIR_STR("on"))) {
        s->mode = STORE_ON;
        return WEIR_OK;
    }
    s->mode = STORE_PATH;
    if (word.len == 0 || word.data[0] != '$') { /* a variable in front gives the whole path */
        word = weir_conf_path(cf, word);
    }
    s->path = weir_value_compile(cf, word);
    return s->path != NULL ? WEIR_OK : WEIR_ERROR;
}

/* Of proxy_store and proxy_cache the one counts that stands nearer. */
bool
store_is_outdone(weir_conf *cf)
{
    weir_str zone;
    int32_t cache = weir_conf_nearest(cf, CACHE, &zone);

    return cache >= 0 && !weir_str_eq(zone, WEIR_STR("off")) &&
           cache < weir_conf_nearest(cf, WEIR_STR("proxy_store"), NULL);
}

/* "user:rw group:r all:r" */
int
set_store_access(weir_conf *cf, const weir_directive *d, void *field)
{
    uint32_t *mode = field;

    (void)d;
    *mode = 0600;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i), rights;
        uint32_t bits, shift = weir_str_starts(word, WEIR_STR("user:"))    ? 6
                               : weir_str_starts(word, WEIR_STR("group:")) ? 3
                               : weir_str_starts(word, WEIR_STR("all:"))   ? 0
                                                                           : 9;
        rights = weir_str_cut(word, weir_str_find(word, ':') + 1, SIZE_MAX);
        bits = weir_str_eq(rights, WEIR_STR("rw")) ? 6 : weir_str_eq(rights, WEIR_STR("r")) ? 4 : 0;
        if (shift == 9 || bits == 0) {
            return weir_conf_invalid(cf, i, "value");
        }
        *mode |= bits << shift;
    }
    return WEIR_OK;
}

/* ---- Writing. ---- */

static void
give_up(struct store *s)
{
    if (s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
    if (s->temporary != NULL) {
        (void)unlink(s->temporary);
        s->temporary = NULL;
    }
}

static void
store_over(void *data)
{
    give_up(data);
}

static void
complain(struct proxied *p, const char *what, const char *path)
{
    weir_say(p->r->log, ERROR, "%s \"%s\" failed (%d: %s): the reply is not stored", what, path,
             errno, strerror(errno));
    give_up(p->store);
}

/* Is it a file below something, without a step up? */
static bool
is_sound(weir_str path)
{
    weir_str rest = path, part;

    if (path.len == 0 || path.data[0] != '/' || path.data[path.len - 1] == '/' ||
        !weir_is_field_value(path)) {
        return false;
    }
    while (weir_str_next(&rest, '/', &part)) {
        if (weir_str_eq(part, WEIR_STR(".."))) {
            return false;
        }
    }
    return true;
}

/* Make the folders above path, for whom the file may be read by. */
static void
make_folders(weir_str path, uint32_t access)
{
    uint32_t mode = access | 0700 | (access & 0444) >> 2;
    char *text = (char *)(uintptr_t)path.data;

    for (size_t i = 1; i < path.len; i++) {
        if (text[i] == '/') {
            text[i] = '\0';
            if (mkdir(text, mode) == 0) { /* what cannot be made shows when the file is renamed */
                (void)chmod(text, mode);
            }
            text[i] = '/';
        }
    }
}

void
store_begin(struct proxied *p)
{
    weir_request *r = p->r;
    const proxy_conf *c = p->conf;
    weir_str path;
    struct store *s;

    if (p->reply->status != 200 || r->method != WEIR_GET) {
        return;
    }
    path = c->store.mode == STORE_ON ? weir_file_path(r, (weir_str){ NULL, 0 })
                                     : weir_dup(r->pool, weir_value_get(r, c->store.path));
    if (!is_sound(path)) {
        weir_say(r->log, ERROR, "proxy_store has no file for \"%.*s\"", WEIR_FMT(r->path));
        return;
    }
    s = weir_zalloc(r->pool, sizeof(*s));
    s->path = path;
    make_folders(path, c->store_access);
    s->temporary = (char *)(uintptr_t)weir_print(r->pool, "%.*s.XXXXXX", WEIR_FMT(path)).data;
    s->fd = mkostemp(s->temporary, O_CLOEXEC);
    p->store = s;
    if (s->fd < 0) {
        char *name = s->temporary;
        s->temporary = NULL;
        complain(p, "making", name);
        return;
    }
    weir_on_end(r->pool, store_over, s);
}

static bool
write_all(int fd, const uint8_t *data, size_t len)
{
    while (len != 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        data += n;
        len -= (size_t)n;
    }
    return true;
}

void
store_add(struct proxied *p, const weir_chain *c, const weir_buf *after)
{
    const weir_buf *b = after != NULL ? after->next : c->head;

    for (; b != NULL && p->store->fd >= 0; b = b->next) {
        if (b->len != 0 && !write_all(p->store->fd, b->data, b->len)) {
            complain(p, "writing", p->store->temporary);
        }
    }
}

static void
set_time(const struct proxied *p)
{
    const weir_header *modified = p->reply->at[WEIR_H_LAST_MODIFIED];
    int64_t when;
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

    if (modified != NULL && weir_parse_date(modified->value, &when) == WEIR_OK) {
        times[1].tv_sec = when;
        (void)futimens(p->store->fd, times);
    }
}

void
store_end(struct proxied *p)
{
    struct store *s = p->store;

    if (s->fd < 0) {
        return;
    }
    if (fchmod(s->fd, p->conf->store_access) != 0) {
        complain(p, "changing the mode of", s->temporary);
        return;
    }
    set_time(p);
    if (rename(s->temporary, s->path.data) != 0) {
        complain(p, "renaming to", s->path.data);
        return;
    }
    s->temporary = NULL;
    give_up(s);
}
