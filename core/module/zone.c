/* module/zone.c - zones of a configuration and the regions of memory behind them. */
#include "module/zone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "module/registry.h"

enum {
    ZONE_TAG = WR_TAG('z', 'o', 'n', 'e'),
    HEAD_TAG = WR_TAG('z', 'h', 'e', 'd'),
    NAME_LEN_MAX = 255
};

/* ---- Regions: kept by the master, counted by the configurations that use them. ---- */

void
wr_zone_list_init(struct wr_zone_list *l)
{
    wr_list_init(&l->regions);
}

static struct wr_zone_region *
find_region(struct wr_zone_list *l, weir_str name, const char *layout, uint64_t size)
{
    WR_LIST_EACH (at, &l->regions) {
        struct wr_zone_region *r = WR_CONTAINER(at, struct wr_zone_region, link);
        if (r->size == size && strcmp(r->layout, layout) == 0 &&
            weir_str_eq(name, weir_str_c(r->name))) {
            return r;
        }
    }
    return NULL;
}

static void
unref_region(void *data)
{
    struct wr_zone_region *r = data;

    WR_ASSERT(r->refs != 0);
    if (--r->refs != 0) {
        return;
    }
    wr_list_remove(&r->link);
    wr_shm_close(&r->shm);
    free(r->name);
    free(r->layout);
    free(r);
}

/* Put head and allocator into new memory. */
static void
make_head(struct wr_zone_region *r)
{
    struct wr_zone_head *head = r->shm.at;
    size_t behind = (sizeof(*head) + 63) & ~(size_t)63;

    head->tag = HEAD_TAG;
    WR_ASSERT(wr_shm_mutex_init(&head->lock) == 0);
    head->slab = wr_slab_create((uint8_t *)head + behind, r->shm.size - behind);
    r->head = head;
}

/* A new region with no user yet; NULL or -errno in *error. */
static struct wr_zone_region *
create_region(weir_str name, const char *layout, uint64_t size, int *error)
{
    struct wr_zone_region *r = calloc(1, sizeof(*r));

    if (r == NULL || (r->name = strndup(name.data, name.len)) == NULL ||
        (r->layout = strdup(layout)) == NULL) {
        *error = -ENOMEM;
    } else {
        *error = wr_shm_open(&r->shm, size);
    }
    if (*error != 0) {
        if (r != NULL) {
            free(r->name);
            free(r->layout);
            free(r);
        }
        return NULL;
    }
    r->size = size;
    wr_list_init(&r->link);
    make_head(r);
    return r;
}

/* ---- Zones of a configuration. ---- */

static struct weir_zone *
find_zone(struct wr_registry *reg, weir_str name)
{
    WR_LIST_EACH (at, &reg->own_zones) {
        struct weir_zone *z = WR_CONTAINER(at, struct weir_zone, link);
        if (weir_str_eq(z->name, name)) {
            return z;
        }
    }
    return NULL;
}

static struct wr_conf_place
place_of(const weir_conf *cf)
{
    return cf->node != NULL ? wr_conf_place(cf->node, 0) : (struct wr_conf_place){ 0 };
}

/* Which word of the statement holds text; 0 when none does. */
static uint32_t
word_of(weir_conf *cf, weir_str text)
{
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        if (text.data >= word.data && text.data <= word.data + word.len) {
            return i;
        }
    }
    return 0;
}

static struct weir_zone *
add_zone(struct weir_conf *cf, struct wr_registry *reg, weir_str name)
{
    struct weir_zone *z = wr_pool_zalloc(reg->pool, sizeof(*z));

    z->tag = ZONE_TAG;
    z->name = weir_dup(reg->pool, name);
    z->place = place_of(cf);
    wr_list_add(&reg->own_zones, &z->link);
    return z;
}

/* "10m" of "name:10m" to bytes. */
static int
parse_size(weir_conf *cf, weir_str text, weir_str name, uint64_t *size)
{
    if (weir_parse_size(text, size) != WEIR_OK) {
        return weir_conf_error_at(cf, word_of(cf, text), "invalid zone size \"%.*s\"",
                                  WEIR_FMT(text));
    }
    if (*size < WR_ZONE_SIZE_MIN) {
        return weir_conf_error_at(cf, word_of(cf, text), "zone \"%.*s\" is too small, it needs 32k",
                                  WEIR_FMT(name));
    }
    return WEIR_OK;
}

int
wr_zone_make(weir_conf *cf, weir_str text, weir_zone **field)
{
    struct wr_registry *reg = wr_registry_of(cf);
    size_t colon = weir_str_find(text, ':');
    weir_str name = weir_str_cut(text, 0, colon);
    struct weir_zone *z;
    uint64_t size = 0;

    if (name.len == 0 || name.len > NAME_LEN_MAX) {
        return weir_conf_error_at(cf, word_of(cf, text), "invalid zone name in \"%.*s\"",
                                  WEIR_FMT(text));
    }
    if (colon != text.len &&
        parse_size(cf, weir_str_cut(text, colon + 1, text.len), name, &size) != WEIR_OK) {
        return WEIR_ERROR;
    }
    z = find_zone(reg, name);
    if (z != NULL && size != 0 && z->size != 0 && z->size != size) {
        return weir_conf_error_at(cf, word_of(cf, text),
                                  "zone \"%.*s\" was given another size before", WEIR_FMT(name));
    }
    if (z == NULL) {
        z = add_zone(cf, reg, name);
    }
    if (size != 0) {
        z->size = size;
    }
    *field = z;
    return WEIR_OK;
}

