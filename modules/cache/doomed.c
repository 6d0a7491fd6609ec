/* cache/doomed.c - the list, in the zone: what one worker has not come to, another does. */
#include "doomed.h"

void
doomed_add(struct store *s, const uint64_t hash[2], uint64_t file)
{
    struct doomed *d = shared_alloc(s, sizeof(*d));

    if (d == NULL) {
        return; /* the loader finds the file at the next start */
    }
    d->hash[0] = hash[0];
    d->hash[1] = hash[1];
    d->file = file;
    d->next = s->root->doomed;
    CHANGE(s, s->root->doomed, d);
}
