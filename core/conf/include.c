/* conf/include.c - files within files: names and globs, and the limits that end loops.
 *
 * A file that stands in its own chain of includes is refused, a chain has at most
 * WR_CONF_INCLUDE_MAX files, and all that is read has limits in files and bytes: files that include
 * one another twice would otherwise never come to an end.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "conf/reader.h"
#include "conf/sites.h"

enum { INCLUDES_MAX = 1 << 20 };

/* "a.conf -> b.conf -> a.conf", at most some 1000 bytes of it. */
static weir_str
chain_text(struct wr_reader *r, const struct wr_reading *file, weir_str last)
{
    const struct wr_reading *chain[WR_CONF_INCLUDE_MAX + 1];
    char room[1024];
    struct wr_strbuf to = wr_strbuf_over(room, sizeof(room));
    size_t n = 0;

    for (; file != NULL && n < WR_COUNT(chain); file = file->includer) {
        chain[n++] = file;
    }
    while (n != 0) {
        wr_strbuf_str(&to, chain[--n]->source->name);
        wr_strbuf_lit(&to, " -> ");
    }
    wr_strbuf_str(&to, last);
    return weir_dup(r->pool, wr_strbuf_view(&to));
}

static bool
include_is_allowed(struct wr_reader *r, const struct wr_reading *file, weir_str name,
                   struct wr_conf_place at)
{
    const struct wr_reading *up = file;
    uint32_t n = 0;

    while (up != NULL && !weir_str_eq(up->source->name, name)) {
        up = up->includer;
        n++;
    }
    if (up != NULL || n >= WR_CONF_INCLUDE_MAX) {
        r->stopped = true;
        return wr_diag_error(r->diag, at, chain_text(r, file, name).data,
                             up != NULL ? "include loop: \"%.*s\" includes itself"
                                        : "too many files within files, at \"%.*s\"",
                             WEIR_FMT(name));
    }
    if (r->n_includes++ >= INCLUDES_MAX) {
        r->stopped = true;
        return wr_diag_error(r->diag, at, NULL, "too many included files");
    }
    return true;
}

static void
include_file(struct wr_reader *r, struct wr_reading *file, weir_str name, struct wr_conf_place at,
             struct wr_conf_node ***tail)
{
    const struct wr_conf_source *source;

    if (r->stopped || !include_is_allowed(r, file, name, at)) {
        return;
    }
    source = wr_source_read(&r->sources, r->site, name, at, r->diag);
    if (source == NULL) {
        return;
    }
    r->text_bytes += source->text.len;
    if (r->text_bytes > WR_CONF_FILE_MAX) {
        r->stopped = true;
        wr_diag_error(r->diag, at, NULL, "the included files are longer than %d MiB in all",
                      WR_CONF_FILE_MAX >> 20);
        return;
    }
    wr_reader_source(r, source, file, tail);
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Read a site in its form. What is wrong with it ends nobody else's reading. */
static void
include_site(struct wr_reader *r, struct wr_reading *file, weir_str name, struct wr_conf_place at,
             struct wr_conf_node ***tail)
{
    struct wr_conf_node *first = NULL, **last = &first;
    struct wr_site *site = wr_sites_take(r->sites, name);
    struct wr_diag muted, *diag = r->diag;
    bool stopped = r->stopped;
    uint32_t errors;

    if (site->form == WR_SITE_OUT) {
        return;
    }
    if (site->form == WR_SITE_STUB) { /* its faults have been told */
        wr_diag_init(&muted, r->pool);
        r->diag = &muted;
    }
    errors = site->errors;
    r->site = r->diag->site = site;
    include_file(r, file, name, at, &last);
    r->site = r->diag->site = NULL;
    r->diag = diag;
    if (site->errors != errors) {
        r->stopped = stopped;
    }
    if (site->form == WR_SITE_STUB) {
        site->errors = errors;
        last = wr_site_stub(r, &first);
    }
    if (first != NULL) {
        **tail = first;
        *tail = last;
    }
}

typedef void include_fn(struct wr_reader *r, struct wr_reading *file, weir_str name,
                        struct wr_conf_place at, struct wr_conf_node ***tail);

static void
include_glob(struct wr_reader *r, struct wr_reading *file, const char *pattern,
             struct wr_conf_place at, include_fn *include, struct wr_conf_node ***tail)
{
    glob_t found;
    int rc = glob(pattern, GLOB_NOSORT, NULL, &found);

    if (rc == GLOB_NOMATCH) {
        wr_diag_add(r->diag, WR_DIAG_NOTE, at, NULL, "no file is called \"%s\"", pattern);
        return;
    }
    if (rc != 0) {
        wr_diag_error(r->diag, at, NULL, "glob() \"%s\" failed", pattern);
        return;
    }
    qsort(found.gl_pathv, found.gl_pathc, sizeof(char *), by_bytes);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        include(r, file, weir_str_c(found.gl_pathv[i]), at, tail);
    }
    globfree(&found);
}

/* The path in word 1 of n, relative to the main file's folder; absent after an error. */
static weir_str
path_of(struct wr_reader *r, const struct wr_conf_node *n)
{
    weir_str path = n->words[1].text;

    if (r->folder.data == NULL || path.len == 0) {
        wr_diag_error(r->diag, wr_conf_place(n, 1), NULL,
                      path.len == 0 ? "\"%s\" directive needs a file's name"
                                    : "\"%s\" directive is not allowed here",
                      n->words[0].text.data);
        return (weir_str){ NULL, 0 };
    }
    if (path.data[0] != '/' && r->folder.len != 0) {
        path = weir_print(r->pool, "%.*s/%.*s", WEIR_FMT(r->folder), WEIR_FMT(path));
    }
    return path;
}

void
wr_include_follow(struct wr_reader *r, struct wr_reading *file, const struct wr_conf_node *n,
                  struct wr_conf_node ***tail)
{
    weir_str path;

    if (n->n_words != 2) {
        wr_diag_error(r->diag, wr_conf_place(n, 0), "usage: include FILE;",
                      "invalid number of arguments in \"include\" directive");
        return;
    }
    path = path_of(r, n);
    if (path.data == NULL) {
        return;
    }
    if (strpbrk(path.data, "*?[") != NULL) {
        include_glob(r, file, path.data, wr_conf_place(n, 1), include_file, tail);
    } else {
        include_file(r, file, path, wr_conf_place(n, 1), tail);
    }
}

void
wr_include_sites(struct wr_reader *r, struct wr_reading *file, const struct wr_conf_node *n,
                 struct wr_conf_node ***tail)
{
    weir_str path = path_of(r, n);

    if (path.data != NULL && r->site != NULL) {
        wr_diag_error(r->diag, wr_conf_place(n, 0), NULL, "a site cannot have sites of its own");
    } else if (path.data != NULL) {
        include_glob(r, file, path.data, wr_conf_place(n, 1),
                     r->sites != NULL ? include_site : include_file, tail);
    }
}
