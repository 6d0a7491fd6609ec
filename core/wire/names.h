/* wire/names.h - known header names and methods: from bytes to id and back. */
#ifndef WR_WIRE_NAMES_H
#define WR_WIRE_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <weir/base.h>

#define WR_NAME_TEXT_MAX 31
#define WR_NAME_SLOTS    512

/* A name's place in the hash table, from its length and three letters in lower case. */
#define WR_NAME_SLOT(len, first, middle, last)                                                     \
    (((unsigned)(len) + 4u * (unsigned)(first) + 8u * ((unsigned)(middle) + (unsigned)(last))) &   \
     (WR_NAME_SLOTS - 1))

struct wr_name {
    uint8_t len; /* 0 for WEIR_H_OTHER */
    char text[WR_NAME_TEXT_MAX];
};

extern const struct wr_name wr_name_table[];       /* by WEIR_H_ id */
extern const uint8_t wr_name_slots[WR_NAME_SLOTS]; /* WEIR_H_ ids */

/* Where 8 bytes differ from those of a known name, other than by the case of letters: in a known
 * name every byte with bit 0x40 is a letter, and only there may bit 0x20 differ. 0 when they are
 * the same. */
static inline uint64_t
wr_name_differ_8(const char *name, const char *known)
{
    uint64_t a;
    uint64_t b;

    memcpy(&a, name, 8);
    memcpy(&b, known, 8);
    return (a ^ b) & ~(b >> 1 & UINT64_C(0x2020202020202020));
}

static inline uint32_t
wr_name_differ_4(const char *name, const char *known)
{
    uint32_t a;
    uint32_t b;

    memcpy(&a, name, 4);
    memcpy(&b, known, 4);
    return (a ^ b) & ~(b >> 1 & UINT32_C(0x20202020));
}

/* Is name that known name, which has the same length? The pieces overlap, so that only bytes of the
 * name are read. */
static inline bool
wr_name_same(const char *name, const char *known, size_t len)
{
    if (len >= 8) {
        uint64_t differ =
            wr_name_differ_8(name, known) | wr_name_differ_8(name + len - 8, known + len - 8);
        if (len > 16) {
            differ |= wr_name_differ_8(name + 8, known + 8) |
                      wr_name_differ_8(name + len - 16, known + len - 16);
        }
        return differ == 0;
    }
    if (len >= 4) {
        return (wr_name_differ_4(name, known) |
                wr_name_differ_4(name + len - 4, known + len - 4)) == 0;
    }
    for (size_t at = 0; at < len; at++) {
        if (((name[at] ^ known[at]) & ~(known[at] >> 1 & 0x20)) != 0) {
            return false;
        }
    }
    return true;
}

/* The WEIR_H_ id of a header name in any case, WEIR_H_OTHER for a name that is not in names.def.
 * Always inlined: the reader of heads calls it for every line. */
static inline __attribute__((always_inline)) uint32_t
wr_name_id(weir_str name)
{
    if (name.len - 1 >= WR_NAME_TEXT_MAX) {
        return 0;
    }
    uint32_t id = wr_name_slots[WR_NAME_SLOT(name.len, (uint8_t)name.data[0] | 0x20u,
                                             (uint8_t)name.data[name.len / 2] | 0x20u,
                                             (uint8_t)name.data[name.len - 1] | 0x20u)];
    const struct wr_name *known = &wr_name_table[id];

    return known->len == name.len && wr_name_same(name.data, known->text, name.len) ? id : 0;
}

/* The canonical spelling of a WEIR_H_ id ("Content-Type"), static; absent for WEIR_H_OTHER and
 * unknown ids. */
weir_str wr_name_text(uint32_t id);

/* The WEIR_ id of a method token, WEIR_METHOD_OTHER for one not in methods.def. Case matters. [RFC
 * 9110 9.1] */
uint32_t wr_method_id(weir_str token);

/* The token of a method id, static; absent for WEIR_METHOD_OTHER. */
weir_str wr_method_text(uint32_t id);

#endif
