/* csp/scanner.h - finds in a page what a policy is about: marked tags, and the text of script and
 * style elements. Pure.
 *
 * The tokenizer of the HTML standard [HTML 13.2.5], fed with pieces cut anywhere, reduced to the
 * question where tags, comments and raw text begin and end; of tree construction it follows what
 * the tokenizer depends on: which elements have raw text, and whether a tag stands in SVG or
 * MathML. Where that cannot be told from the tags alone, the scanner is lost: it finds nothing
 * more, rather than something that a browser sees otherwise.
 */
#ifndef CSP_SCANNER_H
#define CSP_SCANNER_H

#include <weir/text.h>

enum {
    SCAN_NAME_MAX = 16,    /* no name that matters is longer */
    SCAN_FOREIGN_MAX = 32, /* elements open within SVG or MathML */
    SCAN_HELD_MAX = 512    /* longest marker with its value, bytes */
};

/* The attribute that says: this tag is the site's own. */
struct scan_marker {
    weir_str name;  /* in lower case */
    weir_str value; /* absent: any will do */
};

enum scan_event {
    SCAN_END,       /* the piece is used up */
    SCAN_STAMP,     /* a marker, to be replaced by the nonce */
    SCAN_STRIP,     /* a marker of a tag that has a nonce: to be taken out */
    SCAN_HEAD,      /* the place behind <head>, or where a browser thinks of one */
    SCAN_TEXT,      /* the text of a script without src, or of a style, begins here */
    SCAN_TEXT_ENDED /* it ended `begin` bytes back */
};

struct scanner {
    const struct scan_marker *marker; /* NULL: none is looked for */
    uint8_t state, back_to;           /* enum state, of the .c file */
    bool is_end, closes_self;         /* the tag */
    bool is_candidate;                /* a start tag of script, style or link */
    bool has_nonce, has_src, is_doubtful;
    bool in_text;  /* SCAN_TEXT has been said */
    bool tracking; /* the attribute may be the marker */
    bool is_lost;
    bool seeks_head; /* SCAN_HEAD is wanted, and has not been said */
    bool in_head_tag;
    uint8_t n_mark; /* of a byte order mark; past its bytes: text may not begin with one any more */
    uint8_t n_name, n_attribute, n_raw, n_foreign;
    uint8_t matched; /* of "[CDATA[" */
    char name[SCAN_NAME_MAX], attribute[SCAN_NAME_MAX], raw[SCAN_NAME_MAX];
    uint32_t name_hash;
    uint32_t foreign[SCAN_FOREIGN_MAX];
    size_t held; /* how many of the bytes that were scanned last may belong to a marker, or to a tag
                    that the head begins before: keep them back */
    size_t name_bytes; /* of these, the attribute's name */
    size_t value_bytes;
    size_t begin, end; /* of SCAN_STAMP and SCAN_STRIP: where the marker stands, of SCAN_HEAD (both
                          are one): the place; in bytes back from where scanning stopped */
    uint64_t refused;  /* markers that were left alone: a wrong value, or a tag that looks as if it
                          had swallowed another */
};

/* Nothing is sought but what the marker says; set seeks_head before the first byte for SCAN_HEAD.
 */
void scanner_init(struct scanner *s, const struct scan_marker *marker);

/*
 * Scan until there is something to say.
 *
 * what  out
 *
 * How many bytes were used: all of them for SCAN_END, fewer or as many for any other event.
 */
size_t scanner_run(struct scanner *s, const uint8_t *data, size_t len, enum scan_event *what);

#endif
