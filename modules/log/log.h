/* log.h - what the files of the log module share: formats, targets, and the configuration. */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <weir/weir.h>

#include "buffer.h"
#include "cache.h"

/* A log_format. The line is compiled with its line break, so that one evaluation gives what is
 * written. */
struct log_format {
    struct log_format *next;
    weir_str name;
    weir_str text;    /* ends in '\n' */
    uint32_t escape;  /* WEIR_ESCAPE_* */
    weir_value *line; /* NULL until compiled */
};

/* One access_log. Exactly one of file and path is set; neither: the default log before init(). */
struct log_target {
    struct log_target *next;
    weir_logfile *file;
    weir_value *path;          /* with variables */
    struct log_buffer *buffer; /* NULL: lines leave with the turn of the loop */
    weir_str format_name;
    const struct log_format *format; /* NULL until check() in http, where it may be named first */
    weir_value *condition;           /* if=; NULL: always */
};

/* The access_log directives of one block. */
struct log_set {
    bool off;
    struct log_target *first, *last;
};

/* What there is once a configuration. Its buffers and caches are each worker's own by fork. */
struct log_registry {
    struct log_format *formats; /* of log_format */
    struct log_format combined, json;
    struct log_set default_set; /* access_log unless there is another */
    struct log_target default_target;
    struct log_buffer *buffers;
    struct log_cache *caches;
    int32_t root_var;    /* $document_root; negative: no path needs it */
    uint64_t complained; /* weir_now() of the last complaint about a write; 0: never */
};

/* One field, so that inner blocks inherit both: they inherit what a directive names, and
 * open_log_file_cache names this. */
struct log_shared {
    struct log_registry *registry;
    struct log_cache *cache; /* NULL: off */
};

typedef struct {
    struct log_set *set;
    struct log_shared shared;
    bool formats; /* log_format's own field; the formats are in the registry */
} log_conf;

/* ---- log.c ---- */

/* The registry, made when there is none: by check() of the outermost block, or by a directive when
 * that block has faults and was not checked. */
struct log_registry *log_registry_of(weir_conf *cf, struct log_shared *shared);

/* ---- format.c ---- */

/* log_format NAME [escape=default|json|none] STRING ... */
int log_set_format(weir_conf *cf, const weir_directive *d, void *field);

/* The predefined formats' texts. */
void log_format_init(struct log_registry *g);

/* The format called name, compiled; one of log_format goes before a predefined one. NULL when there
 * is none (*known is false) or it does not compile (reported). */
const struct log_format *log_format_find(weir_conf *cf, struct log_registry *g, weir_str name,
                                         bool *known);

/* ---- access.c ---- */

/* access_log off | PATH [FORMAT] [PARAMETER ...] */
int log_set_access(weir_conf *cf, const weir_directive *d, void *field);

/* Find the formats that were named before they were there. */
int log_resolve_formats(weir_conf *cf, struct log_registry *g, struct log_set *set);

/* open_log_file_cache off | max=N [inactive=T] [min_uses=N] [valid=T] */
int log_set_cache(weir_conf *cf, const weir_directive *d, void *field);

/* ---- path.c ---- */

/* Append line to the file that target's path names for r. Trouble is noted in the error log and
 * never reaches the request. */
void log_path_write(weir_request *r, const log_conf *c, const struct log_target *t, weir_str line);

/* May a log be there? Absolute, no zero byte, no "..", not too long. Pure. */
bool log_path_is_sound(weir_str path);

#endif
