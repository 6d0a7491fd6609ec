/* csp/elements.h - what the HTML standard says of elements by their name, as far as it changes how
 * the bytes behind a tag are read. Pure. Names are in lower case.
 */
#ifndef CSP_ELEMENTS_H
#define CSP_ELEMENTS_H

#include <weir/base.h>

enum element_text { ELEMENT_NORMAL, ELEMENT_RAW, ELEMENT_SCRIPT, ELEMENT_PLAIN };

/* How the text of an HTML element is read. noscript is raw: whoever obeys nonces runs scripts.
 * [HTML 13.2.6.4] */
enum element_text element_text(weir_str name);

/* Is name one of these? The list is words with a space around each: " a b ". */
bool element_among(const char *list, weir_str name);

/* May a start tag of that name, in either case, change how what follows is read, or be stamped?
 * Outside of SVG and MathML. */
bool element_matters(weir_str name);

/* Start tags that end SVG and MathML. [HTML 13.2.6.5] */
extern const char elements_breaking_out[];

/* Elements of SVG, and of MathML, in which HTML goes on. [HTML 13.2.6] */
extern const char elements_svg_html[], elements_math_html[];

#endif
