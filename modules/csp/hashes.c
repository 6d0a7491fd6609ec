/* hashes.c - reads a page once, sums what stands between <script> or <style> and its end, remembers
 * it.
 *
 * The sum is of the text as a browser has it: a carriage return, alone or before a line feed, is a
 * line feed. [HTML 13.2.3.5] A text with a zero byte, which a browser sees as another character,
 * gets no sum.
 */
#include "hashes.h"

#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "scanner.h"

enum { SUM_BYTES = 32, SUM_TEXT = sizeof(" 'sha256-'") - 1 + 44, PATH_MAX_KEPT = 1024 };

/* What is known of a file, in a pool of its own. */
struct entry {
    weir_pool *pool;
    weir_str path;
    uint64_t inode, size;
    int64_t mtime;
    bool usable;
    struct page_hashes found;
};

struct hash_table {
    struct entry *slots[HASH_SLOTS];
};

/* ---- Sums. ---- */

static void
add_sum(weir_text *t, const uint8_t sum[SUM_BYTES])
{
    weir_text_add(t, WEIR_STR(" 'sha256-"));
    weir_base64_encode(t, (weir_str){ (const char *)sum, SUM_BYTES });
    weir_text_add_byte(t, '\'');
}

/* text with line feeds for line ends. */
static bool
sum_of(weir_str text, uint8_t sum[SUM_BYTES])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool good = c != NULL && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1;

    while (good && text.len != 0) {
        const char *cr = memchr(text.data, '\r', text.len);
        size_t n = cr != NULL ? (size_t)(cr - text.data) : text.len;
        good = EVP_DigestUpdate(c, text.data, n) == 1;
        if (cr != NULL) {
            good = good && EVP_DigestUpdate(c, "\n", 1) == 1;
            n += n + 1 < text.len && text.data[n + 1] == '\n' ? 2 : 1;
        }
        text = (weir_str){ text.data + n, text.len - n };
    }
    good = good && EVP_DigestFinal_ex(c, sum, NULL) == 1;
    EVP_MD_CTX_free(c);
    return good;
}

/* The sums of a page's text. false: too many. Strings are in pool. */
static bool
sum_page(weir_pool *pool, weir_str page, struct page_hashes *found)
{
    weir_text scripts = weir_text_begin(pool, 4 * SUM_TEXT, HASHES_MAX * SUM_TEXT);
    weir_text styles = weir_text_begin(pool, 4 * SUM_TEXT, HASHES_MAX * SUM_TEXT);
    uint8_t sum[SUM_BYTES];
    struct scanner scanner;
    enum scan_event what = SCAN_END;
    size_t at = 0, begin = 0;

    scanner_init(&scanner, NULL);
    while (at < page.len) {
        at += scanner_run(&scanner, (const uint8_t *)page.data + at, page.len - at, &what);
        if (what == SCAN_TEXT) {
            begin = at;
        } else if (what == SCAN_TEXT_ENDED) {
            weir_str text = { page.data + begin, at - scanner.begin - begin };
            if (weir_str_find(text, '\0') == text.len && sum_of(text, sum)) {
                add_sum(scanner.raw[1] == 't' ? &styles : &scripts, sum);
            }
        }
    }
    found->scripts = weir_text_view(&scripts);
    found->styles = weir_text_view(&styles);
    return !scripts.full && !styles.full && !scanner.is_lost;
}

/* ---- Files. ---- */

static bool
read_whole(int fd, char *to, size_t len)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n = pread(fd, to + have, len - have, (off_t)have);
        if (n > 0) {
            have += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static void
sum_file(weir_request *r, struct entry *e, int fd)
{
    weir_pool *scratch = weir_pool_new(NULL);
    char *text = weir_try_alloc(scratch, e->size + 1);
    struct page_hashes found;

    if (text != NULL && read_whole(fd, text, e->size) &&
        sum_page(scratch, (weir_str){ text, e->size }, &found)) {
        e->found.scripts = weir_dup(e->pool, found.scripts);
        e->found.styles = weir_dup(e->pool, found.styles);
        e->usable = true;
    } else {
        weir_say(r->log, WARN,
                 "csp_hashes: \"%.*s\" cannot be read through, or has too many inline scripts",
                 WEIR_FMT(e->path));
    }
    weir_pool_end(scratch);
}

static uint32_t
slot_of(weir_str path)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < path.len; i++) {
        hash = (hash ^ (uint8_t)path.data[i]) * 16777619u;
    }
    return hash % HASH_SLOTS;
}

