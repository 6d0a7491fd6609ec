/* wire/names.h - known header names and methods: from bytes to id and back. */
#ifndef WR_WIRE_NAMES_H
#define WR_WIRE_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <weir/base.h>

#define WR_NAME_TEXT_MAX 31
#define WR_NAME_SLOTS    512

/* A name's place in the hash table, from its length and three letters in either case: 16 moves the
 * bit that upper and lower case differ by out of the mask. */
#define WR_NAME_SLOT(len, first, middle, last)                                                     \
    (((unsigned)(len) + 16u * ((unsigned)(first) + (unsigned)(middle) + (unsigned)(last))) &       \
     (WR_NAME_SLOTS - 1))

struct wr_name {
    char text[WR_NAME_TEXT_MAX];
    uint8_t len; /* 0 for WEIR_H_OTHER */
};

/* The name in a slot; its length stands here, too: most names that are none of ours differ in it.
 */
struct wr_name_slot {
    uint8_t id;
    uint8_t len; /* 0 in an empty slot */
};

extern const struct wr_name wr_name_table[]; /* by WEIR_H_ id */
extern const struct wr_name_slot wr_name_slots[WR_NAME_SLOTS];

static inline uint64_t
wr_name_xor_8(const char *name, const char *known)
{
    uint64_t a;
    uint64_t b;

    memcpy(&a, name, 8);
    memcpy(&b, known, 8);
    return a ^ b;
}

static inline uint32_t
wr_name_xor_4(const char *name, const char *known)
{
    uint32_t a;
    uint32_t b;

    memcpy(&a, name, 4);
    memcpy(&b, known, 4);
    return a ^ b;
}

/* Where 8 bytes differ from those of a known name, other than by the case of letters: in a known
 * name every byte with bit 0x40 is a letter, and only there may bit 0x20 differ. 0 when they are
 * the same. */
static inline uint64_t
wr_name_differ_8(const char *name, const char *known)
{
    uint64_t b;

    memcpy(&b, known, 8);
    return wr_name_xor_8(name, known) & ~(b >> 1 & UINT64_C(0x2020202020202020));
}

static inline uint32_t
wr_name_differ_4(const char *name, const char *known)
{
    uint32_t b;

    memcpy(&b, known, 4);
    return wr_name_xor_4(name, known) & ~(b >> 1 & UINT32_C(0x20202020));
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

/* The slot of a name that is not empty: it can be no known name but that one. */
static inline __attribute__((always_inline)) struct wr_name_slot
wr_name_slot(const char *name, size_t len)
{
    return wr_name_slots[WR_NAME_SLOT(len, (uint8_t)name[0], (uint8_t)name[len / 2],
                                      (uint8_t)name[len - 1])];
}

/* The WEIR_H_ id of a header name in any case, WEIR_H_OTHER for a name that is not in names.def. */
static inline uint32_t
wr_name_id(weir_str name)
{
    if (name.len == 0) {
        return 0;
    }
    struct wr_name_slot slot = wr_name_slot(name.data, name.len);

    return slot.len == name.len && wr_name_same(name.data, wr_name_table[slot.id].text, name.len)
               ? slot.id
               : 0;
}

/* wr_name_same for a name whose bytes are all over 20: none of these differs from a letter or '-'
 * in bit 0x20 alone but the other case of a letter. Always inlined: the reader of heads asks for
 * every line. */
static inline __attribute__((always_inline)) bool
wr_name_same_visible(const char *name, const char *known, size_t len)
{
    uint64_t differ;

    if (len < 4) {
        return wr_name_same(name, known, len);
    }
    if (len < 8) {
        differ = wr_name_xor_4(name, known) | wr_name_xor_4(name + len - 4, known + len - 4);
    } else {
        differ = wr_name_xor_8(name, known) | wr_name_xor_8(name + len - 8, known + len - 8);
        if (len > 16) {
            differ |= wr_name_xor_8(name + 8, known + 8) |
                      wr_name_xor_8(name + len - 16, known + len - 16);
        }
    }
    return (differ & ~UINT64_C(0x2020202020202020)) == 0;
}

/* The canonical spelling of a WEIR_H_ id ("Content-Type"), static; absent for WEIR_H_OTHER and
 * unknown ids. */
weir_str wr_name_text(uint32_t id);

/* The same in small letters ("content-type"), as HTTP/2 has it. */
weir_str wr_name_small(uint32_t id);

/* The WEIR_ id of a method token, WEIR_METHOD_OTHER for one not in methods.def. Case matters. [RFC
 * 9110 9.1] */
uint32_t wr_method_id(weir_str token);

/* The token of a method id, static; absent for WEIR_METHOD_OTHER. */
weir_str wr_method_text(uint32_t id);

/* May a request of this method be sent twice without doing more than once? As IANA's registry of
 * methods says; one that is not in it may not. Case matters. [RFC 9110 9.2.2, 16.1.1] */
bool wr_method_is_idempotent(weir_str token);

#endif
