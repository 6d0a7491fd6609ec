/* conf/dump.c - writing a tree through one small buffer; depth of calls is the tree's, which
 * reading bounded. */
#include "conf/dump.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/str.h"

struct out {
    int fd;
    int rc; /* 0, or the first failure: nothing is written after it */
    size_t len;
    char room[4096];
};

static void
out_raw(struct out *o, weir_str s)
{
    while (s.len != 0 && o->rc == 0) {
        ssize_t n = write(o->fd, s.data, s.len);
        if (n >= 0) {
            s = weir_str_cut(s, (size_t)n, SIZE_MAX);
        } else if (errno != EINTR) {
            o->rc = -errno;
        }
    }
}

static int
out_flush(struct out *o)
{
    out_raw(o, (weir_str){ o->room, o->len });
    o->len = 0;
    return o->rc;
}

static void
out_str(struct out *o, weir_str s)
{
    if (s.len > sizeof(o->room) - o->len) {
        out_flush(o);
    }
    if (s.len > sizeof(o->room)) {
        out_raw(o, s);
    } else if (s.len != 0) {
        memcpy(o->room + o->len, s.data, s.len);
        o->len += s.len;
    }
}

int
wr_dump_text(const struct wr_conf_tree *tree, int fd)
{
    struct out o = { .fd = fd };

    for (const struct wr_conf_source *s = tree->sources; s != NULL; s = s->next) {
        if (s->again || weir_str_eq(s->name, WR_CONF_COMMAND_LINE)) {
            continue;
        }
        out_str(&o, WEIR_STR("# configuration file "));
        out_str(&o, s->name);
        out_str(&o, WEIR_STR(":\n"));
        out_str(&o, s->text);
        out_str(&o, WEIR_STR("\n"));
    }
    return out_flush(&o);
}

/* ---- Statements. ---- */

static bool
needs_quotes(weir_str word)
{
    if (word.len == 0 || weir_str_starts(word, WEIR_STR("\xef\xbb\xbf"))) {
        return true; /* the first word of a file would lose a byte order mark */
    }
    for (size_t i = 0; i < word.len; i++) {
        if (memchr(" \t\r\n;{}\"'\\#", word.data[i], 11) != NULL) {
            return true;
        }
    }
    return false;
}

static void
out_word(struct out *o, weir_str word)
{
    size_t begin = 0;

    if (!needs_quotes(word)) {
        out_str(o, word);
        return;
    }
    out_str(o, WEIR_STR("\""));
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] == '"' || word.data[i] == '\\') {
            out_str(o, weir_str_cut(word, begin, i - begin));
            out_str(o, WEIR_STR("\\"));
            begin = i;
        }
    }
    out_str(o, weir_str_cut(word, begin, SIZE_MAX));
    out_str(o, WEIR_STR("\""));
}

static void
out_indent(struct out *o, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        out_str(o, WEIR_STR("    "));
    }
}

static void
out_statements(struct out *o, const struct wr_conf_node *n, unsigned depth)
{
    for (; n != NULL && o->rc == 0; n = n->next) {
        out_indent(o, depth);
        for (uint32_t i = 0; i < n->n_words; i++) {
            out_str(o, i != 0 ? WEIR_STR(" ") : WEIR_STR(""));
            out_word(o, n->words[i].text);
        }
        if (!n->block) {
            out_str(o, WEIR_STR(";\n"));
            continue;
        }
        out_str(o, WEIR_STR(" {\n"));
        out_statements(o, n->first, depth + 1);
        out_indent(o, depth);
        out_str(o, WEIR_STR("}\n"));
    }
}

int
wr_dump_statements(const struct wr_conf_tree *tree, int fd)
{
    struct out o = { .fd = fd };

    out_statements(&o, tree->first, 0);
    return out_flush(&o);
}

/* ---- JSON. ---- */

/* Bytes of the UTF-8 character at s (not empty), 0 when there is none: neither overlong forms nor
 * surrogates are. */
static size_t
utf8_len(weir_str s)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t c = (uint8_t)s.data[0];
    size_t len = c < 0x80             ? 1
                 : (c & 0xe0) == 0xc0 ? 2
                 : (c & 0xf0) == 0xe0 ? 3
                 : (c & 0xf8) == 0xf0 ? 4
                                      : 0;
    uint32_t code = len < 2 ? c : c & (0x7fu >> len);

    if (len > s.len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if (((uint8_t)s.data[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | ((uint8_t)s.data[i] & 0x3f);
    }
    return len != 0 && code >= least[len] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
               ? len
               : 0;
}

static cJSON *
json_str(weir_str s)
{
    char *text = malloc(3 * s.len + 1);
    size_t at = 0;
    cJSON *json;

    WR_ASSERT(text != NULL);
    while (s.len != 0) {
        size_t len = utf8_len(s);
        memcpy(text + at, len != 0 ? s.data : "\xef\xbf\xbd", len != 0 ? len : 3);
        at += len != 0 ? len : 3;
        s = weir_str_cut(s, len != 0 ? len : 1, SIZE_MAX);
    }
    text[at] = '\0';
    json = cJSON_CreateString(text);
    free(text);
    return json;
}

static cJSON *
json_statements(const struct wr_conf_node *n)
{
    cJSON *list = cJSON_CreateArray();

    for (; n != NULL; n = n->next) {
        cJSON *one = cJSON_CreateObject(), *args = cJSON_CreateArray();
        cJSON_AddItemToObject(one, "directive", json_str(n->words[0].text));
        cJSON_AddItemToObject(one, "file", json_str(n->source->name));
        cJSON_AddNumberToObject(one, "line", n->words[0].line);
        for (uint32_t i = 1; i < n->n_words; i++) {
            cJSON_AddItemToArray(args, json_str(n->words[i].text));
        }
        cJSON_AddItemToObject(one, "args", args);
        if (n->block) {
            cJSON_AddItemToObject(one, "block", json_statements(n->first));
        }
        cJSON_AddItemToArray(list, one);
    }
    return list;
}

/* The configuration's own file: the first that is not the -g text. */
static weir_str
main_file(const struct wr_conf_tree *tree)
{
    const struct wr_conf_source *s = tree->sources;

    while (s != NULL && s->next != NULL && weir_str_eq(s->name, WR_CONF_COMMAND_LINE)) {
        s = s->next;
    }
    return s != NULL ? s->name : WEIR_STR("");
}

int
wr_dump_json(const struct wr_conf_tree *tree, int fd)
{
    cJSON *all = cJSON_CreateObject(), *config = cJSON_AddArrayToObject(all, "config");
    cJSON *main_json = cJSON_CreateObject();
    struct out o = { .fd = fd };
    char *text;

    cJSON_AddItemToObject(main_json, "file", json_str(main_file(tree)));
    cJSON_AddItemToObject(main_json, "parsed", json_statements(tree->first));
    cJSON_AddItemToArray(config, main_json);
    text = cJSON_PrintUnformatted(all);
    cJSON_Delete(all);
    if (text == NULL) {
        return -ENOMEM;
    }
    out_str(&o, weir_str_c(text));
    out_str(&o, WEIR_STR("\n"));
    free(text);
    return out_flush(&o);
}
