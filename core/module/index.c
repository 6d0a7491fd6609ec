/* module/index.c - reading and writing the index of bundled modules. */
#include "module/index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/conf.h>
#include <weir/module.h>

#include "base/assert.h"
#include "base/file.h"
#include "base/str.h"
#include "module/loader.h"

enum { FILE_MAX = 4 << 20 /* bytes of an index */ };

static const char *const kinds[WR_INDEX_KINDS] = { "always", "directive", "interface", "variable" };

/* ---- Reading. ---- */

/* The next word of *line, cut off it; "" at the end. */
static weir_str
take_word(weir_str *line)
{
    size_t end = weir_str_find(*line, ' ');
    weir_str word = weir_str_cut(*line, 0, end);

    *line = weir_str_trim(weir_str_cut(*line, end, line->len));
    return word;
}

static void
add_entry(struct wr_index *index, struct weir_pool *pool, uint32_t kind, weir_str name,
          weir_str file)
{
    bool prefix = kind == WR_INDEX_VARIABLE && weir_str_ends(name, WEIR_STR("*"));
    struct wr_index_entry *e = wr_pool_zalloc(pool, sizeof(*e));

    e->name = weir_dup(pool, weir_str_cut(name, 0, name.len - prefix));
    e->file = weir_dup(pool, file);
    if (prefix) {
        *(struct wr_index_entry **)wr_vec_add(&index->prefixes) = e;
        return;
    }
    e->next = wr_map_set(&index->by_name[kind], e->name, e);
}

static bool
read_line(struct wr_index *index, struct weir_pool *pool, weir_str line)
{
    weir_str kind = take_word(&line);
    uint32_t k = 0;
    weir_str name, file;

    while (k < WR_INDEX_KINDS && !weir_str_eq(kind, weir_str_c(kinds[k]))) {
        k++;
    }
    if (k == WR_INDEX_KINDS) {
        return false;
    }
    name = take_word(&line);
    file = k == WR_INDEX_ALWAYS ? name : take_word(&line);
    if (name.len == 0 || file.len == 0 || line.len != 0 || weir_str_find(file, '/') != file.len) {
        return false;
    }
    add_entry(index, pool, k, name, file);
    return true;
}

static bool
read_lines(struct wr_index *index, struct weir_pool *pool, weir_str text, struct wr_err *err)
{
    uint32_t n = 0;

    while (text.len != 0) {
        size_t end = weir_str_find(text, '\n');
        weir_str line = weir_str_trim(weir_str_cut(text, 0, end));

        n++;
        text = weir_str_cut(text, end + 1, text.len);
        if (line.len != 0 && !read_line(index, pool, line)) {
            return wr_err_set(err, "line %u is not understood", (unsigned)n);
        }
    }
    return true;
}

/* All of fd, or absent with the reason in err. */
static weir_str
read_file(struct weir_pool *pool, int fd, struct wr_err *err)
{
    struct wr_vec text;
    weir_str none = { NULL, 0 };
    char block[4096];
    ssize_t n;

    wr_vec_init_of(&text, pool, char);
    while ((n = read(fd, block, sizeof(block))) > 0 || (n < 0 && errno == EINTR)) {
        if (text.count > FILE_MAX) {
            (void)wr_err_set(err, "it is too large");
            return none;
        }
        for (ssize_t i = 0; i < n; i++) {
            *(char *)wr_vec_add(&text) = block[i];
        }
    }
    if (n < 0) {
        (void)wr_err_set(err, "%s", strerror(errno));
        return none;
    }
    return (weir_str){ text.count != 0 ? text.data : "", text.count };
}

struct wr_index *
wr_index_read(struct weir_pool *pool, const char *folder, struct wr_err *err)
{
    struct wr_index *index = wr_pool_zalloc(pool, sizeof(*index));
    weir_str path = weir_print(pool, "%s/index", folder);
    weir_str text;
    int fd;

    for (size_t i = 0; i < WR_INDEX_KINDS; i++) {
        wr_map_init(&index->by_name[i], pool, false);
    }
    wr_vec_init_of(&index->prefixes, pool, struct wr_index_entry *);
    fd = wr_file_open(AT_FDCWD, path.data, O_RDONLY, 0);
    if (fd == -ENOENT || fd == -ENOTDIR) {
        return index;
    }
    if (fd < 0) {
        (void)wr_err_set(err, "%s", strerror(-fd));
        return NULL;
    }
    text = read_file(pool, fd, err);
    wr_file_close(&fd);
    return text.data != NULL && read_lines(index, pool, text, err) ? index : NULL;
}

