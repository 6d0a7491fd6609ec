/* cache/purge_record.c - bytes of purges. Numbers are little-endian. */
#include "purge_record.h"

#include "crc.h"
#include "little.h"

enum { AT_SIZE = 0, AT_CRC = 4, AT_WHAT = 8, AT_SOFT = 12, AT_HASH = 16 };

/* All but the checksum itself. */
static uint32_t
check(const uint8_t *bytes, size_t size)
{
    return crc_add(crc_add(0, bytes, AT_CRC), bytes + AT_WHAT, size - AT_WHAT);
}

size_t
purge_record_size(const struct purge_record *r)
{
    return PURGE_RECORD_FIXED + (r->what == PURGE_PREFIX ? r->prefix.len : 0);
}

uint8_t *
purge_record_write(uint8_t *to, const struct purge_record *r)
{
    size_t size = purge_record_size(r);

    little_put(to + AT_SIZE, size, 4);
    little_put(to + AT_WHAT, r->what, 4);
    little_put(to + AT_SOFT, r->soft, 4);
    little_put(to + AT_HASH, r->what == PURGE_KEY ? r->hash[0] : r->what == PURGE_TAG ? r->tag : 0, 8);
    little_put(to + AT_HASH + 8, r->what == PURGE_KEY ? r->hash[1] : 0, 8);
    if (size > PURGE_RECORD_FIXED) {
        memcpy(to + PURGE_RECORD_FIXED, r->prefix.data, r->prefix.len);
    }
    little_put(to + AT_CRC, check(to, size), 4);
    return to + size;
}

bool
purge_record_read(const uint8_t **bytes, size_t *n, struct purge_record *r)
{
    const uint8_t *p = *bytes;
    size_t size = *n >= PURGE_RECORD_FIXED ? (size_t)little_get(p + AT_SIZE, 4) : 0;

    if (size < PURGE_RECORD_FIXED || size > *n || size > PURGE_RECORD_MAX ||
        little_get(p + AT_CRC, 4) != check(p, size)) {
        return false;
    }
    *r = (struct purge_record){ .what = (uint32_t)little_get(p + AT_WHAT, 4),
                                .soft = little_get(p + AT_SOFT, 4) != 0,
                                .hash = { little_get(p + AT_HASH, 8), little_get(p + AT_HASH + 8, 8) },
                                .tag = little_get(p + AT_HASH, 8) };
    if (r->what < PURGE_KEY || r->what > PURGE_ALL || little_get(p + AT_SOFT, 4) > 1 ||
        (r->what != PURGE_PREFIX && size != PURGE_RECORD_FIXED) ||
        (r->what != PURGE_KEY && r->hash[1] != 0) ||
        (r->what != PURGE_KEY && r->what != PURGE_TAG && r->hash[0] != 0)) {
        return false;
    }
    r->prefix = (weir_str){ (const char *)p + PURGE_RECORD_FIXED, size - PURGE_RECORD_FIXED };
    *bytes += size;
    *n -= size;
    return true;
}
