/* decoder.h - reading gzip [RFC 1952] and deflate [RFC 1950] bodies, over zlib; coding.c shows it to the server. */
#ifndef GZIP_DECODER_H
#define GZIP_DECODER_H

#include <weir/coding.h>

/* As the functions of a weir_coding. */
void *decoder_open_gzip(void);
void *decoder_open_deflate(void);
void decoder_close(void *state);
bool decoder_restart(void *state);
int decoder_run(void *state, weir_coding_io *io);

#endif
