/* wire/names.c - known header names and methods by perfect hash and short table.
 *
 * A header name's slot comes from its length and three letters, so finding it takes three loads, a
 * table look-up and one comparison, without copying the name in lower case. names.def gives the
 * letters again as characters because C does not take "abc"[0] for a constant; a collision is a
 * compile error. All tables are constant but that of small letters, which is filled by who asks.
 */
#include "wire/names.h"

#include <string.h>
#include <weir/request.h>
#include <weir/text.h>
#include "base/assert.h"

const struct wr_name wr_name_table[] = {
#define WR_NAME(id, text, first, middle, last) [WEIR_H_##id] = { text, sizeof(text) - 1 },
#include "wire/names.def"
#undef WR_NAME
};

const struct wr_name_slot wr_name_slots[WR_NAME_SLOTS] = {
#define WR_NAME(id, text, first, middle, last)                                                     \
    [WR_NAME_SLOT(sizeof(text) - 1, first, middle, last)] = { WEIR_H_##id, sizeof(text) - 1 },
#include "wire/names.def"
#undef WR_NAME
};

_Static_assert(WR_COUNT(wr_name_table) == WEIR_H_COUNT_1_0, "names.def lacks an id");
_Static_assert(0x20 * 16 % WR_NAME_SLOTS == 0, "the case of a letter does not move a slot");
_Static_assert(WEIR_H_OTHER == 0 && WEIR_H_COUNT_1_0 <= UINT8_MAX, "a slot holds an id");

static const struct method {
    uint32_t id;
    uint8_t len;
    char text[8];
} methods[] = {
#define WR_METHOD(text, id) { WEIR_##id, sizeof(text) - 1, text },
#include "wire/methods.def"
#undef WR_METHOD
};

weir_str
wr_name_text(uint32_t id)
{
    if (id == WEIR_H_OTHER || id >= WR_COUNT(wr_name_table)) {
        return (weir_str){ NULL, 0 };
    }
    return (weir_str){ wr_name_table[id].text, wr_name_table[id].len };
}

weir_str
wr_name_small(uint32_t id)
{
    static char texts[WR_COUNT(wr_name_table)][WR_NAME_TEXT_MAX];
    weir_str name = wr_name_text(id);

    if (name.len != 0 && texts[id][0] == '\0') {
        for (size_t i = 0; i < name.len; i++) {
            texts[id][i] = (char)weir_lower((uint8_t)name.data[i]);
        }
    }
    return (weir_str){ name.len != 0 ? texts[id] : NULL, name.len };
}

uint32_t
wr_method_id(weir_str token)
{
    for (size_t i = 0; i < WR_COUNT(methods); i++) {
        if (token.len == methods[i].len && memcmp(token.data, methods[i].text, token.len) == 0) {
            return methods[i].id;
        }
    }
    return WEIR_METHOD_OTHER;
}

weir_str
wr_method_text(uint32_t id)
{
    for (size_t i = 0; i < WR_COUNT(methods); i++) {
        if (methods[i].id == id) {
            return (weir_str){ methods[i].text, methods[i].len };
        }
    }
    return (weir_str){ NULL, 0 };
}

/* The registry has these, and as not idempotent CONNECT, LOCK, PATCH and POST. PRI is no request's.
 */
static const char *const idempotent[] = {
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
};

bool
wr_method_is_idempotent(weir_str token)
{
    for (size_t i = 0; i < WR_COUNT(idempotent); i++) {
        if (weir_str_eq(token, weir_str_c(idempotent[i]))) {
            return true;
        }
    }
    return false;
}
