/* process/options.h - the command line as values. Nothing is looked at here but the words
 * themselves. */
#ifndef WR_PROCESS_OPTIONS_H
#define WR_PROCESS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { WR_OPTIONS_FIELDS = 64 };

/* All strings are the command line's own. */
struct wr_options {
    bool help;                /* -h, -? */
    bool version;             /* -v, -V */
    bool build;               /* -V */
    bool test;                /* -t, -T */
    bool dump;                /* -T */
    bool quiet;               /* -q */
    bool explain;             /* -M */
    bool json;                /* --json */
    const char *prefix;       /* -p */
    const char *conf;         /* -c */
    const char *error_log;    /* -e */
    const char *globals;      /* -g */
    const char *signal;       /* -s: "stop", "quit", "reload", "reopen" */
    const char *target;       /* -M's URL or path; NULL: list modules */
    const char *host;         /* -M's host */
    const char *method;       /* --method, of -M's request; NULL: GET */
    const char *client;       /* --client, its address; NULL: 127.0.0.1 */
    const char *fields[WR_OPTIONS_FIELDS]; /* -H, its fields: "Name: value" */
    uint32_t n_fields;
    const char *check_module; /* --check-module FILE */
    const char *index_folder; /* --write-module-index DIR */
};

/*
 * Read the command line: nginx's options, which may be joined (-tq, -cFILE), and weir's own.
 *
 * False, *o untouched, with the reason in err.
 */
bool wr_options_parse(int argc, char *const *argv, struct wr_options *o, struct wr_err *err);

#endif
