/* upstream/upstream_zones.c - zones of groups: claimed at load, joined and left by workers. Several
 * groups may be in one zone; in a worker they have one share of it. */
#include "upstream/upstream_zones.h"

#include "upstream/share.h"

/* How many peers of groups before the i-th are in this zone. */
static size_t
peers_before(const struct wr_upstream_conf *top, size_t i, const weir_zone *zone)
{
    size_t n = 0;

    while (i-- != 0) {
        n += wr_upstream_group(top, i)->zone == zone ? wr_group_count(wr_upstream_group(top, i)) : 0;
    }
    return n;
}

int
wr_upstream_zones_claim(struct weir_conf *cf, const struct wr_upstream_conf *top)
{
    int rc = WEIR_OK;

    for (size_t i = 0; i < wr_upstream_count(top); i++) {
        const weir_upstream *u = wr_upstream_group(top, i);
        if (u->zone == NULL) {
            continue;
        }
        if (weir_zone_claim(cf, u->zone, WR_SHARE_LAYOUT, wr_share_fresh, NULL) != WEIR_OK) {
            rc = WEIR_ERROR;
        } else if (peers_before(top, i + 1, u->zone) >
                   weir_zone_size(u->zone) / WR_SHARE_BYTES_A_PEER) {
            wr_diag_error(cf->diag, wr_conf_place(u->defined, 1), NULL,
                          "zone of upstream \"%.*s\" is too small, each server needs 1k",
                          WEIR_FMT(u->name));
            rc = WEIR_ERROR;
        }
    }
    return rc;
}

/* The worker's side of u's zone, which groups before the i-th may have. */
static struct wr_share *
share_of(const struct wr_upstream_conf *top, size_t i, weir_upstream *u)
{
    while (i-- != 0) {
        if (wr_upstream_group(top, i)->zone == u->zone && wr_upstream_group(top, i)->share != NULL) {
            return wr_upstream_group(top, i)->share;
        }
    }
    return wr_share_join(u->zone, u->pool);
}

void
wr_upstream_zones_join(const struct wr_upstream_conf *top)
{
    for (size_t i = 0; i < wr_upstream_count(top); i++) {
        weir_upstream *u = wr_upstream_group(top, i);
        struct wr_share *share = u->zone != NULL ? share_of(top, i, u) : NULL;
        if (share != NULL) {
            wr_share_join_group(share, u);
        }
    }
}

/* Groups of one zone have one share, which is left with the last of them. */
static void
leave_zone(const struct wr_upstream_conf *top, size_t i)
{
    weir_upstream *u = wr_upstream_group(top, i);
    struct wr_share *share = u->share;

    if (share == NULL) {
        return;
    }
    wr_share_leave_group(u);
    for (i++; i < wr_upstream_count(top); i++) {
        if (wr_upstream_group(top, i)->share == share) {
            return;
        }
    }
    wr_share_leave(share);
}

void
wr_upstream_zones_leave(const struct wr_upstream_conf *top)
{
    for (size_t i = 0; i < wr_upstream_count(top); i++) {
        leave_zone(top, i);
    }
}
