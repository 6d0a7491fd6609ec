/* wire/huffman.c - HPACK's code for letters, from codes to letters. [RFC 7541 5.2, Appendix B]
 *
 * The code is canonical: in the order of their lengths, and within a length of the letters, each code is the one before it and
 * one. So the next 32 bits, taken as a number, say how long the first code in them is, and which of that length.
 */
#include "wire/huffman.h"

#include <stdint.h>

/* Letters in the order of their codes. */
static const uint8_t letters[256] = {
    48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61,
    65, 95, 98, 100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72,
    73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118, 119, 120,
    121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63, 39, 43, 124, 35, 62, 0, 36, 64, 91, 93,
    126, 94, 125, 60, 96, 123, 92, 195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167,
    172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160,
    163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1, 135,
    137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175,
    180, 182, 183, 188, 191, 197, 231, 239, 9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236,
    237, 199, 207, 234, 235, 192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243,
    255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253,
    254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29,
    30, 31, 127, 220, 249, 10, 13, 22,
};

/* Codes of one length. */
struct row {
    uint32_t last; /* the last number that begins with one of them, or with a shorter one */
    uint8_t bits;
    uint8_t more;  /* added to a code, without what does not fit in a byte: where its letter stands */
};

/* The last is for what is no letter's. */
static const struct row rows[] = {
    { 0x4fffffff, 5, 0x00 }, { 0xb7ffffff, 6, 0xf6 }, { 0xf7ffffff, 7, 0xc8 },
    { 0xfdffffff, 8, 0x4c }, { 0xff3fffff, 10, 0x52 }, { 0xff9fffff, 11, 0x55 },
    { 0xffbfffff, 12, 0x58 }, { 0xffefffff, 13, 0x5c }, { 0xfff7ffff, 14, 0x5e },
    { 0xfffdffff, 15, 0x60 }, { 0xfffe5fff, 19, 0x6f }, { 0xfffedfff, 20, 0x7c },
    { 0xffff47ff, 21, 0x8e }, { 0xffffafff, 22, 0xa5 }, { 0xffffe9ff, 23, 0xb9 },
    { 0xfffff5ff, 24, 0xc4 }, { 0xfffff7ff, 25, 0xce }, { 0xfffffbbf, 26, 0xde },
    { 0xfffffe1f, 27, 0xef }, { 0xffffffef, 28, 0xfe }, { 0xfffffffb, 30, 0x01 },
    { UINT32_MAX, UINT8_MAX, 0 },
};

enum wr_wire
wr_huffman_decode(weir_str in, char *to, size_t *len)
{
    uint64_t bits = 0; /* the next ones, from the highest on, */
    unsigned have = 0; /* and how many */
    size_t at = 0, n = 0;

    for (;;) {
        const struct row *r = rows;
        uint32_t next;
        for (; have <= 56 && at < in.len; have += 8) {
            bits |= (uint64_t)(uint8_t)in.data[at++] << (56 - have);
        }
        next = (uint32_t)(bits >> 32);
        while (next > r->last) {
            r++;
        }
        if (r->bits > have) {
            break;
        }
        to[n++] = (char)letters[(uint8_t)((next >> (32 - r->bits)) + r->more)];
        bits <<= r->bits;
        have -= r->bits;
    }
    if (have >= 8 || bits != ~(UINT64_MAX >> have)) {
        return WR_BAD;
    }
    *len = n;
    return WR_OK;
}
