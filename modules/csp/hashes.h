/* csp/hashes.h - sums of the inline scripts and styles of pages that are files, kept by the file's
 * identity.
 *
 * Each worker keeps its own, in a table of bounded size in which a newer page takes the place of
 * another of the same slot.
 */
#ifndef CSP_HASHES_H
#define CSP_HASHES_H

#include <weir/weir.h>

enum {
    HASHES_MAX = 64, /* of either kind in a page: a field of 4 KiB is as much as others take */
    HASH_SLOTS = 512
};

/* " 'sha256-...' 'sha256-...'", or empty. */
struct page_hashes {
    weir_str scripts, styles;
};

struct hash_table; /* opaque */

struct hash_setting {
    bool on;
    uint64_t max;             /* longest file that is looked through, bytes */
    struct hash_table *table; /* all blocks of a configuration share it */
};

/* csp_hashes off | on [max=SIZE] */
int set_hashes(weir_conf *cf, const weir_directive *d, void *field);

/* The sums for the page that r is being answered with, valid until the next call; NULL: it is not
 * the file that r's path names, or too long, or has too many. */
const struct page_hashes *hashes_find(weir_request *r, const struct hash_setting *s);

#endif
