/* cache/damage.c - what becomes of damaged files. */
#include "damage.h"

#include "doomed.h"
#include "entry.h"
#include "path.h"

void
damage_found(struct store *s, const uint64_t hash[2], uint64_t file)
{
    char path[PATH_SIZE] = "?";
    struct entry *e;
    bool known;

    (void)path_of(path, &s->o, hash);
    weir_say(weir_main_log(), ERROR, "cache file \"%s\" is damaged; it is removed", path);
    if (!shared_lock(s)) {
        return;
    }
    CHANGE(s, s->root->stats.damaged, s->root->stats.damaged + 1);
    e = entry_find_hash(s, hash);
    known = e != NULL && e->file != 0 && (e->file == file || file == 0);
    if (known) {
        entry_forget_file(s, e);
        entry_tidy(s, e);
    }
    /* An entry of an older snapshot may know the file by another number. */
    if (!known || file == 0) {
        (void)doomed_add(s, hash, file);
    }
    shared_unlock(s);
    doomed_go(s);
}
