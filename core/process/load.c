/* process/load.c - passes of one load, until no fault is left or one that is everybody's. */
#include "process/load.h"

#include "base/log.h"
#include "process/console.h"

static void
tell(const struct wr_diag *diag, const struct wr_load_report *report, uint32_t kinds)
{
    if (report->console) {
        wr_console_mute(true);
    }
    wr_diag_print(diag, report->fd, report->kinds & kinds, true);
    if (report->console) {
        wr_console_mute(false);
    }
}

struct wr_generation *
wr_load(struct wr_instance *in, const struct wr_load_report *report, bool *ok)
{
    struct wr_generation *g;

    wr_sites_begin(&in->sites);
    for (;;) {
        wr_sites_pass(&in->sites);
        g = wr_generation_create(in);
        *ok = wr_generation_load(g);
        if (*ok || !wr_sites_step_back(&in->sites, g->diag.errors)) {
            tell(&g->diag, report, UINT32_MAX);
            return g;
        }
        tell(&g->diag, report, 1u << WR_DIAG_ERROR); /* the rest is found again in the next pass */
        wr_generation_destroy(&g);
    }
}

uint32_t
wr_load_faulty_sites(const struct wr_sites *sites)
{
    static const char *const fate[] = {
        [WR_SITE_KEPT] = "its last good version stays in force",
        [WR_SITE_STUB] = "its names answer 503",
        [WR_SITE_OUT] = "it is left out",
    };
    uint32_t n = 0;

    for (const struct wr_site *site = sites->first; site != NULL; site = site->next) {
        if (site->listed && site->form != WR_SITE_FILE) {
            wr_say(wr_log_process(), ERROR, "site \"%.*s\" is faulty: %s", WEIR_FMT(site->path),
                   fate[site->form]);
            n++;
        }
    }
    return n;
}
