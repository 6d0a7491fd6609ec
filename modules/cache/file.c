/* cache/file.c - heads and checksums of files. Numbers are little-endian. */
#include "file.h"

#include "crc.h"
#include "little.h"

enum {
    AT_MAGIC = 0,
    AT_SIZE = 8,
    AT_CRC = 12, /* of the whole head, this being 0 */
    AT_FLAGS = 16,
    AT_STATUS = 20,
    AT_META_FLAGS = 24,
    AT_KEY_LEN = 28,
    AT_N_TAGS = 32,
    AT_REASON_LEN = 36,
    AT_NOTE_LEN = 40,
    AT_N_FIELDS = 44,
    AT_FILE = 48,
    AT_HASH = 56,
    AT_LENGTH = 72,
    AT_TIMES = 80,
    FIXED = 144,
    FIELD = 8 /* a field's two lengths */
};

static const char magic[8] = "weirfil2"; /* its last byte is the format's number */

static uint8_t *
put_text(uint8_t *p, weir_str text)
{
    if (text.len != 0) {
        memcpy(p, text.data, text.len);
    }
    return p + text.len;
}

/* ---- Writing. ---- */

size_t
file_head_size(weir_str key, const struct store_meta *m)
{
    size_t size = FIXED + key.len + m->n_tags * sizeof(uint64_t) + m->reason.len + m->note.len;
    uint32_t n = 0;

    for (const weir_header *h = m->fields; h != NULL && size <= FILE_HEAD_MAX; h = h->next) {
        size += FIELD + h->name.len + h->value.len;
        n++;
    }
    return size <= FILE_HEAD_MAX && n <= FILE_FIELDS_MAX ? size : 0;
}

/* The checksum with zeros in its own place. */
static uint32_t
head_crc(const uint8_t *head, size_t size)
{
    uint32_t crc = crc_add(0, head, AT_CRC);

    crc = crc_add(crc, "\0\0\0\0", 4);
    return crc_add(crc, head + AT_CRC + 4, size - AT_CRC - 4);
}

static void
put_fixed(uint8_t *to, weir_str key, const struct store_meta *m, uint64_t file,
          const uint64_t hash[2], uint32_t flags)
{
    memcpy(to + AT_MAGIC, magic, sizeof(magic));
    little_put(to + AT_CRC, 0, 4);
    little_put(to + AT_FLAGS, flags, 4);
    little_put(to + AT_STATUS, m->status, 4);
    little_put(to + AT_META_FLAGS, m->flags, 4);
    little_put(to + AT_KEY_LEN, (uint32_t)key.len, 4);
    little_put(to + AT_N_TAGS, m->n_tags, 4);
    little_put(to + AT_REASON_LEN, (uint32_t)m->reason.len, 4);
    little_put(to + AT_NOTE_LEN, (uint32_t)m->note.len, 4);
    little_put(to + AT_FILE, file, 8);
    little_put(to + AT_HASH, hash[0], 8);
    little_put(to + AT_HASH + 8, hash[1], 8);
    little_put(to + AT_LENGTH, (uint64_t)m->length, 8);
    for (int i = 0; i < 8; i++) {
        little_put(to + AT_TIMES + 8 * i, m->times[i], 8);
    }
}

void
file_head_write(uint8_t *to, weir_str key, const struct store_meta *m, uint64_t file,
                const uint64_t hash[2], uint32_t flags)
{
    uint8_t *p = to + FIXED;
    uint32_t n = 0;

    put_fixed(to, key, m, file, hash, flags);
    p = put_text(p, key);
    for (uint32_t i = 0; i < m->n_tags; i++, p += 8) {
        little_put(p, m->tags[i], 8);
    }
    p = put_text(p, m->reason);
    p = put_text(p, m->note);
    for (const weir_header *h = m->fields; h != NULL; h = h->next, n++) {
        little_put(p, (uint32_t)h->name.len, 4);
        little_put(p + 4, (uint32_t)h->value.len, 4);
        p = put_text(p + FIELD, h->name);
        p = put_text(p, h->value);
    }
    little_put(to + AT_N_FIELDS, n, 4);
    little_put(to + AT_SIZE, (uint32_t)(p - to), 4);
    little_put(to + AT_CRC, head_crc(to, (size_t)(p - to)), 4);
}

/* ---- Reading. ---- */

uint32_t
file_head_tells_size(const uint8_t *bytes)
{
    uint32_t size = (uint32_t)little_get(bytes + AT_SIZE, 4);

    if (memcmp(bytes, magic, sizeof(magic)) != 0 || size < FIXED || size > FILE_HEAD_MAX) {
        return 0;
    }
    return size;
}

bool
file_is_of_another_time(const uint8_t *bytes)
{
    return memcmp(bytes, magic, sizeof(magic) - 1) == 0 &&
           bytes[sizeof(magic) - 1] != (uint8_t)magic[sizeof(magic) - 1];
}

