/* cache/tagged.c - the tags that were purged lately, in a ring. */
#include "tagged.h"

#include "tags.h"

void
tagged_note(struct store *s, uint64_t tag, bool soft)
{
    struct root *r = s->root;
    struct tag_purge *p = &r->tag_purges[r->n_tag_purges % SHARED_TAG_PURGES];

    CHANGE(s, r->clock, r->clock + 1);
    CHANGE(s, p->clock, r->clock);
    CHANGE(s, p->tag, tag);
    CHANGE(s, p->soft, soft);
    CHANGE(s, r->n_tag_purges, r->n_tag_purges + 1);
}

enum tagged
tagged_since(const struct root *r, uint64_t born, const uint64_t *tags, uint32_t n)
{
    enum tagged found = TAGGED_NOT;

    for (uint64_t i = 1; n != 0 && i <= r->n_tag_purges; i++) {
        const struct tag_purge *p = &r->tag_purges[(r->n_tag_purges - i) % SHARED_TAG_PURGES];
        if (i > SHARED_TAG_PURGES) {
            return TAGGED_GONE;
        }
        if (p->clock <= born) { /* and so are all before it */
            break;
        }
        if (tags_have(tags, n, p->tag)) {
            if (!p->soft) {
                return TAGGED_GONE;
            }
            found = TAGGED_SOFTLY;
        }
    }
    return found;
}
