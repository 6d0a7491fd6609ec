/* http2/deflate.c - a field block that goes out, field by field. [RFC 7541]
 *
 * nghttp2 compresses fields and keeps the table that blocks refer to. Most fields of an answer stand in that since an answer before:
 * where each was put is remembered, and its value looked up here; if that is another one, nghttp2 is asked. Fields that seldom come
 * again are not worth a place in the table, nor the time to code them by letters' frequencies.
 */
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"
#include "http2/http2.h"
#include "wire/names.h"

enum {
    STATIC = 61,        /* fields of the table that everybody has, */
    STATUS_200 = 8,     /* and the places of some */
    AGE = 21,
    CONTENT_LENGTH = 28,
    ETAG = 34,
    LOCATION = 46,
    SET_COOKIE = 55,
    FIELD_MORE = 32     /* bytes that a field takes at most beside its name and value */
};

/* The block that is being made; at most one is. */
static struct {
    uint8_t bytes[WR_HTTP2_HEADS];
    size_t len;
    bool full;
} block;

void
wr_deflate_begin(void)
{
    block.len = 0;
    block.full = false;
}

/* A block that is not sent leaves fields in our table that the client's has not: both are emptied by what the next one says. */
static void
empty_table(struct wr_http2 *h)
{
    size_t size = nghttp2_hd_deflate_get_max_dynamic_table_size(h->deflater);

    WR_ASSERT(nghttp2_hd_deflate_change_table_size(h->deflater, 0) == 0 &&
              nghttp2_hd_deflate_change_table_size(h->deflater, size) == 0);
    h->table_changes = true;
}

bool
wr_deflate_end(struct wr_http2 *h, weir_str *bytes)
{
    *bytes = (weir_str){ (const char *)block.bytes, block.len };
    if (block.full) {
        empty_table(h);
    }
    return !block.full;
}

/* A number behind the bits that say what it is for. [RFC 7541 5.1] */
static void
put_integer(uint8_t kind, unsigned prefix_bits, size_t n)
{
    size_t most = (1u << prefix_bits) - 1;

    if (n < most) {
        block.bytes[block.len++] = (uint8_t)(kind | n);
        return;
    }
    block.bytes[block.len++] = (uint8_t)(kind | most);
    for (n -= most; n >= 128; n >>= 7) {
        block.bytes[block.len++] = (uint8_t)(n | 128);
    }
    block.bytes[block.len++] = (uint8_t)n;
}

/* ---- What is in the table. ---- */

/* The index of the n-th field that was put into the table: the newest comes first. */
static size_t
index_of(const struct wr_http2 *h, uint16_t n)
{
    return STATIC + 1 + (size_t)(uint16_t)(h->n_placed - n);
}

/* The field that was put there, if it still is, and has this value. */
static const nghttp2_nv *
placed_with(const struct wr_http2 *h, uint16_t place, weir_str value)
{
    const nghttp2_nv *nv = NULL;

    if (place != 0 && !h->table_changes) {
        nv = nghttp2_hd_deflate_get_table_entry(h->deflater, index_of(h, place));
    }
    return nv != NULL && nv->valuelen == value.len && memcmp(nv->value, value.data, value.len) == 0 ? nv
                                                                                                    : NULL;
}

static void
put_placed(const struct wr_http2 *h, uint16_t place)
{
    put_integer(0x80, 7, index_of(h, place));
}

static void
forget_places(struct wr_http2 *h)
{
    memset(h->placed, 0, sizeof(h->placed));
    h->opening.len = 0;
}

/* The number of the field that was put there just now. What stands under a number is not looked at again: before they come round
 * nothing may be left of those before. */
static uint16_t
next_place(struct wr_http2 *h)
{
    if (h->n_placed == UINT16_MAX) {
        forget_places(h);
        h->n_placed = 0;
    }
    return ++h->n_placed;
}

/* By nghttp2; *place: where the field stands then. */
static WR_APART void
put_new(struct wr_http2 *h, uint16_t *place, weir_str name, weir_str value)
{
    uint8_t *at = block.bytes + block.len;
    nghttp2_nv nv = { .name = (uint8_t *)(uintptr_t)name.data,
                      .value = (uint8_t *)(uintptr_t)(value.len != 0 ? value.data : ""),
                      .namelen = name.len,
                      .valuelen = value.len };
    ssize_t n = nghttp2_hd_deflate_hd(h->deflater, at, sizeof(block.bytes) - block.len, &nv, 1);

    WR_ASSERT(n > 0);
    block.len += (size_t)n;
    if (h->table_changes) { /* it begins by saying so: every place is another */
        h->table_changes = false;
        forget_places(h);
        h->n_placed = (uint16_t)(nghttp2_hd_deflate_get_num_table_entries(h->deflater) - STATIC);
    } else if ((*at & 0xc0) == 0x40) {
        *place = next_place(h);
    }
}

