/* cache/crc.h - CRC32C (Castagnoli), by the processor where it can. */
#ifndef CACHE_CRC_H
#define CACHE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Of the bytes so far (0: none) and these. [any thread] [RFC 3720 B.4] */
uint32_t crc_add(uint32_t crc, const void *bytes, size_t n);

/* The same without the processor's help: what the other is held against. */
uint32_t crc_add_plain(uint32_t crc, const void *bytes, size_t n);

#endif
