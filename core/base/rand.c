/* base/rand.c - unpredictable bytes from the system, a page at a time; refilled after a fork by pid. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <weir/base.h>

#include "base/assert.h"

static void
fill(uint8_t *to, size_t len)
{
    while (len != 0) {
        ssize_t n = getrandom(to, len, 0);
        WR_ASSERT(n > 0 || errno == EINTR);
        if (n > 0) {
            to += n;
            len -= (size_t)n;
        }
    }
}

/* A stock for the small draws of requests (ids, nonces): one system call serves many. */
static _Thread_local struct {
    uint8_t bytes[1024];
    size_t left;
} stock;

/* A child must never repeat its parent's numbers. */
static void
forget_stock(void)
{
    stock.left = 0;
}

static void
register_forget(void)
{
    (void)pthread_atfork(NULL, NULL, forget_stock);
}

void
weir_random(void *to, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, register_forget);
    if (len > 256) {
        fill(to, len);
        return;
    }
    if (stock.left < len) {
        fill(stock.bytes, sizeof(stock.bytes));
        stock.left = sizeof(stock.bytes);
    }
    stock.left -= len;
    memcpy(to, stock.bytes + stock.left, len);
    memset(stock.bytes + stock.left, 0, len); /* given out once, remembered never */
}
