/* http/regex_choices.c - reading "(php|cgi)" as words. */
#include "http/regex_choices.h"

#include <string.h>

#include "base/str.h"
#include "base/strbuf.h"

/* Past what may stand behind '(' of a group that only groups or captures: nothing, "?:", "?<name>" or "?P<name>". */
static bool
skip_kind(weir_str *at)
{
    size_t close;

    if (at->len == 0 || at->data[0] != '?') {
        return true;
    }
    if (weir_str_starts(*at, WEIR_STR("?:"))) {
        *at = weir_str_cut(*at, 2, at->len);
        return true;
    }
    if (!weir_str_starts(*at, WEIR_STR("?<")) && !weir_str_starts(*at, WEIR_STR("?P<"))) {
        return false;
    }
    close = weir_str_find(*at, '>');
    if (close == at->len || at->data[2] == '=' || at->data[2] == '!') { /* those look behind */
        return false;
    }
    *at = weir_str_cut(*at, close + 1, at->len);
    return true;
}

/* A byte of a word at the front of *at, moved past it. False: something else stands there. */
static bool
read_byte(weir_str *at, char *byte)
{
    bool escaped = at->len > 1 && at->data[0] == '\\';
    uint8_t c = (uint8_t)at->data[escaped];
    bool plain = weir_is_letter(c) || weir_is_digit(c);

    if (escaped ? plain || c < ' ' || c > '~' : memchr("\\[](){}|?*.^$+", c, 14) != NULL) {
        return false;
    }
    *byte = (char)c;
    *at = weir_str_cut(*at, 1u + escaped, at->len);
    return true;
}

/* A word, up to the '|' or ')' behind it. */
static weir_str
read_word(struct weir_pool *pool, weir_str before, weir_str *at)
{
    size_t room = before.len + at->len;
    struct wr_strbuf b = wr_strbuf_over(weir_alloc(pool, room), room);
    char c;

    wr_strbuf_str(&b, before);
    while (at->len != 0 && read_byte(at, &c)) {
        wr_strbuf_byte(&b, c);
    }
    return wr_strbuf_view(&b);
}

bool
wr_regex_choices_read(struct weir_pool *pool, weir_str before, weir_str *rest,
                      struct wr_regex_choices *out)
{
    struct wr_regex_choices c = { .n = 0 };
    weir_str at = *rest;
    char sign;

    if (!skip_kind(&at)) {
        return false;
    }
    c.at = weir_alloc(pool, WR_REGEX_CHOICES_MAX * sizeof(*c.at));
    do {
        if (c.n == WR_REGEX_CHOICES_MAX || at.len == 0) {
            return false;
        }
        c.at[c.n++] = read_word(pool, before, &at);
        sign = at.len != 0 ? at.data[0] : '\0';
        at = weir_str_cut(at, 1, at.len);
    } while (sign == '|');
    if (sign != ')' || (at.len != 0 && memchr("?*+{", at.data[0], 4) != NULL)) {
        return false;
    }
    *rest = at;
    *out = c;
    return true;
}
