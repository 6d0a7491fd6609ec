/* conf/diag.h - what is wrong with a configuration: all of it, not the first; each with its place in the text.
 *
 * A diagnosis prints as nginx's line first, so that tools find it, then as people read it:
 *
 *     weir: [emerg] unknown directive "lisen" in sites/a.conf:3:5
 *         3 |     lisen 80;
 *           |     ^~~~~ did you mean "listen"?
 */
#ifndef WR_CONF_DIAG_H
#define WR_CONF_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

#include "base/pool.h"

struct wr_site;        /* sites.h */
struct wr_conf_source; /* a file (or the -g text) that was read; tree.h */

struct wr_conf_place {
    const struct wr_conf_source *source; /* NULL: no place in a text */
    uint32_t line, column;               /* from 1; column counts bytes */
    uint32_t len;                        /* bytes to underline, at least 1 */
};

enum wr_diag_kind { WR_DIAG_ERROR, WR_DIAG_WARN, WR_DIAG_NOTE /* only shown by -t -v */ };

struct wr_diagnosis {
    struct wr_diagnosis *next;
    uint32_t kind;
    struct wr_conf_place place;
    weir_str text;
    weir_str hint; /* "did you mean ...", what was expected; absent: none */
};

struct wr_diag {
    struct weir_pool *pool;
    struct wr_diagnosis *first, *last; /* in the order found */
    uint32_t errors, warnings, notes;
    struct wr_site *site; /* the one being read: what cannot be read of it is its fault; NULL: none */
    uint32_t repeated; /* of the errors: what was said before, with the same words of the same place, and is not kept */
    uint32_t limit; /* diagnoses of a kind that are kept; further ones only counted. 0: 100 */
};

void wr_diag_init(struct wr_diag *d, struct weir_pool *pool);

/* Note one, unless it is noted already. The text is copied. error answers false, for `return`. hint may be NULL. */
bool wr_diag_error(struct wr_diag *d, struct wr_conf_place at, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void wr_diag_add(struct wr_diag *d, uint32_t kind, struct wr_conf_place at, const char *hint,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

void wr_diag_add_args(struct wr_diag *d, uint32_t kind, struct wr_conf_place at, const char *hint,
                      const char *fmt, va_list args) __attribute__((format(printf, 5, 0)));

/* Would a further error only be counted? Then its hint is not worth the work. */
bool wr_diag_full(const struct wr_diag *d);

/* Print all of them to fd (with colours when it is a terminal), in the form above; kinds as a mask of 1u << kind. The first
 * line of each also goes to the process log when log is true. */
void wr_diag_print(const struct wr_diag *d, int fd, uint32_t kinds, bool log);

#endif
