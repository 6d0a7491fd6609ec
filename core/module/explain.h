/* module/explain.h - what a layer above http adds to what `weir -M` says of a configuration. */
#ifndef WR_MODULE_EXPLAIN_H
#define WR_MODULE_EXPLAIN_H

struct cJSON;

/* Offered by a built-in module under this id: add() puts its part into the object, whose text is made
 * by http/explain_text. conf is the module's, of the http block. */
#define WR_EXPLAIN "core.explain/1"

struct wr_explain {
    void (*add)(struct cJSON *root, const void *conf);
};

#endif
