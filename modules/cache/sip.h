/* cache/sip.h - SipHash-2-4 with 128 bits of result: a keyed hash that nobody without the key can
 * make collide. */
#ifndef CACHE_SIP_H
#define CACHE_SIP_H

#include <stddef.h>
#include <stdint.h>

void sip_hash(const uint64_t key[2], const void *bytes, size_t len, uint64_t hash[2]);

#endif
