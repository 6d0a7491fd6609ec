/* conf/rows.h - what the binder works out once a load about the modules' rows, so that binding a
 * block costs little: numbers for bitmaps, structs with all presets, which bytes of a struct its
 * rows name. Private to conf/. */
#ifndef WR_CONF_ROWS_H
#define WR_CONF_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/bind.h"

/* A run of bytes in a configuration struct. */
struct wr_rows_span {
    size_t offset, size;
};

struct wr_rows_slot {
    uint32_t base;                   /* number of its first row; numbers go through all modules */
    const uint32_t *leader;          /* by row: number of the first row that names the same field */
    const struct wr_rows_span *gaps; /* bytes that no row names: zero in every new struct */
    const struct wr_rows_span *locals; /* fields of LOCAL rows */
    const struct wr_rows_span *contents; /* fields of CONTENT rows */
    uint32_t n_gaps, n_locals, n_contents;
    void *presets; /* the struct as it is before any directive; NULL without a struct */
};

/* What one block's binding keeps in mind: by row number, was it seen, was its field emptied. */
struct wr_rows_marks {
    uint64_t *seen, *emptied;
};

struct wr_rows {
    struct wr_rows_slot *slots;
    uint32_t n_rows;
    uint32_t depth;                                    /* blocks being bound */
    struct wr_rows_marks marks[WR_CONF_DEPTH_MAX + 2]; /* by depth, made at first use */
};

/* Work it out for cf->space; presets are parsed here, faults in them reported. cf->scope may be
 * NULL. */
struct wr_rows *wr_rows_create(struct weir_conf *cf);

/* The number of a row, which must be in its module's table. */
uint32_t wr_rows_number(const struct wr_rows *rows, const struct weir_conf *cf, uint32_t slot,
                        const weir_directive *row);

/* Clean marks for one more block, until the matching leave. */
struct wr_rows_marks *wr_rows_enter(struct wr_rows *rows, struct weir_conf *cf);
void wr_rows_leave(struct wr_rows *rows);

/* Set the bit; answers whether it was set before. */
static inline bool
wr_rows_mark(uint64_t *bits, uint32_t number)
{
    uint64_t bit = (uint64_t)1 << (number & 63), *word = &bits[number >> 6];
    bool was = (*word & bit) != 0;

    *word |= bit;
    return was;
}

#endif
