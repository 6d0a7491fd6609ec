/* cache/crc.c - CRC32C: by tables, eight bytes at a time, or by the instruction for it. */
#include "crc.h"

#include <pthread.h>
#include <string.h>

#include "crc_machine.h"

static const uint32_t polynomial = 0x82f63b78;

static uint32_t table[8][256];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void
make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) {
            c = (c & 1) != 0 ? c >> 1 ^ polynomial : c >> 1;
        }
        table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int t = 1; t < 8; t++) {
            table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 255];
        }
    }
}

uint32_t
crc_add_plain(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint32_t c = ~crc;

    (void)pthread_once(&made, make_tables);
    for (; n >= 8; n -= 8, p += 8) {
        c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        c = table[7][c & 255] ^ table[6][c >> 8 & 255] ^ table[5][c >> 16 & 255] ^
            table[4][c >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    for (; n != 0; n--, p++) {
        c = c >> 8 ^ table[0][(c ^ *p) & 255];
    }
    return ~c;
}

uint32_t
crc_add(uint32_t crc, const void *bytes, size_t n)
{
    return crc_machine_can() ? crc_machine_add(crc, bytes, n) : crc_add_plain(crc, bytes, n);
}
