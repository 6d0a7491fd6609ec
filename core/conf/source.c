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
#include "conf/sites.h"

struct growing {
    char *data;
    size_t len, room;
};

void
wr_source_set_init(struct wr_source_set *set, struct weir_pool *pool)
{
    *set = (struct wr_source_set){ .pool = pool, .room = 64 };
    set->table = wr_pool_array(pool, struct wr_conf_source *, set->room);
    wr_map_init(&set->texts, pool, false);
}

static struct wr_conf_source **
table_at(struct wr_source_set *set, weir_str name, const struct wr_site *site)
{
    size_t i = ((size_t)wr_str_hash(name) ^ (size_t)(uintptr_t)site >> 4) & (set->room - 1);

    while (set->table[i] != NULL &&
           (set->table[i]->site != site || !weir_str_eq(set->table[i]->name, name))) {
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
            *table_at(set, old[i]->name, old[i]->site) = old[i];
        }
    }
}

static struct wr_conf_source *
source_add(struct wr_source_set *set, struct wr_site *site, weir_str name, weir_str text)
{
    static const weir_str byte_order_mark = { "\xef\xbb\xbf", 3 };
    struct wr_conf_source *s = wr_pool_zalloc(set->pool, sizeof(*s));

    s->name = name;
    s->site = site;
    s->text = weir_str_starts(text, byte_order_mark) ? weir_str_cut(text, 3, SIZE_MAX) : text;
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
    nul = weir_str_find(s->text, '\0');
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

/* The file's bytes from the disk, from the heap; false after an error. */
static bool
read_file(weir_str name, struct wr_conf_place at, struct growing *g, struct stat *seen,
          struct wr_diag *diag)
{
    int fd = open(name.data, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int rc;

    if (fd < 0) {
        return report(diag, at, "open()", name, errno);
    }
    rc = fstat(fd, seen) == 0 ? read_all(fd, g, WR_CONF_FILE_MAX) : -errno;
    close(fd);
    return rc == 0 || report(diag, at, "read()", name, -rc);
}

/* The text of a site's file: as it is kept, as another site has read it, or from the disk. */
static bool
site_text(struct wr_source_set *set, struct wr_site *site, weir_str name, struct wr_conf_place at,
          struct wr_diag *diag, weir_str *text)
{
    struct wr_site_text *t = wr_site_text_find(site, name);
    struct growing g = { NULL, 0, 0 };
    struct stat seen;

    t = t != NULL ? t : wr_map_find(&set->texts, name);
    if (t != NULL) {
        wr_site_text_add(site, wr_site_text_ref(t));
    } else {
        if (!read_file(name, at, &g, &seen, diag)) {
            free(g.data);
            return false;
        }
        t = wr_site_text_create(name, (weir_str){ g.data, g.len }, &seen);
        free(g.data);
        wr_map_add(&set->texts, name, t);
        wr_site_text_add(site, t);
    }
    *text = weir_dup(set->pool, t->text);
    return true;
}

static bool
plain_text(struct wr_source_set *set, weir_str name, struct wr_conf_place at, struct wr_diag *diag,
           weir_str *text)
{
    struct growing g = { NULL, 0, 0 };
    struct stat seen;
    bool ok = read_file(name, at, &g, &seen, diag);

    if (ok) {
        *text = weir_dup(set->pool, (weir_str){ g.data, g.len });
    }
    free(g.data);
    return ok;
}

const struct wr_conf_source *
wr_source_read(struct wr_source_set *set, struct wr_site *site, weir_str name,
               struct wr_conf_place at, struct wr_diag *diag)
{
    struct wr_conf_source **slot = table_at(set, name, site), *s;
    weir_str text;
    bool again;

    if (*slot != NULL) {
        return *slot;
    }
    name = weir_dup(set->pool, name);
    again = site != NULL && wr_map_find(&set->texts, name) != NULL;
    if (site != NULL ? !site_text(set, site, name, at, diag, &text)
                     : !plain_text(set, name, at, diag, &text)) {
        return NULL;
    }
    s = source_add(set, site, name, text);
    s->again = again;
    if (!text_is_readable(s, diag)) {
        return NULL;
    }
    *slot = s;
    if (++set->count * 2 > set->room) {
        table_grow(set);
    }
    return s;
}

const struct wr_conf_source *
wr_source_add_text(struct wr_source_set *set, weir_str name, weir_str text, struct wr_diag *diag)
{
    struct wr_conf_source *s = source_add(set, NULL, name, text);

    return text_is_readable(s, diag) ? s : NULL;
}