weir_zone *
weir_zone_find(weir_conf *cf, weir_str text)
{
    weir_zone *z = NULL;

    WR_ASSERT(cf->make_zone != NULL);
    return cf->make_zone(cf, text, &z) == WEIR_OK ? z : NULL;
}

bool
wr_zone_check(const struct wr_registry *reg, struct wr_diag *diag)
{
    bool fine = true;

    for (struct wr_list *at = reg->own_zones.next; at != &reg->own_zones; at = at->next) {
        const struct weir_zone *z = WR_CONTAINER(at, struct weir_zone, link);
        if (z->size == 0) {
            fine = wr_diag_error(diag, z->place, NULL, "zone \"%.*s\" is nowhere given a size",
                                 WEIR_FMT(z->name));
        }
    }
    return fine;
}

/* ---- Claiming. ---- */

/* A new region of the zone's, filled by its module. */
static int
claim_new(weir_conf *cf, weir_zone *z, struct wr_zone_list *list, const char *layout)
{
    int error = 0;
    struct wr_zone_region *r = create_region(z->name, layout, z->size, &error);

    if (r == NULL) {
        return weir_conf_error(cf, "cannot get memory for zone \"%.*s\": %s", WEIR_FMT(z->name),
                               strerror(-error));
    }
    z->region = r;
    r->head->locked = true; /* nobody else knows of it */
    r->head->root = z->fresh(z->data, z);
    r->head->locked = false;
    r->refs = 1;
    if (r->head->root == NULL) {
        z->region = NULL;
        unref_region(r);
        return weir_conf_error(cf, "zone \"%.*s\" is too small for %s", WEIR_FMT(z->name), layout);
    }
    wr_list_add(&list->regions, &r->link);
    return WEIR_OK;
}

int
weir_zone_claim(weir_conf *cf, weir_zone *z, const char *layout,
                void *(*fresh)(void *data, weir_zone *z), void *data)
{
    struct wr_registry *reg = wr_registry_of(cf);

    WR_CHECK(z, ZONE_TAG);
    if (z->size == 0) {
        return weir_conf_error(cf, "zone \"%.*s\" is not given a size", WEIR_FMT(z->name));
    }
    if (z->layout != NULL && strcmp(z->layout, layout) != 0) {
        (void)weir_conf_error(cf, "zone \"%.*s\" is used for %s already, it cannot be for %s too",
                              WEIR_FMT(z->name), z->layout, layout);
        return WEIR_INVALID;
    }
    if (z->region != NULL) {
        return WEIR_OK;
    }
    WR_ASSERT(reg->zones != NULL);
    z->layout = weir_dup(reg->pool, weir_str_c(layout)).data;
    z->fresh = fresh;
    z->data = data;
    z->region = find_region(reg->zones, z->name, layout, z->size);
    if (z->region != NULL) {
        z->region->refs++;
    } else if (claim_new(cf, z, reg->zones, layout) != WEIR_OK) {
        return WEIR_ERROR;
    }
    weir_on_end(reg->pool, unref_region, z->region);
    return WEIR_OK;
}

/* ---- Use. ---- */

static struct wr_zone_head *
head_of(const weir_zone *z)
{
    WR_CHECK(z, ZONE_TAG);
    WR_ASSERT(z->region != NULL);
    return z->region->head;
}

void *
weir_zone_root(const weir_zone *z)
{
    return head_of(z)->root;
}

void *
weir_zone_alloc(weir_zone *z, size_t size)
{
    struct wr_zone_head *head = head_of(z);

    WR_ASSERT(head->locked);
    return head->map ? NULL : wr_slab_alloc(head->slab, size);
}

void
weir_zone_free(weir_zone *z, void *p)
{
    struct wr_zone_head *head = head_of(z);

    WR_ASSERT(head->locked);
    if (p != NULL && (head->map || !wr_slab_free(head->slab, p))) {
        wr_say(wr_log_process(), ERROR, "zone \"%.*s\" (%s): freed what it had not handed out",
               WEIR_FMT(z->name), z->layout);
    }
}

int
weir_zone_lock(weir_zone *z)
{
    struct wr_zone_head *head = head_of(z);
    bool fine = wr_shm_mutex_lock(&head->lock);

    if (!fine && !head->map) {
        wr_slab_repair(head->slab);
    }
    head->locked = true;
    return fine ? WEIR_OK : WEIR_CLOSED;
}

void
weir_zone_unlock(weir_zone *z)
{
    struct wr_zone_head *head = head_of(z);

    head->locked = false;
    wr_shm_mutex_unlock(&head->lock);
}

void
weir_zone_reset(weir_zone *z)
{
    struct wr_zone_head *head = head_of(z);

    wr_slab_reset(head->slab);
    head->root = z->fresh(z->data, z);
    if (head->root == NULL) {
        wr_say(wr_log_process(), ERROR, "zone \"%.*s\" (%s): it could not be filled anew",
               WEIR_FMT(z->name), z->layout);
    }
}

uint64_t
weir_zone_size(const weir_zone *z)
{
    return wr_slab_size(head_of(z)->slab);
}

uint64_t
weir_zone_used(const weir_zone *z)
{
    return wr_slab_used(head_of(z)->slab);
}
