/* cache/look.c - reading heads. */
#include "look.h"

#include <errno.h>
#include <stdlib.h>

#include "sys.h"

/* The first head; what it is longer than was thought is read as well. */
static int
read_head(struct looked *l, int fd, size_t first, uint64_t size)
{
    size_t n = size < first ? (size_t)size : first;
    uint32_t tells;
    int rc;

    if (n < FILE_HEAD_FIRST) {
        return -EBADMSG;
    }
    l->bytes = malloc(n);
    if (l->bytes == NULL) {
        return -ENOMEM;
    }
    rc = sys_read_all(fd, l->bytes, n, 0);
    if (rc != 0) {
        return rc;
    }
    if (file_is_of_another_time(l->bytes)) {
        return -ESTALE;
    }
    tells = file_head_tells_size(l->bytes);
    if (tells > n && tells <= size) {
        uint8_t *more = realloc(l->bytes, tells);
        if (more == NULL) {
            return -ENOMEM;
        }
        l->bytes = more;
        rc = sys_read_all(fd, l->bytes + n, tells - n, n);
        n = tells;
    }
    return rc != 0 ? rc : file_head_read(l->bytes, n, &l->head) ? 0 : -EBADMSG;
}

/* Newer heads behind the body. */
static int
read_tail(struct looked *l, int fd, uint64_t size)
{
    uint64_t end = file_end(l->head.size, l->head.length);
    size_t n;
    int rc;

    l->heads_end = end;
    if (size < end) {
        return -EBADMSG; /* cut */
    }
    n = size - end < FILE_TAIL_MAX ? (size_t)(size - end) : FILE_TAIL_MAX;
    if (n == 0) {
        return 0;
    }
    l->tail = malloc(n);
    if (l->tail == NULL) {
        return -ENOMEM;
    }
    rc = sys_read_all(fd, l->tail, n, end);
    if (rc == 0) {
        l->heads_end += file_tail_read(l->tail, n, &l->head);
    }
    return rc;
}

int
look_into(struct looked *l, int fd, size_t first, const uint64_t hash[2])
{
    int64_t size = sys->size(fd);
    int rc;

    *l = (struct looked){ .bytes = NULL };
    rc = size < 0 ? (int)size : read_head(l, fd, first, (uint64_t)size);
    if (rc == 0 && (l->head.hash[0] != hash[0] || l->head.hash[1] != hash[1])) {
        rc = -EBADMSG;
    }
    return rc != 0 ? rc : read_tail(l, fd, (uint64_t)size);
}

void
looked_free(struct looked *l)
{
    free(l->bytes);
    free(l->tail);
    l->bytes = l->tail = NULL;
}