/* Is the answer the file as it is now? Its length says so, and its date where it has one. */
static bool
is_answer(const weir_request *r, const weir_file_info *info)
{
    const weir_header *h = r->out[WEIR_H_LAST_MODIFIED];
    int64_t modified = info->mtime;

    if (h != NULL && weir_parse_date(h->value, &modified) != WEIR_OK) {
        return false;
    }
    return info->kind == WEIR_FILE_REGULAR && r->out_length >= 0 &&
           (uint64_t)r->out_length == info->size && modified == info->mtime &&
           r->out[WEIR_H_CONTENT_ENCODING] == NULL;
}

static struct entry *
make_entry(weir_request *r, weir_str path)
{
    weir_file_info info = { .size_of = sizeof(info) };
    weir_pool *pool;
    struct entry *e;
    int fd;

    if (weir_file_open(r, path, &fd, &info) != WEIR_OK) {
        return NULL;
    }
    pool = weir_pool_new(NULL);
    e = weir_zalloc(pool, sizeof(*e));
    *e = (struct entry){ .pool = pool,
                         .path = weir_dup(pool, path),
                         .inode = info.inode,
                         .size = info.size,
                         .mtime = info.mtime };
    sum_file(r, e, fd);
    (void)close(fd);
    return e;
}

const struct page_hashes *
hashes_find(weir_request *r, const struct hash_setting *s)
{
    weir_str none = { NULL, 0 }, path = r->out_length < 0 ? none : weir_file_path(r, none);
    weir_file_info info = { .size_of = sizeof(info) };
    struct entry **slot, *e;

    if (path.data == NULL || path.len > PATH_MAX_KEPT ||
        weir_file_look(r, path, &info, false) != WEIR_OK || !is_answer(r, &info) ||
        info.size > s->max) {
        return NULL;
    }
    slot = &s->table->slots[slot_of(path)];
    e = *slot;
    if (e == NULL || !weir_str_eq(e->path, path) || e->inode != info.inode ||
        e->size != info.size || e->mtime != info.mtime) {
        struct entry *fresh = make_entry(r, path);
        if (fresh == NULL) {
            return NULL;
        }
        if (e != NULL) {
            weir_pool_end(e->pool);
        }
        *slot = e = fresh;
    }
    return e->usable && e->size == info.size && e->mtime == info.mtime ? &e->found : NULL;
}

int
set_hashes(weir_conf *cf, const weir_directive *d, void *field)
{
    struct hash_setting *s = field;
    weir_str word = weir_conf_arg(cf, 1), max = weir_conf_arg(cf, 2), size;

    (void)d;
    s->on = weir_str_eq(word, WEIR_STR("on"));
    s->max = 1 << 20;
    if (!s->on && !weir_str_eq(word, WEIR_STR("off"))) {
        return weir_conf_error_at(cf, 1, "invalid value \"%.*s\", it must be \"on\" or \"off\"",
                                  WEIR_FMT(word));
    }
    if (max.data != NULL && (!weir_str_after(max, WEIR_STR("max="), &size) ||
                             weir_parse_size(size, &s->max) != WEIR_OK || s->max > 16u << 20)) {
        return weir_conf_error_at(
            cf, 2, "invalid parameter \"%.*s\", it must be \"max=SIZE\", up to 16m", WEIR_FMT(max));
    }
    if (s->table == NULL) {
        s->table = weir_zalloc(weir_conf_pool(cf), sizeof(*s->table));
    }
    return WEIR_OK;
}
