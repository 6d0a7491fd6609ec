/* cache/control.c - Cache-Control as a list of directives. */
#include "control.h"

#include "list.h"

enum argument { ARG_NONE, ARG_FIELDS, ARG_SECONDS, ARG_MAYBE };

static const struct row {
    weir_str name;
    uint32_t flag;
    enum argument argument;
    size_t offset; /* of the number */
} rows[] = {
    { { "max-age", 7 }, CC_MAX_AGE, ARG_SECONDS, offsetof(struct control, max_age) },
    { { "s-maxage", 8 }, CC_S_MAXAGE, ARG_SECONDS, offsetof(struct control, s_maxage) },
    { { "public", 6 }, CC_PUBLIC, ARG_NONE, 0 },
    { { "private", 7 }, CC_PRIVATE, ARG_FIELDS, 0 },
    { { "no-cache", 8 }, CC_NO_CACHE, ARG_FIELDS, 0 },
    { { "no-store", 8 }, CC_NO_STORE, ARG_NONE, 0 },
    { { "must-revalidate", 15 }, CC_MUST_REVALIDATE, ARG_NONE, 0 },
    { { "proxy-revalidate", 16 }, CC_PROXY_REVALIDATE, ARG_NONE, 0 },
    { { "must-understand", 15 }, CC_MUST_UNDERSTAND, ARG_NONE, 0 },
    { { "immutable", 9 }, CC_IMMUTABLE, ARG_NONE, 0 },
    { { "stale-while-revalidate", 22 },
      CC_STALE_REVALIDATE,
      ARG_SECONDS,
      offsetof(struct control, stale_revalidate) },
    { { "stale-if-error", 14 },
      CC_STALE_ERROR,
      ARG_SECONDS,
      offsetof(struct control, stale_error) },
    { { "max-stale", 9 }, CC_MAX_STALE, ARG_MAYBE, offsetof(struct control, max_stale) },
    { { "min-fresh", 9 }, CC_MIN_FRESH, ARG_SECONDS, offsetof(struct control, min_fresh) },
    { { "only-if-cached", 14 }, CC_ONLY_IF_CACHED, ARG_NONE, 0 },
};

