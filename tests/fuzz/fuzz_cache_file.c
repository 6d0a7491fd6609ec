/* Heads of cache files, and tails with newer ones: what is accepted has its checksum right and its
 * parts inside, and writing it again gives the same bytes. With the first byte odd the checksum is
 * put right first, so that what is behind it is reached. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#include "../modules/cache/crc.c"
#include "../modules/cache/file.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(const uint8_t *bytes, size_t n, const void *at, size_t len)
{
    WR_ASSERT((const uint8_t *)at >= bytes && (const uint8_t *)at + len <= bytes + n);
}

/* What was read, written again, is what was read. */
static void
round_trip(const uint8_t *bytes, const struct file_head *h)
{
    weir_pair *pairs = malloc((h->n_fields + 1) * sizeof(*pairs));
    weir_header *fields = calloc(h->n_fields + 1, sizeof(*fields));
    struct store_meta m = { .status = h->status, .flags = h->meta_flags, .n_tags = h->n_tags };
    uint64_t tags[STORE_TAGS_MAX];
    uint8_t *again = malloc(h->size);

    WR_ASSERT(pairs != NULL && fields != NULL && again != NULL);
    file_head_pairs(h, pairs);
    file_head_tags(h, tags);
    for (uint32_t i = 0; i < h->n_fields; i++) {
        inside(bytes, h->size, pairs[i].name.data, pairs[i].name.len);
        inside(bytes, h->size, pairs[i].value.data, pairs[i].value.len);
        fields[i].name = pairs[i].name;
        fields[i].value = pairs[i].value;
        fields[i].next = i + 1 < h->n_fields ? &fields[i + 1] : NULL;
    }
    memcpy(m.times, h->times, sizeof(m.times));
    m.length = (int64_t)h->length;
    m.reason = h->reason;
    m.note = h->note;
    m.tags = tags;
    m.fields = h->n_fields != 0 ? fields : NULL;
    WR_ASSERT(file_head_size(h->key, &m) == h->size);
    file_head_write(again, h->key, &m, h->file, h->hash, h->flags);
    WR_ASSERT(memcmp(again, bytes, h->size) == 0);
    free(again);
    free(fields);
    free(pairs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes;
    struct file_head h;
    size_t n = size - 1;
    uint32_t tells;

    if (size < FILE_HEAD_FIRST + 1) {
        return 0;
    }
    bytes = malloc(n);
    WR_ASSERT(bytes != NULL);
    memcpy(bytes, data + 1, n);
    tells = file_head_tells_size(bytes);
    if (data[0] % 2 == 1 && tells != 0 && tells <= n) {
        little_put(bytes + AT_CRC, head_crc(bytes, tells), 4);
    }
    if (file_head_read(bytes, n, &h)) {
        uint32_t crc = (uint32_t)little_get(bytes + AT_CRC, 4);
        WR_ASSERT(h.size <= n);
        little_put(bytes + AT_CRC, 0, 4);
        WR_ASSERT(crc_add_plain(0, bytes, h.size) == crc);
        little_put(bytes + AT_CRC, crc, 4);
        inside(bytes, n, h.key.data, h.key.len);
        inside(bytes, n, h.tags, h.n_tags * 8);
        round_trip(bytes, &h);
        WR_ASSERT(file_tail_read(bytes + h.size, n - h.size, &h) <= n);
    }
    free(bytes);
    return 0;
}