/* The next n bytes; false: there are fewer. */
static bool
cut(const uint8_t **p, size_t *left, size_t n, const uint8_t **part)
{
    if (n > *left) {
        return false;
    }
    *part = *p;
    *p += n;
    *left -= n;
    return true;
}

static bool
cut_text(const uint8_t **p, size_t *left, size_t n, weir_str *text)
{
    const uint8_t *at;

    if (!cut(p, left, n, &at)) {
        return false;
    }
    *text = (weir_str){ (const char *)at, n };
    return true;
}

/* Do the fields end where the head does? */
static bool
fields_fit(const uint8_t *p, size_t left, uint32_t n)
{
    const uint8_t *at, *lengths;

    for (; n != 0; n--) {
        if (!cut(&p, &left, FIELD, &lengths) || !cut(&p, &left, little_get(lengths, 4), &at) ||
            !cut(&p, &left, little_get(lengths + 4, 4), &at)) {
            return false;
        }
    }
    return left == 0;
}

static void
get_fixed(const uint8_t *bytes, struct file_head *h)
{
    h->size = (uint32_t)little_get(bytes + AT_SIZE, 4);
    h->flags = (uint32_t)little_get(bytes + AT_FLAGS, 4);
    h->status = (uint32_t)little_get(bytes + AT_STATUS, 4);
    h->meta_flags = (uint32_t)little_get(bytes + AT_META_FLAGS, 4);
    h->n_fields = (uint32_t)little_get(bytes + AT_N_FIELDS, 4);
    h->n_tags = (uint32_t)little_get(bytes + AT_N_TAGS, 4);
    h->file = little_get(bytes + AT_FILE, 8);
    h->hash[0] = little_get(bytes + AT_HASH, 8);
    h->hash[1] = little_get(bytes + AT_HASH + 8, 8);
    h->length = little_get(bytes + AT_LENGTH, 8);
    for (int i = 0; i < 8; i++) {
        h->times[i] = little_get(bytes + AT_TIMES + 8 * i, 8);
    }
}

bool
file_head_read(const uint8_t *bytes, size_t n, struct file_head *h)
{
    uint32_t size = n >= FIXED ? file_head_tells_size(bytes) : 0;
    const uint8_t *p = bytes + FIXED;
    size_t left = size - FIXED;

    if (size == 0 || size > n || little_get(bytes + AT_CRC, 4) != head_crc(bytes, size)) {
        return false;
    }
    get_fixed(bytes, h);
    if (h->n_tags > STORE_TAGS_MAX || h->n_fields > FILE_FIELDS_MAX || h->file == 0 ||
        h->length > INT64_MAX / 2 ||
        !cut_text(&p, &left, little_get(bytes + AT_KEY_LEN, 4), &h->key) ||
        !cut(&p, &left, h->n_tags * sizeof(uint64_t), &h->tags) ||
        !cut_text(&p, &left, little_get(bytes + AT_REASON_LEN, 4), &h->reason) ||
        !cut_text(&p, &left, little_get(bytes + AT_NOTE_LEN, 4), &h->note)) {
        return false;
    }
    h->fields = p;
    return fields_fit(p, left, h->n_fields);
}

size_t
file_tail_read(const uint8_t *bytes, size_t n, struct file_head *h)
{
    struct file_head next;
    size_t read = 0;

    while (n >= FIXED && file_head_read(bytes, n, &next) && next.file == h->file &&
           next.length == h->length && next.hash[0] == h->hash[0] && next.hash[1] == h->hash[1] &&
           weir_str_eq(next.key, h->key)) {
        uint32_t size = h->size; /* where the blocks begin is the first one's to say */
        uint32_t step = next.size;
        *h = next;
        h->size = size;
        bytes += step;
        n -= step;
        read += step;
    }
    return read;
}

void
file_head_pairs(const struct file_head *h, weir_pair *pairs)
{
    const uint8_t *p = h->fields;

    for (uint32_t i = 0; i < h->n_fields; i++) {
        size_t name = little_get(p, 4), value = little_get(p + 4, 4);
        pairs[i].name = (weir_str){ (const char *)p + FIELD, name };
        pairs[i].value = (weir_str){ (const char *)p + FIELD + name, value };
        p += FIELD + name + value;
    }
}

void
file_head_tags(const struct file_head *h, uint64_t *tags)
{
    for (uint32_t i = 0; i < h->n_tags; i++) {
        tags[i] = little_get(h->tags + 8 * i, 8);
    }
}

uint32_t
file_block_crc(uint64_t file, uint64_t i, const void *bytes, size_t n)
{
    uint8_t seed[16];

    little_put(seed, file, 8);
    little_put(seed + 8, i, 8);
    return crc_add(crc_add(0, seed, sizeof(seed)), bytes, n);
}
