/* cache/status_field.c - what became of a request here, as a member of Cache-Status. */
#include "status_field.h"


enum { FIELD_MAX = 4096, KEY_MAX = 1024 };

static bool
is_sf_token(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alpha && (i == 0 || !((c >= '0' && c <= '9') || strchr("-._:/*", c) != NULL))) {
            return false;
        }
    }
    return s.len != 0;
}

/* A string of RFC 9651: what is not in it becomes '?'. */
static void
add_string(weir_text *to, weir_str s)
{
    weir_text_add(to, WEIR_STR("\""));
    for (size_t i = 0; i < s.len && i < KEY_MAX; i++) {
        char c = s.data[i];
        if (c == '"' || c == '\\') {
            weir_text_add(to, WEIR_STR("\\"));
        }
        c = c >= 0x20 && c < 0x7f ? c : '?';
        weir_text_add_byte(to, c);
    }
    weir_text_add(to, WEIR_STR("\""));
}

static void
add_ttl(weir_text *to, int64_t ttl)
{
    weir_text_add(to, ttl < 0 ? WEIR_STR("; ttl=-") : WEIR_STR("; ttl="));
    weir_text_add_number(to, (uint64_t)(ttl < 0 ? -ttl : ttl));
}

weir_str
status_member_text(weir_pool *pool, const struct status_member *m)
{
    static const char *const names[] = { "",          "bypass", "method",  "uri-miss",
                                         "vary-miss", "stale",  "request", "partial" };
    weir_text to = weir_text_begin(pool, 128 + m->key.len, FIELD_MAX);

    if (is_sf_token(m->cache)) {
        weir_text_add(&to, m->cache);
    } else {
        add_string(&to, m->cache);
    }
    if (m->forward == FWD_NONE) {
        weir_text_add(&to, WEIR_STR("; hit"));
    } else {
        weir_text_add(&to, WEIR_STR("; fwd="));
        weir_text_add(&to, weir_str_c(names[m->forward]));
    }
    if (m->forward_status != 0) {
        weir_text_add(&to, WEIR_STR("; fwd-status="));
        weir_text_add_number(&to, m->forward_status);
    }
    if (m->has_ttl) {
        add_ttl(&to, m->ttl);
    }
    if (m->stored) {
        weir_text_add(&to, WEIR_STR("; stored"));
    }
    if (m->collapsed) {
        weir_text_add(&to, WEIR_STR("; collapsed"));
    }
    if (m->key.len != 0) {
        weir_text_add(&to, WEIR_STR("; key="));
        add_string(&to, m->key);
    }
    return weir_text_view(&to);
}