/* ---- What is not put there. ---- */

/* The place of the name of a field whose value is another one each time; 0: it is not such a field. */
static size_t
name_of_passing(uint32_t id)
{
    switch (id) {
    case WEIR_H_AGE:
        return AGE;
    case WEIR_H_CONTENT_LENGTH:
        return CONTENT_LENGTH;
    case WEIR_H_ETAG:
        return ETAG;
    case WEIR_H_LOCATION:
        return LOCATION;
    case WEIR_H_SET_COOKIE:
        return SET_COOKIE;
    default:
        return 0;
    }
}

/* A field that no table is to have, as it is. [RFC 7541 6.2.2] */
static void
put_passing(size_t name, weir_str value)
{
    put_integer(0x00, 4, name);
    put_integer(0x00, 7, value.len);
    memcpy(block.bytes + block.len, value.data, value.len);
    block.len += value.len;
}

/* ---- Fields. ---- */

static bool
has_room(size_t bytes)
{
    block.full = block.full || bytes + FIELD_MORE > sizeof(block.bytes) - block.len;
    return !block.full;
}

void
wr_deflate_known(struct wr_http2 *h, uint32_t id, weir_str value)
{
    uint16_t *place = &h->placed[id];
    size_t passing = h->table_changes ? 0 : name_of_passing(id);

    if (!has_room(WR_NAME_TEXT_MAX + value.len)) {
        return;
    }
    if (passing != 0) {
        put_passing(passing, value);
    } else if (placed_with(h, *place, value) != NULL) {
        put_placed(h, *place);
    } else {
        put_new(h, place, wr_name_small(id), value);
    }
}

/* Names of one length share a place. */
void
wr_deflate_other(struct wr_http2 *h, weir_str name, weir_str value)
{
    uint16_t *place = &h->placed[WR_FIELDS + name.len % WR_HTTP2_PLACED_MORE];
    const nghttp2_nv *nv;

    if (!has_room(name.len + value.len)) {
        return;
    }
    nv = placed_with(h, *place, value);
    if (nv != NULL && weir_str_eq(name, (weir_str){ (const char *)nv->name, nv->namelen })) {
        put_placed(h, *place);
    } else {
        put_new(h, place, name, value);
    }
}

void
wr_deflate_status(struct wr_http2 *h, uint32_t status)
{
    static const uint16_t known[] = { 200, 204, 206, 304, 400, 404, 500 };
    char digits[20];

    for (size_t i = 0; i < WR_COUNT(known) && !h->table_changes; i++) {
        if (known[i] == status) {
            put_integer(0x80, 7, STATUS_200 + i);
            return;
        }
    }
    wr_deflate_other(h, WEIR_STR(":status"), (weir_str){ digits, wr_num_format(digits, status) });
}

/* ---- What most answers begin with. ---- */

static bool
opens_as_before(const struct wr_http2 *h, uint32_t status, weir_str server)
{
    const struct wr_http2_opening *o = &h->opening;

    return o->len != 0 && o->n_placed == h->n_placed && o->status == status && o->server == server.data &&
           o->second == wr_clock.wall_s && !h->table_changes;
}

void
wr_deflate_opening(struct wr_http2 *h, uint32_t status, weir_str server)
{
    struct wr_http2_opening *o = &h->opening;
    uint16_t n_placed = h->n_placed;
    bool changes = h->table_changes;

    if (opens_as_before(h, status, server)) {
        memcpy(block.bytes, o->bytes, sizeof(o->bytes));
        block.len = o->len;
        return;
    }
    wr_deflate_status(h, status);
    wr_deflate_known(h, WEIR_H_SERVER, server);
    wr_deflate_known(h, WEIR_H_DATE, (weir_str){ wr_clock.http_date, 29 });
    o->len = 0;
    if (!changes && n_placed == h->n_placed && block.len <= sizeof(o->bytes)) {
        memcpy(o->bytes, block.bytes, sizeof(o->bytes));
        o->len = (uint8_t)block.len;
        o->n_placed = n_placed;
        o->status = (uint16_t)status;
        o->server = server.data;
        o->second = wr_clock.wall_s;
    }
}
