/* gzip_static - answers with a file that was compressed beforehand: FILE.br, FILE.zst or FILE.gz in the place of FILE.
 *
 * Runs right before the module that answers with files, so that whatever else answers goes first. What is sent is a representation
 * of its own: validators, length and ranges are those of the compressed file, the type is that of the one asked for.
 */
#include <weir/weir.h>

enum mode { OFF, ON, ALWAYS };
enum { N = 3, RANK = WEIR_RANK_LATE - 10 };

typedef struct {
    uint32_t br, zstd, gzip;         /* enum mode; in the order of preference */
    const weir_coding *codings[N];   /* likewise; NULL: no module has it */
} gzip_static_conf;

/* A file that could be the answer. */
struct candidate {
    weir_str file;
    const weir_coding *coding;
    uint32_t q;
};

/* What else could be the answer: an entity tag is made of a file's size and time. */
struct seen {
    uint32_t n;
    weir_file_info at[N + 1];
};

/* Is there a regular file? Nothing compressed is empty. */
static bool
is_there(weir_request *r, weir_str file, weir_file_info *info)
{
    *info = (weir_file_info){ .size_of = sizeof(*info) };
    return weir_file_look(r, file, info, false) == WEIR_OK && info->kind == WEIR_FILE_REGULAR &&
           info->size != 0;
}

/* Would its entity tag be that of another answer? A client would take bytes of one for bytes of the other. [RFC 9110 8.8.3.3] */
static bool
looks_like(const struct seen *seen, const weir_file_info *info)
{
    for (uint32_t i = 0; i < seen->n; i++) {
        if (seen->at[i].size == info->size && seen->at[i].mtime == info->mtime) {
            return true;
        }
    }
    return false;
}

/* Is there a file, `plain` compressed so, that can be told from the others? */
static bool
look(weir_request *r, weir_str plain, const weir_coding *coding, struct seen *seen, weir_str *file)
{
    weir_file_info info;

    *file = weir_print(r->pool, "%.*s%s", WEIR_FMT(plain), coding->suffix);
    if (!is_there(r, *file, &info)) {
        return false;
    }
    if (seen->n == 0) {
        seen->n += is_there(r, plain, &seen->at[0]);
    }
    if (looks_like(seen, &info)) {
        return false;
    }
    seen->at[seen->n++] = info;
    return true;
}

/* How much the client wants it; 0: it must not get it. */
static uint32_t
weight(const weir_request *r, const weir_coding *coding, uint32_t mode)
{
    if (mode == ALWAYS) {
        return 1;
    }
    return r->in[WEIR_H_ACCEPT_ENCODING] == NULL
               ? 0
               : weir_accepts_coding(r, weir_str_c(coding->name));
}

/* The best of the files that are there. */
static struct candidate
choose(weir_request *r, const gzip_static_conf *c)
{
    const uint32_t modes[N] = { c->br, c->zstd, c->gzip };
    struct candidate best = { .q = 0 };
    struct seen seen = { .n = 0 };
    weir_str plain = weir_file_path(r, (weir_str){ NULL, 0 }), file;

    for (uint32_t i = 0; i < N && plain.data != NULL; i++) {
        if (modes[i] == OFF || c->codings[i] == NULL ||
            !look(r, plain, c->codings[i], &seen, &file)) {
            continue;
        }
        if (modes[i] == ON) { /* others may get something else */
            weir_out_vary(r, WEIR_STR("Accept-Encoding"));
        }
        uint32_t q = weight(r, c->codings[i], modes[i]);
        if (q > best.q) {
            best = (struct candidate){ file, c->codings[i], q };
        }
    }
    return best;
}

static int
answer(weir_request *r, const void *conf)
{
    struct candidate best;
    int rc;

    if (!(r->method & (WEIR_GET | WEIR_HEAD)) || r->path.data[r->path.len - 1] == '/') {
        return WEIR_NEXT;
    }
    best = choose(r, conf);
    if (best.q == 0) {
        return WEIR_NEXT;
    }
    (void)weir_out_set(r, WEIR_STR("Content-Encoding"), weir_str_c(best.coding->name));
    rc = weir_respond_file(r, best.file, 0);
    if (rc == WEIR_DONE || rc == 412) {
        return rc;
    }
    (void)weir_out_remove(r, WEIR_STR("Content-Encoding")); /* gone since, or not to be read */
    return WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    const gzip_static_conf *c = conf;

    return c->br != OFF || c->zstd != OFF || c->gzip != OFF;
}

static int
check(weir_conf *cf, void *conf)
{
    gzip_static_conf *c = conf;

    c->codings[0] = weir_coding_find(cf, WEIR_STR("br"));
    c->codings[1] = weir_coding_find(cf, WEIR_STR("zstd"));
    c->codings[2] = weir_coding_find(cf, WEIR_STR("gzip"));
    return WEIR_OK;
}

enum { BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_name modes[] = { { "off", OFF }, { "on", ON }, { "always", ALWAYS }, { NULL, 0 } };

static const weir_directive directives[] = {
    WEIR_OPT_NAMES(gzip_static_conf, gzip, ENUM, "gzip_static", BLOCKS, "off",
                   "answer with FILE.gz where it is: to clients that accept gzip, or always", modes),
    WEIR_OPT_NAMES(gzip_static_conf, br, ENUM, "brotli_static", BLOCKS, "off",
                   "answer with FILE.br where it is: to clients that accept br, or always", modes),
    WEIR_OPT_NAMES(gzip_static_conf, zstd, ENUM, "zstd_static", BLOCKS, "off",
                   "answer with FILE.zst where it is: to clients that accept zstd, or always", modes),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .rank = RANK, .handler = answer, .wanted = wanted },
};

WEIR_MODULE("gzip_static", "1.0", .summary = "answers with files that were compressed beforehand",
            .conf_size = sizeof(gzip_static_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .check = check);
