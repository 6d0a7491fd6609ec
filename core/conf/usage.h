/* conf/usage.h - a directive's row put into words: how it is used, where it may stand, what its
 * values look like. */
#ifndef WR_CONF_USAGE_H
#define WR_CONF_USAGE_H

#include <stdint.h>
#include <weir/conf.h>

#include "base/strbuf.h"

/* The least and the most arguments the row takes; no upper limit: UINT32_MAX. */
void wr_usage_arguments(const weir_directive *row, uint32_t *min, uint32_t *max);

/* "usage: gzip on | off;" */
void wr_usage_print(struct wr_strbuf *to, const weir_directive *row);

/* "http, server, if in location" for WEIR_IN_* bits. */
void wr_usage_where(struct wr_strbuf *to, uint32_t where);

/* What a value of the row's type looks like: "a size: 512, 8k, 1m, 2g"; NULL when there is nothing
 * to say. */
const char *wr_usage_form(const weir_directive *row);

/* "it must be one of "a", "b", "c"" for a row with names. */
void wr_usage_names(struct wr_strbuf *to, const weir_directive *row);

#endif
