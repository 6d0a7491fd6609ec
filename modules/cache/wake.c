/* cache/wake.c - sockets of workers, lists of who waits, deaths. */
#include "wake.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "slot.h"

enum { CHECK_MS = 250 /* where the system does not tell of deaths */ };

/* A worker whose death would matter to somebody here. */
struct death {
    struct store *s;
    uint32_t slot;
    int fd; /* -1: not watched */
    weir_watch *watch;
};

struct deaths {
    struct death of[SHARED_SLOTS];
    weir_timer *check;
    bool checking;
};

/* ---- Who waits here. ---- */

static void
put(struct store *s, struct watch *w)
{
    if (w->armed) {
        return;
    }
    w->armed = true;
    w->round = s->round;
    w->next = NULL;
    w->before = s->watching_last;
    if (w->before != NULL) {
        w->before->next = w;
    } else {
        s->watching = w;
    }
    s->watching_last = w;
}

void
wake_disarm(struct store *s, struct watch *w)
{
    if (!w->armed) {
        return;
    }
    w->armed = false;
    if (w->next != NULL) {
        w->next->before = w->before;
    } else {
        s->watching_last = w->before;
    }
    if (w->before != NULL) {
        w->before->next = w->next;
    } else {
        s->watching = w->next;
    }
}

/* Everybody who waits looks, once; who arms himself again stands behind the last. */
static void
look_all(struct store *s)
{
    s->round++;
    while (s->watching != NULL && s->watching->round != s->round) {
        struct watch *w = s->watching;
        wake_disarm(s, w);
        w->look(w);
    }
}

static void
posted(void *data)
{
    struct store *s = data;

    s->posted = false;
    if (!s->stopping) {
        look_all(s);
    }
}

static void
look_soon(struct store *s)
{
    if (!s->posted) {
        s->posted = weir_post(posted, s) == WEIR_OK;
    }
}

void
wake_soon(struct store *s, struct watch *w)
{
    put(s, w);
    look_soon(s);
}

/* ---- Sockets. ---- */

static socklen_t
name_of(const struct store *s, uint32_t slot, struct sockaddr_un *a)
{
    char *at = a->sun_path + 1; /* behind a zero: no file */
    int n;

    n = snprintf(at, sizeof(a->sun_path) - 1, "weir-cache-");
    for (uint32_t i = 0; i < SHARED_NAME; i++) {
        n += snprintf(at + n, sizeof(a->sun_path) - 1 - (size_t)n, "%02x", s->root->name[i]);
    }
    n += snprintf(at + n, sizeof(a->sun_path) - 1 - (size_t)n, "-%u", slot);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static void
woken(void *data, uint32_t ready)
{
    struct store *s = data;
    char bytes[64];

    (void)ready;
    while (recv(s->wake_fd, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0) {
    }
    look_all(s);
}

bool
wake_open(struct store *s)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    socklen_t len = name_of(s, s->me, &a);

    s->deaths = weir_zalloc(weir_worker_pool(), sizeof(*s->deaths));
    for (uint32_t i = 0; i < SHARED_SLOTS; i++) {
        s->deaths->of[i] = (struct death){ .s = s, .slot = i, .fd = -1 };
    }
    s->wake_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->wake_fd < 0) {
        return false;
    }
    if (bind(s->wake_fd, (const struct sockaddr *)&a, len) != 0 ||
        weir_watch_start(weir_worker_pool(), s->wake_fd, WEIR_READABLE, woken, s) == NULL) {
        (void)close(s->wake_fd);
        return false;
    }
    return true;
}

static void
forget(struct death *d)
{
    if (d->fd >= 0) {
        weir_watch_stop(d->watch);
        (void)close(d->fd);
        d->fd = -1;
    }
}

void
wake_close(struct store *s)
{
    for (uint32_t i = 0; i < SHARED_SLOTS; i++) {
        forget(&s->deaths->of[i]);
    }
    (void)close(s->wake_fd);
}

void
wake_slot(struct store *s, uint32_t slot)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    socklen_t len;

    if (slot == s->me) {
        look_soon(s);
        return;
    }
    if (slot < SHARED_SLOTS && s->root->slots[slot].used) {
        len = name_of(s, slot, &a);
        /* a full queue is full of wakes */
        (void)sendto(s->wake_fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&a,
                     len);
    }
}

void
wake_watchers(struct store *s, struct body *b)
{
    atomic_thread_fence(memory_order_seq_cst);
    for (uint32_t w = 0; w < SHARED_SLOTS / 64; w++) {
        uint64_t slots = atomic_load_explicit(&b->watchers[w], memory_order_relaxed);
        if (slots == 0) {
            continue;
        }
        slots = atomic_exchange(&b->watchers[w], 0);
        while (slots != 0) {
            wake_slot(s, w * 64 + (uint32_t)__builtin_ctzll(slots));
            slots &= slots - 1;
        }
    }
}

/* ---- Deaths. ---- */

static void
bury(struct death *d)
{
    struct store *s = d->s;

    forget(d);
    (void)slot_bury(s, d->slot);
    look_all(s);
}

static void
died(void *data, uint32_t ready)
{
    (void)ready;
    bury(data);
}

static void
check(void *data)
{
    struct store *s = data;

    s->deaths->checking = false;
    wake_look_for_deaths(s);
    if (s->watching != NULL) {
        s->deaths->checking = true;
        weir_timer_set(s->deaths->check, CHECK_MS);
    }
}

void
wake_look_for_deaths(struct store *s)
{
    bool any = false;

    for (uint32_t i = 0; i < SHARED_SLOTS; i++) {
        any |= slot_bury(s, i);
    }
    if (any) {
        look_all(s);
    }
}

/* Without a descriptor for the process, look at times. */
static void
check_at_times(struct store *s)
{
    struct deaths *d = s->deaths;

    if (d->checking) {
        return;
    }
    d->checking = true;
    if (d->check == NULL) {
        d->check = weir_timer_start(weir_worker_pool(), CHECK_MS, check, s);
    } else {
        weir_timer_set(d->check, CHECK_MS);
    }
}

static void
watch_filler(struct store *s, uint32_t slot)
{
    struct death *d = &s->deaths->of[slot];

    if (slot == s->me || d->fd >= 0) {
        return;
    }
    d->fd = (int)syscall(SYS_pidfd_open, s->root->slots[slot].pid, 0);
    if (d->fd >= 0) {
        d->watch = weir_watch_start(weir_worker_pool(), d->fd, WEIR_READABLE, died, d);
        if (d->watch == NULL) {
            (void)close(d->fd);
            d->fd = -1;
        }
    }
    if (d->fd < 0) {
        check_at_times(s);
    } else if (slot_bury(s, slot)) { /* dead before it was watched: the number was another's */
        forget(d);
        look_soon(s);
    }
}

void
wake_arm(struct store *s, struct watch *w, struct body *b)
{
    put(s, w);
    atomic_fetch_or(&b->watchers[s->me / 64], UINT64_C(1) << s->me % 64);
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&b->state) == BODY_FILLING) {
        watch_filler(s, b->filler);
    }
}
