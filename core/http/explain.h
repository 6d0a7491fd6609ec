/* http/explain.h - what the files of `weir -M` share: making its tree of JSON, and text of it. Private to http/explain*.c.
 *
 * explain.c takes the question, explain_request.c and explain_location.c make the tree for a request, explain_text.c and
 * explain_text_request.c make text for people of the same tree, so that both forms say the same.
 */
#ifndef WR_HTTP_EXPLAIN_H
#define WR_HTTP_EXPLAIN_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <weir/base.h>

#include "conf/bind.h"

struct wr_endpoint;
struct wr_http;
struct wr_location;
struct wr_locations;
struct wr_request;

/* ---- Pieces of the tree. ---- */

void wr_explain_add_text(cJSON *to, const char *key, weir_str text);

/* "file" and "line" of a statement; NULL: nothing. */
void wr_explain_add_place(cJSON *to, const struct wr_conf_node *node);

/* text at the end of a list. */
void wr_explain_add_line(cJSON *list, weir_str text);

/* The list `key` of the statements of the module in slot that hold in scope, those of outer blocks first. */
void wr_explain_add_statements(cJSON *to, const char *key, const struct wr_scope *scope,
                               uint32_t slot);

/* "kind", "name" and place of a location. */
void wr_explain_add_location(cJSON *to, const struct wr_location *loc);

/* ---- A request. ---- */

/* The course of r (explain_client.h) at the endpoint; the host in lower case. NULL: no path; said. */
cJSON *wr_explain_request(const struct wr_http *http, const struct wr_endpoint *e,
                          struct wr_request *r, weir_str host, weir_str target);

/* Add to the array the locations that were thought of for path, in order of trial, from those in l on; `chosen` is the one that
 * was taken. */
void wr_explain_candidates(cJSON *list, const struct wr_locations *l, weir_str path,
                           const struct wr_location *chosen);

/* ---- Text. ---- */

enum { WR_EXPLAIN_COLUMN = 15 }; /* of what stands behind a line's first word */

/* A text that grows: made for an operator, from a configuration that was read whole before. */
struct wr_explain_text {
    char *data;
    size_t len, room;
};

void wr_explain_print(struct wr_explain_text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A member of an object: its text, "" when it has none; its number, 0. */
const char *wr_explain_string(const cJSON *o, const char *key);
int wr_explain_number(const cJSON *o, const char *key);
bool wr_explain_is(const cJSON *o, const char *key);

/* The text of a request's tree. */
void wr_explain_print_request(struct wr_explain_text *t, const cJSON *root);

/* The tree as text for people, zero-terminated, to be freed by the caller. */
char *wr_explain_text(const cJSON *tree);

#endif
