/* wire/names.c - known header names and methods by perfect hash and short table.
 *
 * A header name's slot comes from its length and three letters, so finding it takes three loads, a
 * table look-up and one comparison, without copying the name in lower case. names.def gives the
 * letters again as characters because C does not take "abc"[0] for a constant; a collision is a
 * compile error. All tables are constant.
 */
#include "wire/names.h"

#include <string.h>
#include <weir/request.h>
#include "base/assert.h"

#define TEXT_MAX 27 /* an entry is 28 bytes */
#define SLOTS    512

#define WR_NAME_SLOT(len, first, middle, last)                                                     \
    (((unsigned)(len) + 4u * (unsigned)(first) + 8u * ((unsigned)(middle) + (unsigned)(last))) &   \
     (SLOTS - 1))

struct name {
    uint8_t len;
    char text[TEXT_MAX];
};

static const struct name names[] = {
#define WR_NAME(id, text, first, middle, last) [WEIR_H_##id] = { sizeof(text) - 1, text },
#include "wire/names.def"
#undef WR_NAME
};

static const uint8_t slots[SLOTS] = {
#define WR_NAME(id, text, first, middle, last)                                                     \
    [WR_NAME_SLOT(sizeof(text) - 1, first, middle, last)] = WEIR_H_##id,
#include "wire/names.def"
#undef WR_NAME
};

_Static_assert(sizeof(names) / sizeof(names[0]) == WEIR_H_COUNT_1_0, "names.def lacks an id");

static const struct method {
    uint32_t id;
    uint8_t len;
    char text[8];
} methods[] = {
#define WR_METHOD(text, id) { WEIR_##id, sizeof(text) - 1, text },
#include "wire/methods.def"
#undef WR_METHOD
};

/* Are 8 bytes the same but for the case of letters? In a known name every byte with bit 0x40 is a
 * letter, and only there may bit 0x20 differ. */
static inline bool
same_8(const char *name, const char *known)
{
    uint64_t a;
    uint64_t b;

    memcpy(&a, name, 8);
    memcpy(&b, known, 8);
    return ((a ^ b) & ~(b >> 1 & UINT64_C(0x2020202020202020))) == 0;
}

static inline bool
same_4(const char *name, const char *known)
{
    uint32_t a;
    uint32_t b;

    memcpy(&a, name, 4);
    memcpy(&b, known, 4);
    return ((a ^ b) & ~(b >> 1 & UINT32_C(0x20202020))) == 0;
}

/* The last step overlaps the one before, so that only bytes of the name are read whatever its
 * length. */
static inline bool
same_name(const char *name, const char *known, size_t len)
{
    if (len >= 8) {
        for (size_t at = 0; at + 8 < len; at += 8) {
            if (!same_8(name + at, known + at)) {
                return false;
            }
        }
        return same_8(name + len - 8, known + len - 8);
    }
    if (len >= 4) {
        return same_4(name, known) && same_4(name + len - 4, known + len - 4);
    }
    for (size_t at = 0; at < len; at++) {
        if (((name[at] ^ known[at]) & ~(known[at] >> 1 & 0x20)) != 0) {
            return false;
        }
    }
    return true;
}

uint32_t
wr_name_id(weir_str name)
{
    if (name.len < 2 || name.len >= TEXT_MAX) {
        return WEIR_H_OTHER;
    }
    uint8_t id = slots[WR_NAME_SLOT(name.len, (uint8_t)name.data[0] | 0x20u,
                                    (uint8_t)name.data[name.len / 2] | 0x20u,
                                    (uint8_t)name.data[name.len - 1] | 0x20u)];
    const struct name *known = &names[id];

    if (known->len != name.len || !same_name(name.data, known->text, name.len)) {
        return WEIR_H_OTHER;
    }
    return id;
}

weir_str
wr_name_text(uint32_t id)
{
    if (id == WEIR_H_OTHER || id >= WR_COUNT(names)) {
        return (weir_str){ NULL, 0 };
    }
    return (weir_str){ names[id].text, names[id].len };
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
