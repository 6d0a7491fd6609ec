/* http/variable.h - variables by index: found at load, computed at most once a request unless they are fresh.
 *
 * A name may be used before it is declared (a map further down the file): using it makes an index, and wr_vars_finish reports
 * those that nobody declared, with the place of their first use. Letters of either case are the same in a name, as in nginx.
 */
#ifndef WR_HTTP_VARIABLE_H
#define WR_HTTP_VARIABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/conf.h>
#include <weir/module.h>

#include "conf/bind.h"
#include "http/request.h"
#include "wire/field_value.h"

/* Flags beyond the ABI's, for the core's own table. */
enum {
    WR_VAR_LEAF = WEIR_VAR_LEAF,
    /* Its values are of 20..7e without '"' and '\\': a log or JSON takes them as they are. */
    WR_VAR_PLAIN = 1u << 17
};

struct wr_var {
    weir_str name;                  /* lower-case, zero-terminated */
    uint32_t flags;                 /* WEIR_VAR_*, WR_VAR_PLAIN */
    uint32_t field;                 /* WEIR_H_*: it is this field of the request, and get need not be asked; 0: it must */
    uint32_t slot;                  /* of the module whose get it is; UINT32_MAX: none */
    weir_str (*get)(weir_request *r, const void *conf, weir_str name); /* NULL: set by weir_var_set, or `define`, `unset` */
    weir_str (*define)(weir_request *r, void *data);
    void *data;
    weir_str (*unset)(weir_request *r, void *data); /* its value while nobody has set it; NULL: absent */
    void *unset_data;
    void (*assign)(struct wr_request *r, weir_str value); /* a variable of the core that `set` changes ($args); else NULL */
    weir_str rest;                  /* what get is given: behind the prefix for WEIR_VAR_PREFIX, else the name */
    bool declared;
    bool settable;                  /* weir_var_declare was called: weir_var_set's value comes before a computed one, a family's, or `unset` */
    struct wr_conf_place used_at;
};

struct wr_vars {
    struct wr_var *at;
    uint32_t n;
    struct wr_vars_index *index; /* variable.c */
    const struct wr_vars_watch *watch; /* NULL in a server */
};

struct wr_vars *wr_vars_create(struct weir_pool *pool);

/* Make known what modules' tables declare: before anything is compiled. False after a reported error (one name, two owners). */
bool wr_vars_add_modules(struct weir_conf *cf, struct wr_vars *vars);

/* The index of name, made when new. -1 after a reported error (a bad name). */
int32_t wr_vars_index(struct weir_conf *cf, struct wr_vars *vars, weir_str name);

/* Report every variable that is used and not declared. */
bool wr_vars_finish(struct weir_conf *cf, struct wr_vars *vars);

/* Where a piece of a configuration's text stands: the statement's word, or the part of it, that `text` is a view of; the
 * statement itself when text is none of its words. */
struct wr_conf_place wr_vars_place(const struct weir_conf *cf, weir_str text);

/* A value that was set, or is kept once it is computed. */
weir_str wr_var_kept(struct wr_request *r, const struct wr_var *v, uint32_t i);

/* weir_var_get, of one of r's variables. */
static inline weir_str
wr_var_value(struct wr_request *r, const struct wr_vars *vars, uint32_t i)
{
    const struct wr_var *v = &vars->at[i];
    const uint32_t leaf = WR_VAR_LEAF | WEIR_VAR_FRESH;

    if (v->field != 0) { /* $http_referer: 190 instructions less than by its name */
        return wr_field_value_joined(r->pub.pool, r->pub.in[v->field], ", ");
    }
    if ((v->flags & leaf) == leaf) {
        return v->get(&r->pub, v->slot != UINT32_MAX ? r->pub.conf[v->slot] : NULL, v->rest);
    }
    return wr_var_kept(r, v, i);
}

/* For `weir -M`: none keeps what it was computed to, and those of WEIR_VAR_LATER tell unknown(data, name) that they were asked
 * for. */
struct wr_vars_watch {
    void (*unknown)(void *data, weir_str name);
    void *data;
};
void wr_vars_set_watch(struct wr_vars *vars, const struct wr_vars_watch *watch);

/* The variable is as unknown as `because` from here on, until it is set. */
void wr_vars_lose(struct wr_request *r, int32_t var, weir_str because);

/* The core's own variables: a built-in module without settings. */
extern const weir_module wr_core_variables_module;

/* What `set` does to a variable of the core, NULL when it cannot be set. */
typedef void (*wr_var_assign)(struct wr_request *r, weir_str value);
wr_var_assign wr_core_variable_assign(weir_str name);

/* The request field that the variable name of the core stands for, WEIR_H_*; 0: none, or there is more to it. */
uint32_t wr_core_variable_field(weir_str name);

/* Does a text that may be compiled name the variable, as $name or ${name}? */
bool wr_value_names(weir_str text, const char *name);

/* WEIR_T_VALUE: the binder's make_value. */
int wr_value_make(struct weir_conf *cf, weir_str text, weir_value **field);

/* "8k" or a number of bytes as $limit_rate and the like hold it; 0 for anything else. */
uint64_t wr_value_size(weir_request *r, const weir_value *v);

/* Is v just "0", as is the preset of such values? For places that nearly always see that. */
static inline bool
wr_value_is_nought(const weir_value *v)
{
    return v->constant.len == 1 && v->constant.data[0] == '0';
}

#endif
