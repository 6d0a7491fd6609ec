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

__attribute__((target("sse4.2"))) static inline uint32_t
crc_machine_add(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t c = (uint32_t)~crc, word;

    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&word, p, 8);
        c = __builtin_ia32_crc32di(c, word);
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
