/* limit_conn/counts.h - how many requests of a key are under way, in all workers, also after one of them has died.
 *
 * Each worker counts in a seat of its own, and a count is worth something only while its seat has the same turn: the one who takes
 * over a dead worker's seat begins a new turn, and what the dead one had counted is void at once, in every entry.
 */
#ifndef LIMIT_CONN_COUNTS_H
#define LIMIT_CONN_COUNTS_H

#include <weir/weir.h>

enum { COUNTS_SEATS = 32 }; /* workers that count at the same time, of all generations; more share one seat */

/* At load: the seats, in a small zone of their own; and the counts of a zone. NULL after a reported error. */
weir_zone *counts_seats_claim(weir_conf *cf);
weir_map *counts_claim(weir_conf *cf, weir_zone *zone);

/* In a worker that starts, before it counts: sit down. */
void counts_sit_down(const weir_zone *seats);

/* One more of key, if there are fewer than `limit`: WEIR_OK, or WEIR_LIMIT. */
int counts_add(weir_map *counts, weir_str key, uint32_t limit);

/* One less of those that this worker has added. */
void counts_remove(weir_map *counts, weir_str key);

#endif
