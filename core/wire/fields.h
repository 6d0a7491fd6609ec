/* wire/fields.h - a set of header fields with an index by known name; shared until it is changed.
 *
 * A response begins with the empty block, or with a hot file's prebuilt one, without a copy; the first change makes the
 * request's own. Request fields are the request's own from the start.
 */
#ifndef WR_WIRE_FIELDS_H
#define WR_WIRE_FIELDS_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/request.h>

#include "base/pool.h"

enum { WR_FIELDS = WEIR_H_COUNT_1_0 };

struct wr_head_field; /* wire/http1_head.h */

struct wr_fields {
    const weir_header *index[WR_FIELDS];
    weir_header *first, *last;
    uint32_t n;
    uint64_t seen; /* bits of the names without id that were ever in it: most names that come are like none of them */
    /* The fields' lines, formatted for HTTP/1 ("Name: value\r\n"...), when the block is prebuilt; absent otherwise. */
    weir_str lines;
    bool shared; /* not to be changed: copy first */
};

/* Nothing. */
extern struct wr_fields wr_fields_none;

/* Put h, whose name, value and id are set, at the end. */
void wr_fields_append(struct wr_fields *f, weir_header *h);

/* Put the n fields of a head in f, which is empty: in all[], which has room for them, as slices of the head's bytes. Those
 * whose bit, 1 << id, is in skip are left out. */
void wr_fields_take(struct wr_fields *f, weir_header *all, const struct wr_head_field *from,
                    uint32_t n, const char *base, uint64_t skip);

/* A field at the end, name and value as given (they must live as long as f). id as wr_name_id says. */
weir_header *wr_fields_add(struct wr_fields *f, weir_pool *pool, weir_str name, weir_str value,
                           uint32_t id);

/* Which fields of a list go on, by 1 << id: some do not, of some `asked` says whether, and may add others to f. */
struct wr_fields_filter {
    uint64_t skip, ask;
    bool (*asked)(void *data, const weir_header *h);
    void *data;
};

/* Copies of the list that begins with `from`, at the end. */
void wr_fields_pass(struct wr_fields *f, weir_pool *pool, const weir_header *from,
                    const struct wr_fields_filter *which);

/* A shared block of n fields, with its lines, for answers to begin with. Names and values are copied. */
struct wr_fields *wr_fields_ready(weir_pool *pool, const weir_pair *fields, uint32_t n);

/* Take out every field of that name (id, or by comparing when id is 0). Answers how many. */
uint32_t wr_fields_remove(struct wr_fields *f, weir_str name, uint32_t id);

/* The first field called name; case does not matter. */
const weir_header *wr_fields_find(const struct wr_fields *f, weir_str name);

/* A copy that may be changed. */
struct wr_fields *wr_fields_copy(const struct wr_fields *f, weir_pool *pool);

/* Is it a token, and a value without CR, LF, NUL and other control bytes but TAB? */
bool wr_field_valid(weir_str name, weir_str value);
bool wr_value_valid(weir_str value); /* the value alone, for names known to be right */

#endif