struct wr_index_entry *
wr_index_find(const struct wr_index *index, enum wr_index_kind kind, weir_str name)
{
    struct wr_index_entry *best = wr_map_find(&index->by_name[kind], name);

    if (best != NULL || kind != WR_INDEX_VARIABLE) {
        return best;
    }
    WR_VEC_EACH (struct wr_index_entry *, at, &index->prefixes) {
        if (weir_str_starts(name, (*at)->name) &&
            (best == NULL || (*at)->name.len > best->name.len)) {
            best = *at;
        }
    }
    return best;
}

/* ---- Writing. ---- */

static void
add_line(struct wr_vec *lines, uint32_t kind, const char *name, const char *more, const char *file)
{
    *(const char **)wr_vec_add(lines) =
        weir_print(lines->pool, "%s%s%s%s %s\n", kinds[kind], name[0] != '\0' ? " " : "", name, more,
                   file)
            .data;
}

static void
describe(struct wr_vec *lines, const weir_module *m, const char *file)
{
    const weir_directive *d = m->directives.at;
    const weir_interface *f = m->interfaces.at;
    const weir_variable *v = m->variables.at;

    if ((m->flags & WEIR_MODULE_ALWAYS) != 0) {
        add_line(lines, WR_INDEX_ALWAYS, "", "", file);
    }
    for (uint32_t i = 0; i < m->directives.count; i++) {
        add_line(lines, WR_INDEX_DIRECTIVE, d[i].name, "", file);
    }
    for (uint32_t i = 0; i < m->interfaces.count; i++) {
        add_line(lines, WR_INDEX_INTERFACE, f[i].id, "", file);
    }
    for (uint32_t i = 0; i < m->variables.count; i++) {
        add_line(lines, WR_INDEX_VARIABLE, v[i].name,
                 (v[i].flags & WEIR_VAR_PREFIX) != 0 ? "*" : "", file);
    }
}

static bool
describe_folder(DIR *dir, const char *folder, struct wr_vec *lines, struct wr_err *err)
{
    const struct dirent *e;

    while ((e = readdir(dir)) != NULL) {
        const char *file = e->d_name;
        weir_str path;
        const struct wr_image *image;
        struct wr_err why;

        if (file[0] == '.' || !weir_str_ends(weir_str_c(file), WEIR_STR(".so"))) {
            continue;
        }
        path = weir_print(lines->pool, "%s/%s", folder, file);
        if (!wr_loader_load(path.data, NULL, &image, &why)) {
            return wr_err_set(err, "%s: %s", file, why.text);
        }
        describe(lines, &image->module, weir_dup(lines->pool, weir_str_c(file)).data);
    }
    return true;
}

static int
compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines in order, each once (a module may have a directive twice, for different contexts). */
static bool
write_lines(int fd, const struct wr_vec *lines, struct wr_err *err)
{
    const char *last = "";

    if (lines->count != 0) {
        qsort(lines->data, lines->count, lines->size, compare_lines);
    }
    WR_VEC_EACH (const char *, line, lines) {
        if (strcmp(last, *line) != 0 && dprintf(fd, "%s", *line) < 0) {
            return wr_err_set(err, "cannot write: %s", strerror(errno));
        }
        last = *line;
    }
    return true;
}

bool
wr_registry_write_index(const char *folder, int fd, struct wr_err *err)
{
    struct weir_pool *pool;
    struct wr_vec lines;
    DIR *dir = opendir(folder);
    bool fine;

    if (dir == NULL) {
        return wr_err_set(err, "cannot open \"%s\": %s", folder, strerror(errno));
    }
    pool = wr_pool_create("index", NULL);
    wr_vec_init_of(&lines, pool, const char *);
    fine = describe_folder(dir, folder, &lines, err) && write_lines(fd, &lines, err);
    (void)closedir(dir);
    wr_pool_destroy(&pool);
    return fine;
}
