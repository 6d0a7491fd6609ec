/* cache/crc_machine.h - CRC32C by the processor's instruction: SSE 4.2. Elsewhere there is none. */
#ifndef CACHE_CRC_MACHINE_H
#define CACHE_CRC_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)

static inline bool
crc_machine_can(void)
{
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) static inline uint64_t
crc_machine_word(uint64_t c, const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, 8);
    return __builtin_ia32_crc32di(c, word);
}

__attribute__((target("sse4.2"))) static inline uint32_t
crc_machine_add(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t c = (uint32_t)~crc;

    for (; n >= 32; n -= 32, p += 32) {
        c = crc_machine_word(c, p);
        c = crc_machine_word(c, p + 8);
        c = crc_machine_word(c, p + 16);
        c = crc_machine_word(c, p + 24);
    }
    for (; n >= 8; n -= 8, p += 8) {
        c = crc_machine_word(c, p);
    }
    for (; n != 0; n--, p++) {
        c = __builtin_ia32_crc32qi((uint32_t)c, *p);
    }
    return ~(uint32_t)c;
}

#else

static inline bool
crc_machine_can(void)
{
    return false;
}

static inline uint32_t
crc_machine_add(uint32_t crc, const void *bytes, size_t n)
{
    (void)bytes, (void)n;
    return crc;
}

#endif

#endif
