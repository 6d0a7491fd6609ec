/* cache/invalidate.c - which other URIs an answered unsafe request makes invalid. */
#include "invalidate.h"

#include "list.h"

bool
invalidate_is_safe(uint32_t method)
{
    return (method & (WEIR_GET | WEIR_HEAD | WEIR_OPTIONS | WEIR_TRACE)) != 0;
}

/* The authority at the front of text is taken off. Is it the request's? Ports are not compared
 * where one of them is left out and the other is the scheme's own. */
static bool
take_authority(weir_str *text, bool tls, weir_str host)
{
    size_t end = 0;
    weir_str authority, own = tls ? WEIR_STR(":443") : WEIR_STR(":80");

    while (end < text->len && strchr("/?#", text->data[end]) == NULL) {
        end++;
    }
    authority = weir_str_cut(*text, 0, end);
    *text = weir_str_cut(*text, end, SIZE_MAX);
    if (authority.len > own.len &&
        weir_str_starts(weir_str_cut(authority, authority.len - own.len, SIZE_MAX), own)) {
        authority.len -= own.len;
    }
    if (host.len > own.len &&
        weir_str_starts(weir_str_cut(host, host.len - own.len, SIZE_MAX), own)) {
        host.len -= own.len;
    }
    return weir_str_ieq(authority, host);
}

/* Steps back off the end of to. */
static void
step_up(weir_text *to)
{
    while (to->len != 0 && to->data[--to->len] != '/') {
    }
}

/* "." and ".." taken out of a path. [RFC 3986 5.2.4] */
static weir_str
clean(weir_pool *pool, weir_str path)
{
    weir_text to = weir_text_begin(pool, path.len + 2, path.len + 2);

    while (path.len != 0) {
        weir_str segment;
        path = weir_str_cut(path, 1, SIZE_MAX); /* its slash */
        segment = weir_str_cut(path, 0, weir_str_find(path, '/'));
        path = weir_str_cut(path, segment.len, SIZE_MAX);
        if (weir_str_eq(segment, WEIR_STR("..")) || weir_str_eq(segment, WEIR_STR("."))) {
            if (segment.len == 2) {
                step_up(&to);
            }
            if (path.len == 0) {
                weir_text_add(&to, WEIR_STR("/"));
            }
            continue;
        }
        weir_text_add(&to, WEIR_STR("/"));
        weir_text_add(&to, segment);
    }
    return to.len != 0 ? weir_text_view(&to) : WEIR_STR("/");
}

static weir_str
put_together(weir_pool *pool, weir_str path, weir_str query)
{
    path = clean(pool, path);
    return query.len == 0 ? path : weir_print(pool, "%.*s%.*s", WEIR_FMT(path), WEIR_FMT(query));
}

/* A relative path, put behind the last slash of base's. [RFC 3986 5.2.3] */
static weir_str
merge(weir_pool *pool, weir_str base, weir_str path)
{
    size_t end = base.len;

    while (end != 0 && base.data[end - 1] != '/') {
        end--;
    }
    return weir_print(pool, "%.*s%.*s", (int)end, base.data, WEIR_FMT(path));
}

weir_str
invalidate_target(weir_pool *pool, weir_str reference, bool tls, weir_str host, weir_str base)
{
    const weir_str none = { NULL, 0 };
    weir_str scheme = tls ? WEIR_STR("https:") : WEIR_STR("http:"), path, query, base_path;
    size_t colon, slash;

    reference = weir_str_cut(reference, 0, weir_str_find(reference, '#'));
    if (reference.len > scheme.len &&
        weir_str_ieq(weir_str_cut(reference, 0, scheme.len), scheme) &&
        weir_str_starts(weir_str_cut(reference, scheme.len, SIZE_MAX), WEIR_STR("//"))) {
        reference = weir_str_cut(reference, scheme.len, SIZE_MAX);
    }
    colon = weir_str_find(reference, ':');
    slash = weir_str_find(reference, '/');
    if (colon < slash && colon < weir_str_find(reference, '?')) {
        return none; /* another scheme */
    }
    if (weir_str_starts(reference, WEIR_STR("//"))) {
        reference = weir_str_cut(reference, 2, SIZE_MAX);
        if (!take_authority(&reference, tls, host)) {
            return none;
        }
        if (reference.len == 0 || reference.data[0] != '/') {
            reference = weir_print(pool, "/%.*s", WEIR_FMT(reference));
        }
    }
    path = weir_str_cut(reference, 0, weir_str_find(reference, '?'));
    query = weir_str_cut(reference, path.len, SIZE_MAX);
    base_path = weir_str_cut(base, 0, weir_str_find(base, '?'));
    if (path.len == 0) {
        return query.len != 0 ? put_together(pool, base_path, query) : base;
    }
    if (path.data[0] != '/') {
        path = merge(pool, base_path, path);
    }
    return path.data[0] == '/' ? put_together(pool, path, query) : none;
}

weir_str
invalidate_key(weir_pool *pool, weir_str key, weir_str base, weir_str target)
{
    weir_text to;

    if (base.len == 0 || key.len < base.len) {
        return (weir_str){ NULL, 0 };
    }
    for (size_t at = key.len - base.len + 1; at-- != 0;) {
        if (memcmp(key.data + at, base.data, base.len) == 0) {
            to = weir_text_begin(pool, key.len + target.len + 1, INVALIDATE_KEY_MAX);
            weir_text_add(&to, weir_str_cut(key, 0, at));
            weir_text_add(&to, target);
            weir_text_add(&to, weir_str_cut(key, at + base.len, SIZE_MAX));
            return to.full ? (weir_str){ NULL, 0 } : weir_text_view(&to);
        }
    }
    return (weir_str){ NULL, 0 };
}
