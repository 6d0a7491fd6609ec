/* cache/opened.c - open files. */
#include "opened.h"

#include <errno.h>
#include <stdlib.h>

#include "file.h"
#include "sys.h"

struct opened *
opened_make(int fd, uint64_t file, uint32_t head_size, uint64_t length)
{
    struct opened *o = malloc(sizeof(*o));

    if (o == NULL) {
        (void)sys->close(fd);
        return NULL;
    }
    *o = (struct opened){
        .fd = fd, .refs = 1, .head_size = head_size, .file = file, .length = length
    };
    return o;
}

struct opened *
opened_ref(struct opened *o)
{
    o->refs++;
    return o;
}

void
opened_unref(struct opened *o)
{
    if (o != NULL && --o->refs == 0) {
        (void)sys->close(o->fd);
        free(o);
    }
}

int
opened_read_block(const struct opened *o, uint64_t i, uint8_t *to, size_t n)
{
    int rc = sys_read_all(o->fd, to, n + FILE_CRC, file_block_at(o->head_size, i));
    uint32_t crc = 0;

    if (rc != 0) {
        return rc;
    }
    for (int k = 0; k < FILE_CRC; k++) {
        crc |= (uint32_t)to[n + (size_t)k] << 8 * k;
    }
    return crc == file_block_crc(o->file, i, to, n) ? 0 : -EBADMSG;
}
