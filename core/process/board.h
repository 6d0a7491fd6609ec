/* process/board.h - what the master has to know of a worker that cannot speak any more: a row a
 * worker in shared memory. */
#ifndef WR_PROCESS_BOARD_H
#define WR_PROCESS_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/shm.h"
#include "module/metric.h"

enum { WR_BOARD_TEXT = 1024 };

/* The worker with the same row of metrics. */
struct wr_board_row {
    _Atomic uint64_t beat;     /* counts up while turns of its loop end */
    char crash[WR_BOARD_TEXT]; /* its last words, zero-terminated; "" */
};

struct wr_board {
    struct wr_shm shm;
    struct wr_board_row *rows; /* WR_METRICS_ROWS of them */
};

/* 0 or -errno. */
int wr_board_open(struct wr_board *b);
void wr_board_close(struct wr_board *b);

#endif
