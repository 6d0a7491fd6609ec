/* http/body_store.h - what has come of a request body and is kept whole: in memory, or in a temporary file once it is long. */
#ifndef WR_HTTP_BODY_STORE_H
#define WR_HTTP_BODY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/body.h>

struct wr_request;

struct wr_body_store {
    weir_chain chain;   /* what is in memory */
    weir_buf *block;    /* its last buffer, if small pieces go there; NULL: it is full, or there is none */
    size_t block_room;  /* bytes free behind it */
    uint64_t in_memory; /* bytes of chain */
    uint64_t in_file;   /* bytes of the file */
    int fd;             /* the temporary file; -1: none */
    bool keep_file;     /* client_body_in_file_only on: it stays */
    weir_str file_name; /* absent: it has none */
};

void wr_body_store_init(struct wr_body_store *s);
void wr_body_store_fini(struct wr_body_store *s);

/* Keep what is on c, which is taken: in memory as far as client_body_buffer_size goes, more in a file. False after a logged error. */
bool wr_body_store_add(struct wr_request *r, struct wr_body_store *s, weir_chain *c);

/* Keep it in memory, however much it is: a queue that its reader takes from. */
void wr_body_store_queue(struct wr_request *r, struct wr_body_store *s, weir_chain *c);

/* The reader has taken from s->chain, or put something there. */
void wr_body_store_changed(struct wr_body_store *s);

/* The path of its file, which gets a name if it has none yet; absent if there is no file. */
weir_str wr_body_store_file(struct wr_request *r, struct wr_body_store *s);

/* All of it as a chain that ends with WEIR_BUF_LAST; may be asked for more than once. */
weir_chain wr_body_store_view(struct wr_request *r, const struct wr_body_store *s);

#endif
