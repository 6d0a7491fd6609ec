/* conf/sites.h - the files of `sites GLOB;`: each stands or falls on its own.
 *
 * What is kept here outlives the configurations: for each site the text it had when it was last right, its own file's and
 * those it includes. A load begins with every site as its file is now. When the load fails for faults that all stand in
 * sites, each of these steps back one form and the load is made anew from the start, so that nothing a faulty file has
 * half brought about stays. A site ends in one of these forms: as it is, as it was, answering 503 at its names, or out.
 */
#ifndef WR_CONF_SITES_H
#define WR_CONF_SITES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <weir/base.h>

enum wr_site_form {
    WR_SITE_FILE, /* as its file is now */
    WR_SITE_KEPT, /* as it was when it was last right */
    WR_SITE_STUB, /* its names and addresses, answering 503 */
    WR_SITE_OUT   /* not there */
};

/* The text of a file, shared by all who need it. */
struct wr_site_text {
    uint32_t refs;
    bool settled; /* the file had not changed for long enough that a later change shows in `seen` */
    struct stat seen;
    weir_str name, text;
};

/* The texts that a site is made of. */
struct wr_site_texts {
    struct wr_site_text **at;
    size_t count, room;
};

struct wr_site {
    struct wr_site *next; /* in the order they were first seen */
    weir_str path;
    enum wr_site_form form; /* in the load under way */
    uint32_t errors;        /* its faults in this pass of it; conf/diag counts them */
    bool listed;            /* the glob of this pass has it */
    struct wr_site_texts now, kept;
};

struct wr_sites {
    struct wr_site *first, *last;
    struct wr_site **table; /* by the hash of the path; open addressing, never full */
    size_t room, count;
};

/* Zeroed is empty. */
void wr_sites_fini(struct wr_sites *s);

/* A load begins: every site is what its file says. */
void wr_sites_begin(struct wr_sites *s);

/* A pass of it begins: no site is listed, none has faults. */
void wr_sites_pass(struct wr_sites *s);

/* The site of the file at path, which is listed now. */
struct wr_site *wr_sites_take(struct wr_sites *s, weir_str path);

/* The text of the site's file called name, or NULL when it has to be read: the kept one if the site has that form or the file is
 * seen to be the same still. */
struct wr_site_text *wr_site_text_find(const struct wr_site *site, weir_str name);

/* The site is made of this text, too: taken, with one reference. */
void wr_site_text_add(struct wr_site *site, struct wr_site_text *text);

/* A copy of what was read of the file that is `seen`, for as long as anybody refers to it. */
struct wr_site_text *wr_site_text_create(weir_str name, weir_str text, const struct stat *seen);
struct wr_site_text *wr_site_text_ref(struct wr_site_text *text);

/* The pass had `errors` faults: if all of them are sites', these step back, and the load is to be tried again. False: it has
 * failed for good. */
bool wr_sites_step_back(struct wr_sites *s, uint32_t errors);

/* The load is done: right sites are kept as they are now, those that no glob has are forgotten. */
void wr_sites_commit(struct wr_sites *s);

#endif
