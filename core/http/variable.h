/* http/variable.h - variables by index: found at load, computed at most once a request unless they are fresh.
 *
 * A name may be used before it is declared (a map further down the file): using it makes an index, and wr_vars_finish reports
 * those that nobody declared, with the place of their first use.
 */
#ifndef WR_HTTP_VARIABLE_H
#define WR_HTTP_VARIABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>

#include "conf/bind.h"
#include "http/request.h"

struct wr_var {
    weir_str name;
    uint32_t flags;                 /* WEIR_VAR_* */
    uint32_t slot;                  /* of the module whose get it is; UINT32_MAX: none */
    weir_str (*get)(weir_request *r, const void *conf, weir_str name); /* NULL: set by weir_var_set, or `define` */
    weir_str (*define)(weir_request *r, void *data);
    void *data;
    weir_str rest;                  /* WEIR_VAR_PREFIX: the name behind the prefix */
    bool declared;
    struct wr_conf_place used_at;
};

struct wr_vars {
    struct wr_var *at;
    uint32_t n;
    struct wr_vars_index *index; /* variable.c */
};

struct wr_vars *wr_vars_create(struct weir_pool *pool);

/* Make known what modules' tables declare: before anything is compiled. */
bool wr_vars_add_modules(struct weir_conf *cf, struct wr_vars *vars);

/* The index of name, made when new. -1 after a reported error (a bad name). */
int32_t wr_vars_index(struct weir_conf *cf, struct wr_vars *vars, weir_str name);

/* Report every variable that is used and not declared. */
bool wr_vars_finish(struct weir_conf *cf, struct wr_vars *vars);

/* The core's own variables: a table like any module's, of the built-in module "core.variables". */
extern const weir_variable wr_core_variables[];
extern const uint32_t wr_core_variables_count;

/* WEIR_T_VALUE: the binder's make_value. */
int wr_value_make(struct weir_conf *cf, weir_str text, weir_value **field);

/* "8k" or a number of bytes as $limit_rate and the like hold it; 0 for anything else. */
uint64_t wr_value_size(weir_request *r, const weir_value *v);

#endif
