/* process/board.c - the rows' memory. */
#include "process/board.h"

#include <stddef.h>

int
wr_board_open(struct wr_board *b)
{
    int rc = wr_shm_open(&b->shm, sizeof(struct wr_board_row) * WR_METRICS_ROWS);

    b->rows = rc == 0 ? b->shm.at : NULL;
    return rc;
}

void
wr_board_close(struct wr_board *b)
{
    wr_shm_close(&b->shm);
    b->rows = NULL;
}
