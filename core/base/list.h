/* base/list.h - a ring of links kept inside the things it lists; adding and removing never allocate. */
#ifndef WR_BASE_LIST_H
#define WR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct wr_list {
    struct wr_list *next, *prev;
};

static inline void
wr_list_init(struct wr_list *l)
{
    l->next = l->prev = l;
}

static inline bool
wr_list_empty(const struct wr_list *l)
{
    return l->next == l;
}

/* Put n at the end of the ring l. */
static inline void
wr_list_add(struct wr_list *l, struct wr_list *n)
{
    n->prev = l->prev;
    n->next = l;
    l->prev->next = n;
    l->prev = n;
}

/* Put n at the front. */
static inline void
wr_list_add_first(struct wr_list *l, struct wr_list *n)
{
    wr_list_add(l->next, n);
}

/* Take n out of its ring; it is an empty ring afterwards, so removing twice is harmless. */
static inline void
wr_list_remove(struct wr_list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    wr_list_init(n);
}

/* Put all that is on the ring `from` at the end of the ring l; `from` is empty afterwards. */
static inline void
wr_list_join(struct wr_list *l, struct wr_list *from)
{
    if (wr_list_empty(from)) {
        return;
    }
    from->next->prev = l->prev;
    l->prev->next = from->next;
    from->prev->next = l;
    l->prev = from->prev;
    wr_list_init(from);
}

#define WR_LIST_EACH(at, l)                                                                        \
    for (struct wr_list *at = (l)->next, *at##_next = at->next; at != (l);                         \
         at = at##_next, at##_next = at->next)

#endif
