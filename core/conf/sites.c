/* conf/sites.c - the memory of sites: heap, because texts come and go over reloads. */
#include "conf/sites.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/str.h"

enum { SETTLE_S = 2 }; /* a file written to within this time may change again and keep its date */

/* ---- Texts. ---- */

struct wr_site_text *
wr_site_text_create(weir_str name, weir_str text, const struct stat *seen)
{
    struct wr_site_text *t = malloc(sizeof(*t) + name.len + text.len + 2);
    char *bytes;

    WR_ASSERT(t != NULL);
    bytes = (char *)(t + 1);
    *t = (struct wr_site_text){ .refs = 1,
                                .seen = *seen,
                                .settled = time(NULL) - seen->st_mtime >= SETTLE_S,
                                .name = { bytes, name.len },
                                .text = { bytes + name.len + 1, text.len } };
    memcpy(bytes, name.data, name.len);
    bytes[name.len] = '\0';
    if (text.len != 0) {
        memcpy(bytes + name.len + 1, text.data, text.len);
    }
    bytes[name.len + 1 + text.len] = '\0';
    return t;
}

struct wr_site_text *
wr_site_text_ref(struct wr_site_text *text)
{
    text->refs++;
    return text;
}

static void
text_unref(struct wr_site_text *t)
{
    if (--t->refs == 0) {
        free(t);
    }
}

static void
texts_clear(struct wr_site_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        text_unref(texts->at[i]);
    }
    free(texts->at);
    *texts = (struct wr_site_texts){ .count = 0 };
}

static struct wr_site_text *
texts_find(const struct wr_site_texts *texts, weir_str name)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (weir_str_eq(texts->at[i]->name, name)) {
            return texts->at[i];
        }
    }
    return NULL;
}

static bool
is_unchanged(const struct wr_site_text *t)
{
    struct stat st;

    return t->settled && stat(t->name.data, &st) == 0 && st.st_dev == t->seen.st_dev &&
           st.st_ino == t->seen.st_ino && st.st_size == t->seen.st_size &&
           st.st_mtim.tv_sec == t->seen.st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == t->seen.st_mtim.tv_nsec &&
           st.st_ctim.tv_sec == t->seen.st_ctim.tv_sec &&
           st.st_ctim.tv_nsec == t->seen.st_ctim.tv_nsec;
}

struct wr_site_text *
wr_site_text_find(const struct wr_site *site, weir_str name)
{
    struct wr_site_text *t = texts_find(&site->kept, name);

    if (t != NULL && (site->form == WR_SITE_KEPT || is_unchanged(t))) {
        return t;
    }
    return NULL;
}

void
wr_site_text_add(struct wr_site *site, struct wr_site_text *text)
{
    struct wr_site_texts *now = &site->now;

    if (now->count == now->room) {
        size_t room = now->room != 0 ? now->room * 2 : 2;
        struct wr_site_text **at = realloc(now->at, room * sizeof(struct wr_site_text *));
        WR_ASSERT(at != NULL);
        now->at = at;
        now->room = room;
    }
    now->at[now->count++] = text;
}

/* ---- Sites. ---- */

static struct wr_site **
table_at(const struct wr_sites *s, weir_str path)
{
    size_t i = (size_t)wr_str_hash(path) & (s->room - 1);

    while (s->table[i] != NULL && !weir_str_eq(s->table[i]->path, path)) {
        i = (i + 1) & (s->room - 1);
    }
    return &s->table[i];
}

/* Make the table anew from the list, with room for twice as many. */
static void
table_make(struct wr_sites *s)
{
    size_t room = 64;

    while (room < s->count * 4) {
        room *= 2;
    }
    free(s->table);
    s->table = calloc(room, sizeof(struct wr_site *));
    WR_ASSERT(s->table != NULL);
    s->room = room;
    for (struct wr_site *site = s->first; site != NULL; site = site->next) {
        *table_at(s, site->path) = site;
    }
}

static void
site_destroy(struct wr_site *site)
{
    texts_clear(&site->now);
    texts_clear(&site->kept);
    free(site);
}

void
wr_sites_fini(struct wr_sites *s)
{
    struct wr_site *next;

    for (struct wr_site *site = s->first; site != NULL; site = next) {
        next = site->next;
        site_destroy(site);
    }
    free(s->table);
    *s = (struct wr_sites){ .first = NULL };
}

void
wr_sites_begin(struct wr_sites *s)
{
    for (struct wr_site *site = s->first; site != NULL; site = site->next) {
        site->form = WR_SITE_FILE;
    }
}

void
wr_sites_pass(struct wr_sites *s)
{
    for (struct wr_site *site = s->first; site != NULL; site = site->next) {
        site->listed = false;
        site->errors = 0;
        texts_clear(&site->now);
    }
}

struct wr_site *
wr_sites_take(struct wr_sites *s, weir_str path)
{
    struct wr_site *site = s->room != 0 ? *table_at(s, path) : NULL;

    if (site == NULL) {
        if ((s->count + 1) * 2 > s->room) {
            table_make(s);
        }
        site = calloc(1, sizeof(*site) + path.len + 1);
        WR_ASSERT(site != NULL);
        site->path = (weir_str){ (char *)(site + 1), path.len };
        memcpy(site + 1, path.data, path.len);
        if (s->last != NULL) {
            s->last->next = site;
        } else {
            s->first = site;
        }
        s->last = site;
        s->count++;
        *table_at(s, path) = site;
    }
    site->listed = true;
    return site;
}

static enum wr_site_form
form_after(const struct wr_site *site)
{
    if (site->form == WR_SITE_FILE && site->kept.count != 0) {
        return WR_SITE_KEPT;
    }
    return site->form < WR_SITE_STUB ? WR_SITE_STUB : WR_SITE_OUT;
}

bool
wr_sites_step_back(struct wr_sites *s, uint32_t errors)
{
    uint64_t theirs = 0;

    for (const struct wr_site *site = s->first; site != NULL; site = site->next) {
        theirs += site->errors;
    }
    if (theirs == 0 || theirs != errors) {
        return false;
    }
    for (struct wr_site *site = s->first; site != NULL; site = site->next) {
        if (site->errors != 0) {
            site->form = form_after(site);
        }
    }
    return true;
}

void
wr_sites_commit(struct wr_sites *s)
{
    struct wr_site **at = &s->first;
    struct wr_site *site;

    s->last = NULL;
    while ((site = *at) != NULL) {
        if (!site->listed) {
            *at = site->next;
            s->count--;
            site_destroy(site);
            continue;
        }
        if (site->form == WR_SITE_FILE) {
            texts_clear(&site->kept);
            site->kept = site->now;
            site->now = (struct wr_site_texts){ .count = 0 };
        }
        s->last = site;
        at = &site->next;
    }
    table_make(s);
}
