/* autoindex - answers for a directory with a list of what is in it.
 *
 * Runs behind index, for paths that end in '/'. The directory is read and sorted when the request
 * comes; the text is made piece by piece as the client takes it, so a long list costs its entries,
 * not its page.
 */
#include <errno.h>

#include "listing.h"

enum { PIECE_MIN = 2 * ENTRY_LINE_MAX, PIECE_MAX = 64 * 1024 };

typedef struct {
    bool on;
    bool exact_size;
    bool local_time;
    uint32_t format;
} autoindex_conf;

/* A listing under way. */
struct progress {
    struct listing list;
    struct list_style style;
    weir_str head; /* absent once sent */
    const char *tail;
    size_t next; /* the entry to come */
};

/* `callback` as it came: a name that JavaScript can call, or a member of one. */
static bool
is_callback(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.data[i];
        if (!weir_is_letter(c) && !weir_is_digit(c) && c != '_' && c != '.') {
            return false;
        }
    }
    return true;
}

static weir_str
html_head(weir_request *r)
{
    weir_str path = weir_escape(r->pool, r->path, WEIR_ESCAPE_HTML);

    return weir_print(r->pool,
                      "<html>\r\n<head><title>Index of %.*s</title></head>\r\n<body>\r\n"
                      "<h1>Index of %.*s</h1><hr><pre><a href=\"../\">../</a>\r\n",
                      WEIR_FMT(path), WEIR_FMT(path));
}

/* The media type, and what stands around the entries. */
static weir_str
dress(weir_request *r, struct progress *p, weir_str callback)
{
    switch (p->style.format) {
    case LIST_XML:
        p->head = WEIR_STR("<?xml version=\"1.0\"?>\r\n<list>\r\n");
        p->tail = "</list>\r\n";
        return WEIR_STR("text/xml; charset=utf-8");
    case LIST_JSON:
        p->head = WEIR_STR("[\r\n");
        p->tail = "]";
        return WEIR_STR("application/json");
    case LIST_JSONP: /* the comment keeps the answer from being taken for another format's file */
        p->head = weir_print(r->pool, "/* callback */\r\n%.*s([\r\n", WEIR_FMT(callback));
        p->tail = "]);";
        return WEIR_STR("application/javascript");
    default:
        p->head = html_head(r);
        p->tail = "</pre><hr></body>\r\n</html>\r\n";
        return WEIR_STR("text/html");
    }
}

/* weir_source: the next piece of the text. */
static int
write_piece(weir_request *r, void *data, weir_chain *out, size_t want)
{
    struct progress *p = data;
    size_t size = want < PIECE_MIN ? PIECE_MIN : want > PIECE_MAX ? PIECE_MAX : want;
    uint8_t *room;

    if (p->head.data != NULL) {
        weir_chain_push(out, weir_buf_ref(r->pool, p->head));
        p->head.data = NULL;
    }
    weir_buf *b = weir_buf_new(r->pool, size, &room);
    weir_text t = weir_text_over(room, size);
    while (p->next < p->list.count && t.room - t.len >= ENTRY_LINE_MAX) {
        entry_format(&t, &p->list.entries[p->next], p->style, p->next + 1 == p->list.count);
        p->next++;
    }
    bool done = p->next == p->list.count && t.room - t.len >= ENTRY_LINE_MAX;
    if (done) {
        weir_text_add(&t, weir_str_c(p->tail));
    }
    b->len = t.len;
    weir_chain_push(out, b);
    return done ? WEIR_DONE : WEIR_NEXT;
}

/* Fill p->list; WEIR_OK or what the handler should return. */
static int
read_directory(weir_request *r, struct progress *p)
{
    weir_file_info info = { .size_of = sizeof(info) };
    weir_str file = weir_file_path(r, (weir_str){ NULL, 0 });
    int fd;

    if (file.data == NULL) {
        return WEIR_ERROR;
    }
    int rc = weir_file_open(r, file, &fd, &info);
    if (rc == WEIR_ABSENT || rc == 403) {
        weir_say(r->log, ERROR, "directory \"%.*s\" %s", WEIR_FMT(file),
                 rc == 403 ? "may not be read" : "is not found");
        return rc == 403 ? 403 : 404;
    }
    if (rc != WEIR_OK) {
        return rc;
    }
    rc = listing_read(r, fd, &p->list);
    if (rc == WEIR_OK) {
        return WEIR_OK;
    }
    if (rc == WEIR_ERROR && errno == ENOTDIR) {
        return 404;
    }
    weir_say(r->log, ERROR, "directory \"%.*s\" cannot be listed: %s", WEIR_FMT(file),
             rc == WEIR_LIMIT ? "it has too many entries" : strerror(errno));
    return 500;
}

static int
list_directory(weir_request *r, const void *conf)
{
    const autoindex_conf *c = conf;
    weir_str callback = { NULL, 0 };

    if (!(r->method & (WEIR_GET | WEIR_HEAD))) {
        return WEIR_NEXT;
    }
    struct progress *p = weir_zalloc(r->pool, sizeof(*p));
    p->style = (struct list_style){ c->format, c->exact_size, c->local_time };
    if (c->format == LIST_JSONP) {
        callback = weir_arg(r, WEIR_STR("callback"));
        if (!is_callback(callback)) {
            weir_say(r->log, INFO, "client sent invalid callback name \"%.*s\"",
                     WEIR_FMT(callback));
            return 400;
        }
        p->style.format = callback.len > 0 ? LIST_JSONP : LIST_JSON;
    }
    int rc = read_directory(r, p);
    if (rc != WEIR_OK) {
        return rc;
    }
    weir_out_set(r, WEIR_STR("Content-Type"), dress(r, p, callback));
    return weir_respond_from(r, 200, write_piece, p);
}

static bool
wanted(const void *conf)
{
    return ((const autoindex_conf *)conf)->on;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_name formats[] = {
    { "html", LIST_HTML },   { "xml", LIST_XML }, { "json", LIST_JSON },
    { "jsonp", LIST_JSONP }, { NULL, 0 },
};

static const weir_directive directives[] = {
    WEIR_OPT(autoindex_conf, on, FLAG, "autoindex", WHERE, "off",
             "list a directory that has no index file"),
    WEIR_OPT(autoindex_conf, exact_size, FLAG, "autoindex_exact_size", WHERE, "on",
             "sizes in bytes, else rounded to K, M and G (HTML)"),
    WEIR_OPT(autoindex_conf, local_time, FLAG, "autoindex_localtime", WHERE, "off",
             "times in the server's zone, else UTC (HTML)"),
    WEIR_OPT_NAMES(autoindex_conf, format, ENUM, "autoindex_format", WHERE, "html",
                   "what a listing is written in", formats),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT,
      .rank = WEIR_RANK_LATE,
      .handler = list_directory,
      .wanted = wanted,
      .before = "static",
      .flags = WEIR_HOOK_SUBREQUESTS | WEIR_HOOK_FOLDERS },
};

WEIR_MODULE("autoindex", "1.0", .summary = "lists directories", .conf_size = sizeof(autoindex_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks));