static const struct row *
row_of(weir_str name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (weir_str_ieq(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static weir_str
bare(weir_str value)
{
    return value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"'
               ? weir_str_cut(value, 1, value.len - 2)
               : value;
}

/* A number said before and now, and not the same one: neither is to be trusted. */
static void
set_seconds(struct control *c, const struct row *row, weir_str value)
{
    uint32_t *to = (uint32_t *)(void *)((char *)c + row->offset);
    uint64_t n = 0;

    if (value.data == NULL && row->argument == ARG_MAYBE) {
        n = SECONDS_MAX;
    } else {
        (void)number_read(bare(value), SECONDS_MAX, &n); /* none: 0, so stale [RFC 9111 4.2.1] */
    }
    *to = c->flags & row->flag && *to != n ? 0 : (uint32_t)n;
    c->flags |= row->flag;
}

static void
set_directive(struct control *c, weir_str name, weir_str value)
{
    const struct row *row = row_of(name);

    c->flags |= CC_ANY;
    if (row == NULL) {
        return;
    }
    switch (row->argument) {
    case ARG_SECONDS:
    case ARG_MAYBE:
        set_seconds(c, row, value);
        break;
    case ARG_FIELDS: /* an empty list says nothing less than none */
        c->flags |= bare(value).len != 0 ? row->flag << 1 : row->flag;
        break;
    default:
        c->flags |= row->flag;
    }
}

/* A member whose string does not end: what its own directive forbids counts whole, and so does what
 * stands behind the quote, as if it had ended there. Nothing of it makes the response fresher. */
static void
add_open(struct control *c, weir_str member, size_t open)
{
    const uint32_t forbids =
        CC_NO_STORE | CC_NO_CACHE | CC_PRIVATE | CC_MUST_REVALIDATE | CC_PROXY_REVALIDATE;
    struct control hidden = { 0 };
    weir_str name, value;

    while (member.len != 0) {
        size_t end = open + weir_str_find(weir_str_cut(member, open, SIZE_MAX), ',');
        list_part(weir_str_trim(weir_str_cut(member, 0, end)), &name, &value);
        set_directive(&hidden, name, (weir_str){ NULL, 0 });
        member = weir_str_cut(member, end + 1, SIZE_MAX);
        open = 0;
    }
    c->flags |= hidden.flags & forbids;
}

/* One list of directives more; text as in a field. */
static void
control_add(struct control *c, weir_str text)
{
    weir_str member, name, value;

    while (weir_list_next(&text, &member)) {
        size_t open = weir_str_open_quote(member);
        if (open != member.len) {
            add_open(c, member, open);
        }
        list_part(member, &name, &value);
        set_directive(c, name, value);
    }
}

void
control_read(struct control *c, const weir_header *first)
{
    *c = (struct control){ 0 };
    for (; first != NULL; first = first->same) {
        control_add(c, first->value);
    }
}

/* Is that which stands before a "=" a directive that may have a list of fields, or does it end like one? */
static bool
may_be_lister(weir_str before)
{
    static const weir_str names[] = { { "private", 7 }, { "no-cache", 8 } };

    before = weir_str_trim(before);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (before.len >= names[i].len &&
            weir_str_ieq(weir_str_cut(before, before.len - names[i].len, SIZE_MAX), names[i])) {
            return true;
        }
    }
    return false;
}

bool
control_may_list(const weir_header *first)
{
    for (; first != NULL; first = first->same) {
        weir_str rest = first->value;
        size_t at;
        while ((at = weir_str_find(rest, '=')) < rest.len) {
            if (may_be_lister(weir_str_cut(rest, 0, at))) {
                return true;
            }
            rest = weir_str_cut(rest, at + 1, SIZE_MAX);
        }
    }
    return false;
}

bool
control_lists(const weir_header *first, weir_str wanted)
{
    for (; first != NULL; first = first->same) {
        weir_str rest = first->value, member, name, value, field;
        while (weir_list_next(&rest, &member)) {
            const struct row *row;
            list_part(member, &name, &value);
            row = row_of(name);
            value = bare(value);
            while (row != NULL && row->argument == ARG_FIELDS && weir_list_next(&value, &field)) {
                if (weir_str_ieq(field, wanted)) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* ---- Targeted fields: dictionaries of RFC 9651. ---- */

static bool
is_key_byte(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || c == '*' ||
           (!first && ((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'));
}

static bool
take_key(weir_str *in, weir_str *key)
{
    size_t n = 0;

    while (n < in->len && is_key_byte(in->data[n], n == 0)) {
        n++;
    }
    *key = weir_str_cut(*in, 0, n);
    *in = weir_str_cut(*in, n, SIZE_MAX);
    return n != 0;
}

static size_t
number_length(weir_str in)
{
    size_t n = in.len != 0 && in.data[0] == '-' ? 1 : 0, digits = 0;
    bool dot = false;

    for (; n < in.len; n++) {
        if (in.data[n] == '.' && !dot && digits != 0) {
            dot = true;
        } else if (in.data[n] >= '0' && in.data[n] <= '9') {
            digits++;
        } else {
            break;
        }
    }
    return digits == 0 || digits > 15 || in.data[n - 1] == '.' ? 0 : n;
}

/* 0: it does not end, or holds what it may not. */
static size_t
string_length(weir_str in)
{
    for (size_t n = 1; n < in.len; n++) {
        if (in.data[n] == '"') {
            return n + 1;
        }
        if (in.data[n] == '\\') {
            n++;
            if (n == in.len || (in.data[n] != '"' && in.data[n] != '\\')) {
                return 0;
            }
        }
        if ((unsigned char)in.data[n] < 0x20 || (unsigned char)in.data[n] >= 0x7f) {
            return 0;
        }
    }
    return 0;
}

static size_t
token_length(weir_str in)
{
    static const char also[] = ":/!#$%&'*+-.^_`|~";
    size_t n = 0;

    for (; n < in.len; n++) {
        char c = in.data[n];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alpha && (n == 0 ? c != '*' : (c < '0' || c > '9') && (c == 0 || !strchr(also, c)))) {
            break;
        }
    }
    return n;
}

/* A bare item. Byte sequences, dates and the like are no directive's value: they are passed over as
 * far as their bytes go. */
static bool
take_item(weir_str *in, weir_str *item)
{
    size_t n = 0;

    if (in->len == 0) {
        return false;
    }
    switch (in->data[0]) {
    case '"':
        n = string_length(*in);
        break;
    case '?':
        n = in->len >= 2 && (in->data[1] == '0' || in->data[1] == '1') ? 2 : 0;
        break;
    case ':':
        n = weir_str_find(weir_str_cut(*in, 1, SIZE_MAX), ':') + 2;
        n = n <= in->len ? n : 0;
        break;
    default:
        n = number_length(*in);
        n = n != 0 ? n : token_length(*in);
    }
    *item = weir_str_cut(*in, 0, n);
    *in = weir_str_cut(*in, n, SIZE_MAX);
    return n != 0;
}

/* ";key=item" as often as it comes. */
static bool
skip_parameters(weir_str *in)
{
    weir_str ignored;

    while (in->len != 0 && in->data[0] == ';') {
        *in = weir_str_cut(*in, 1, SIZE_MAX);
        while (in->len != 0 && in->data[0] == ' ') {
            *in = weir_str_cut(*in, 1, SIZE_MAX);
        }
        if (!take_key(in, &ignored)) {
            return false;
        }
        if (in->len != 0 && in->data[0] == '=') {
            *in = weir_str_cut(*in, 1, SIZE_MAX);
            if (!take_item(in, &ignored)) {
                return false;
            }
        }
    }
    return true;
}

/* An item, or a list of items in parentheses, which no directive has for a value. */
static bool
take_member(weir_str *in, weir_str *item)
{
    if (in->len == 0 || in->data[0] != '(') {
        return take_item(in, item);
    }
    *item = weir_str_cut(*in, 0, 1);
    *in = weir_str_cut(*in, 1, SIZE_MAX);
    for (;;) {
        weir_str ignored;
        while (in->len != 0 && in->data[0] == ' ') {
            *in = weir_str_cut(*in, 1, SIZE_MAX);
        }
        if (in->len != 0 && in->data[0] == ')') {
            *in = weir_str_cut(*in, 1, SIZE_MAX);
            return true;
        }
        if (!take_item(in, &ignored) || !skip_parameters(in) || in->len == 0 ||
            (in->data[0] != ' ' && in->data[0] != ')')) {
            return false;
        }
    }
}

/* A later member of a key takes an earlier one's place [RFC 9651 3.2]; a value of the wrong type
 * makes its directive as if it were not there [RFC 9213 2.1]. */
static void
set_member(struct control *c, weir_str key, weir_str item)
{
    const struct row *row = row_of(key);
    uint64_t n;

    c->flags |= CC_ANY;
    if (row == NULL) {
        return;
    }
    c->flags &= ~(row->flag | (row->argument == ARG_FIELDS ? row->flag << 1 : 0));
    if (row->argument == ARG_SECONDS) {
        if (number_read(item, SECONDS_MAX, &n)) {
            set_seconds(c, row, item);
        }
    } else if (item.data == NULL || weir_str_eq(item, WEIR_STR("?1"))) {
        c->flags |= row->flag;
    } else if (row->argument == ARG_FIELDS && item.data[0] == '"') {
        c->flags |= item.len > 2 ? row->flag << 1 : row->flag;
    }
}

static bool
read_dictionary(struct control *c, weir_str in)
{
    in = weir_str_trim(in);
    while (in.len != 0) {
        weir_str key, item = { NULL, 0 };
        if (!take_key(&in, &key)) {
            return false;
        }
        if (in.len != 0 && in.data[0] == '=') {
            in = weir_str_cut(in, 1, SIZE_MAX);
            if (!take_member(&in, &item)) {
                return false;
            }
        }
        if (!skip_parameters(&in)) {
            return false;
        }
        set_member(c, key, item);
        in = weir_str_trim(in);
        if (in.len == 0) {
            return true;
        }
        if (in.data[0] != ',') {
            return false;
        }
        in = weir_str_trim(weir_str_cut(in, 1, SIZE_MAX));
        if (in.len == 0) {
            return false; /* a comma that nothing follows */
        }
    }
    return true;
}

/* Surrogate-Control: a list as Cache-Control's, whose members may be for one surrogate by its name
 * ("max-age=60;edge"): ours go to own, those of others nowhere. [Edge Architecture
 * Specification 2.3]
 */
static void
read_surrogate(struct control *all, struct control *own, weir_str text, weir_str self)
{
    weir_str member, name, value, target;

    while (weir_list_next(&text, &member)) {
        size_t at = weir_str_find(member, ';');
        list_part(weir_str_trim(weir_str_cut(member, 0, at)), &name, &value);
        target = weir_str_trim(weir_str_cut(member, at + 1, SIZE_MAX));
        if (at == member.len) {
            set_directive(all, name, value);
        } else if (self.len != 0 && weir_str_eq(target, self)) {
            set_directive(own, name, value);
        }
    }
}

/* What is said to us by name outdoes the same said to all. What is forbidden to all stays so. */
static void
outdo(struct control *c, const struct control *own)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (own->flags & rows[i].flag && rows[i].offset != 0) {
            memcpy((char *)c + rows[i].offset, (const char *)own + rows[i].offset,
                   sizeof(uint32_t));
        }
    }
    c->flags |= own->flags;
}

/* The first field of that name, which is no known one, from h on; NULL: none. */
static const weir_header *
find_named(const weir_header *h, weir_str name)
{
    while (h != NULL && (h->id != WEIR_H_OTHER || h->name.len != name.len ||
                         !weir_str_ieq(h->name, name))) {
        h = h->next;
    }
    return h;
}

/* first: the first field of that name. */
static bool
read_field(struct control *c, const weir_header *first, weir_str name, weir_str self)
{
    bool surrogate = weir_str_ieq(name, CONTROL_SURROGATE);
    struct control own = { 0 };

    *c = (struct control){ 0 };
    for (const weir_header *h = first; h != NULL; h = find_named(h->next, name)) {
        if (surrogate) {
            read_surrogate(c, &own, h->value, self);
        } else if (!read_dictionary(c, h->value)) {
            return false;
        }
    }
    outdo(c, &own);
    return c->flags != 0;
}

bool
control_read_targeted(struct control *c, const weir_header *fields, const weir_strs *names,
                      weir_str self)
{
    for (size_t i = 0; i < names->count; i++) {
        const weir_header *first = find_named(fields, names->at[i]);
        if (first != NULL && read_field(c, first, names->at[i], self)) {
            return true;
        }
    }
    return false;
}
