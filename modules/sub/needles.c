/* sub/needles.c - looking for several texts at once: a table says which may begin with a byte, they
 * are compared one by one. */
#include "needles.h"

void
needles_init(struct needles *s, weir_pool *pool, uint32_t n)
{
    *s = (struct needles){ .only = -1 };
    s->at = weir_zalloc(pool, n * sizeof(s->at[0]));
}

/* Make the table anew. */
static void
index_live(struct needles *s)
{
    uint32_t bytes = 0;

    memset(s->first, 0, sizeof(s->first));
    s->only = -1;
    for (uint32_t i = s->n; i-- != 0;) {
        struct needle *needle = &s->at[i];
        uint8_t c;
        if (needle->text.len == 0) {
            continue;
        }
        c = (uint8_t)needle->text.data[0];
        bytes += s->first[c] == 0;
        s->only = c;
        needle->next = s->first[c];
        s->first[c] = i + 1;
    }
    if (bytes != 1 || (s->only >= 'a' && s->only <= 'z')) {
        s->only = -1;
    }
    for (unsigned c = 'a'; c <= 'z'; c++) {
        s->first[c - 'a' + 'A'] = s->first[c];
    }
}

void
needles_add(struct needles *s, weir_pool *pool, weir_str text, uint32_t rule)
{
    s->at[s->n++] = (struct needle){ .text = weir_dup_lower(pool, text), .rule = rule };
    s->live++;
    index_live(s);
}

void
needles_remove(struct needles *s, struct needle *needle)
{
    needle->text.len = 0;
    s->live--;
    index_live(s);
}

/* Does text begin at byte i of b, and go on through what follows? As weir_chain_find says. */
static int
compare(const weir_buf *b, size_t i, weir_str text)
{
    size_t done = 0;

    for (;;) {
        for (; i < b->len && done < text.len; i++, done++) {
            if (weir_lower(b->data[i]) != (uint8_t)text.data[done]) {
                return WEIR_ABSENT;
            }
        }
        if (done == text.len) {
            return WEIR_OK;
        }
        if (b->flags & WEIR_BUF_LAST) {
            return WEIR_ABSENT;
        }
        b = b->next;
        i = 0;
        if (b == NULL) {
            return WEIR_AGAIN;
        }
    }
}

/* The first byte of b from i on with which one may begin; b->len: there is none. */
static size_t
candidate(const struct needles *s, const weir_buf *b, size_t i)
{
    if (s->only >= 0) {
        const uint8_t *p = i < b->len ? memchr(b->data + i, s->only, b->len - i) : NULL;
        return p != NULL ? (size_t)(p - b->data) : b->len;
    }
    while (i < b->len && s->first[b->data[i]] == 0) {
        i++;
    }
    return i;
}

int
needles_find(const struct needles *s, const weir_chain *c, size_t *at, struct needle **found)
{
    size_t before = 0;

    for (const weir_buf *b = c->head; b != NULL; before += b->len, b = b->next) {
        for (size_t i = candidate(s, b, 0); i < b->len; i = candidate(s, b, i + 1)) {
            for (uint32_t k = s->first[b->data[i]]; k != 0; k = s->at[k - 1].next) {
                int rc = compare(b, i, s->at[k - 1].text);
                if (rc != WEIR_ABSENT) {
                    *at = before + i;
                    *found = &s->at[k - 1];
                    return rc;
                }
            }
        }
    }
    *at = before;
    return WEIR_ABSENT;
}
