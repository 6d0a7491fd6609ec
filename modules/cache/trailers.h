/* cache/trailers.h - trailer fields of a response, in the note of its stored head.
 *
 * They come when the head is long written, so that room for them is left in it; whoever has read the
 * body to its end finds them there. Lengths of two bytes before name and value; zeros at the end.
 */
#ifndef CACHE_TRAILERS_H
#define CACHE_TRAILERS_H

#include <weir/request.h>

enum { TRAILERS_MAX = 2048 }; /* bytes that are kept of them; more, and none is */

/* Put them into `room` bytes: how many were used; 0: there are none, or too many. */
size_t trailers_write(uint8_t *to, size_t room, const weir_header *first);

/* Take the next off what was written. False: there is none, or it makes no sense. */
bool trailers_next(weir_str *rest, weir_str *name, weir_str *value);

#endif
