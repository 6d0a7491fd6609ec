/* conf/source.c - reading files into the pool, once each. */
#include "conf/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/str.h"

struct growing {
    char *data;
    size_t len, room;
};

void
wr_source_set_init(struct wr_source_set *set, struct weir_pool *pool)
{
    *set = (struct wr_source_set){ .pool = pool, .room = 64 };
    set->table = wr_pool_array(pool, struct wr_conf_source *, set->room);
}

static struct wr_conf_source **
table_at(struct wr_source_set *set, weir_str name)
{
    size_t i = (size_t)wr_str_hash(name) & (set->room - 1);

    while (set->table[i] != NULL && !weir_str_eq(set->table[i]->name, name)) {
        i = (i + 1) & (set->room - 1);
    }
    return &set->table[i];
}

static void
table_grow(struct wr_source_set *set)
{
    struct wr_conf_source **old = set->table;
    size_t room = set->room;

    set->room = room * 2;
    set->table = wr_pool_array(set->pool, struct wr_conf_source *, set->room);
    for (size_t i = 0; i < room; i++) {
        if (old[i] != NULL) {
            *table_at(set, old[i]->name) = old[i];
        }
    }
}

static struct wr_conf_source *
source_add(struct wr_source_set *set, weir_str name, weir_str text)
{
    static const weir_str byte_order_mark = { "\xef\xbb\xbf", 3 };
    struct wr_conf_source *s = wr_pool_zalloc(set->pool, sizeof(*s));

    s->name = name;
    s->text = wr_str_starts(text, byte_order_mark) ? wr_str_cut(text, 3, SIZE_MAX) : text;
    if (set->last != NULL) {
        set->last->next = s;
    } else {
        set->first = s;
    }
    set->last = s;
    return s;
}

static bool
text_is_readable(const struct wr_conf_source *s, struct wr_diag *diag)
{
    struct wr_conf_place at = { .source = s, .line = 1, .column = 1, .len = 1 };
    size_t nul;

    if (s->text.len > WR_CONF_FILE_MAX) {
        return wr_diag_error(diag, (struct wr_conf_place){ .source = s, .line = 1 }, NULL,
                             "configuration file is longer than %d MiB", WR_CONF_FILE_MAX >> 20);
    }
    nul = wr_str_find(s->text, '\0');
    if (nul < s->text.len) {
        for (size_t i = 0; i < nul; i++) {
            bool eol = s->text.data[i] == '\n';
            at.line += eol;
            at.column = eol ? 1 : at.column + 1;
        }
        return wr_diag_error(diag, at, "is this a text file?", "unexpected NUL byte");
    }
    return true;
}

/* Read fd to its end, or a little past `max`. 0 or -errno; g's memory is the caller's to free
 * either way. */
static int
read_all(int fd, struct growing *g, size_t max)
{
    struct stat st;

    g->room =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0 && (uint64_t)st.st_size <= max
            ? (size_t)st.st_size + 1
            : 65536;
    for (;;) {
        if (g->data == NULL || g->len == g->room) {
            size_t room = g->data == NULL ? g->room : g->room * 2;
            char *data = realloc(g->data, room);
            if (data == NULL) {
                return -ENOMEM;
            }
            g->data = data;
            g->room = room;
        }
        ssize_t n = read(fd, g->data + g->len, g->room - g->len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        g->len += (size_t)n;
        if (n == 0 || g->len > max) {
            return 0;
        }
    }
}

static bool
report(struct wr_diag *diag, struct wr_conf_place at, const char *call, weir_str name, int error)
{
    return wr_diag_error(diag, at, NULL, "%s \"%.*s\" failed (%d: %s)", call, WEIR_FMT(name), error,
                         strerror(error));
}

const struct wr_conf_source *
wr_source_read(struct wr_source_set *set, weir_str name, struct wr_conf_place at,
               struct wr_diag *diag)
{
    struct wr_conf_source **slot = table_at(set, name);
    struct growing g = { NULL, 0, 0 };
    int fd, rc;

    if (*slot != NULL) {
        return *slot;
    }
    name = weir_dup(set->pool, name);
    fd = open(name.data, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        report(diag, at, "open()", name, errno);
        return NULL;
    }
    rc = read_all(fd, &g, WR_CONF_FILE_MAX);
    close(fd);
    if (rc == 0) {
        struct wr_conf_source *s =
            source_add(set, name, weir_dup(set->pool, (weir_str){ g.data, g.len }));
        free(g.data);
        if (!text_is_readable(s, diag)) {
            return NULL;
        }
        *slot = s;
        if (++set->count * 2 > set->room) {
            table_grow(set);
        }
        return s;
    }
    free(g.data);
    report(diag, at, "read()", name, -rc);
    return NULL;
}

const struct wr_conf_source *
wr_source_add_text(struct wr_source_set *set, weir_str name, weir_str text, struct wr_diag *diag)
{
    struct wr_conf_source *s = source_add(set, name, text);

    return text_is_readable(s, diag) ? s : NULL;
}
