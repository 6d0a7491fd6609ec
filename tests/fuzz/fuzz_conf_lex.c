/* Any text is read without a crash; what is accepted reads back the same after it was written out,
 * and JSON can be made of it; what is refused is refused with a place. Includes are refused, so
 * that no file is touched. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "conf/dump.h"
#include "conf/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fd = -1;

static void
same(const struct wr_conf_node *a, const struct wr_conf_node *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        WR_ASSERT(a->n_words == b->n_words && a->n_words != 0 && a->block == b->block);
        for (uint32_t i = 0; i < a->n_words; i++) {
            WR_ASSERT(weir_str_eq(a->words[i].text, b->words[i].text));
            WR_ASSERT(a->words[i].text.data[a->words[i].text.len] == '\0');
        }
        same(a->first, b->first);
    }
    WR_ASSERT(a == NULL && b == NULL);
}

static void
places_are_in_the_text(const struct wr_conf_node *n, weir_str text)
{
    for (; n != NULL; n = n->next) {
        for (uint32_t i = 0; i < n->n_words; i++) {
            struct wr_conf_place at = wr_conf_place(n, i);
            WR_ASSERT(at.line >= 1 && at.column >= 1 && at.len <= text.len && at.line <= text.len);
        }
        places_are_in_the_text(n->first, text);
    }
}

/* What dump writes, in memory of the pool. */
static weir_str
written(struct weir_pool *pool, const struct wr_conf_tree *tree,
        int (*dump)(const struct wr_conf_tree *tree, int to))
{
    off_t len;
    char *text;

    WR_ASSERT(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    WR_ASSERT(dump(tree, fd) == 0);
    len = lseek(fd, 0, SEEK_CUR);
    WR_ASSERT(len >= 0);
    text = wr_pool_alloc(pool, (size_t)len + 1);
    WR_ASSERT(pread(fd, text, (size_t)len, 0) == len);
    return (weir_str){ text, (size_t)len };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_pool *pool = wr_pool_create("fuzz", NULL);
    weir_str text = { (const char *)data, size };
    struct wr_conf_tree tree, again;
    struct wr_diag diag;
    bool ok;

    if (fd < 0) {
        fd = memfd_create("dump", MFD_CLOEXEC);
        WR_ASSERT(fd >= 0);
    }
    wr_diag_init(&diag, pool);
    ok = wr_conf_read_text(pool, WEIR_STR("fuzz"), text, NULL, &diag, &tree);
    WR_ASSERT(ok == (diag.errors == 0));
    places_are_in_the_text(tree.first, text);
    for (const struct wr_diagnosis *d = diag.first; d != NULL; d = d->next) {
        WR_ASSERT(d->place.source != NULL && d->place.line >= 1);
    }
    WR_ASSERT(ftruncate(fd, 0) == 0);
    wr_diag_print(&diag, fd, UINT32_MAX, false);
    /* Also what is left of a refused text is a tree: it is written and read all the same. */
    WR_ASSERT(wr_conf_read_text(pool, WEIR_STR("again"), written(pool, &tree, wr_dump_statements),
                                NULL, &diag, &again) ||
              !ok);
    if (ok) {
        same(tree.first, again.first);
    }
    written(pool, &tree, wr_dump_json);
    wr_pool_destroy(&pool);
    return 0;
}
