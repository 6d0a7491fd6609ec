/* proxy/spool.h - a reply's body put aside in a temporary file, for a client that is slower than
 * its upstream. */
#ifndef PROXY_SPOOL_H
#define PROXY_SPOOL_H

#include "proxy.h"

/* An unnamed file in the folder, closed when pool ends. NULL after a logged error. */
struct spool *spool_open(weir_request *r, const struct temp_folder *t);

/* Append what is on c, which is dropped. False after a logged error: the body cannot be completed.
 */
bool spool_write(struct spool *s, weir_request *r, weir_chain *c);

/* Bytes written so far, and those of them not read yet. */
uint64_t spool_written(const struct spool *s);
uint64_t spool_waiting(const struct spool *s);

/* All that waits, as one buffer of the file. */
weir_buf *spool_read(struct spool *s, weir_pool *pool);

#endif
