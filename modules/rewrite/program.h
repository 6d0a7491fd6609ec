/* rewrite/program.h - what the rewrite directives of one block say, as steps in the file's order.
 *
 * Each directive appends a step when it is read; a hook walks them. A step that settles the request
 * ends the walk. The blocks of `if` and `when` have programs of their own, which the step for the
 * block runs once it has entered the block's settings.
 */
#ifndef REWRITE_PROGRAM_H
#define REWRITE_PROGRAM_H

#include <weir/weir.h>

/* What a step answers besides what a hook may: the request goes on, and no step after this one
 * runs, those around it included. */
enum { STEP_STOP = 1 };

struct step;

/* Do a step: WEIR_NEXT to go on with the one after it, else what the hook answers. */
typedef int step_run(weir_request *r, const struct step *step);

/* Say what the step does with a request that nobody has made, and do what can be done without sending: WEIR_NEXT if the one
 * after it runs, STEP_STOP, or the answer. */
typedef int step_explain(weir_request *r, const struct step *step, weir_explain *to);

struct step {
    const struct step *next;
    step_run *run;
    step_explain *explain;
    weir_place place;
    uint32_t status;   /* return: what to answer with */
    weir_value *value; /* return: the text or the URL */
};

struct program {
    struct step *first; /* NULL: nothing to do */
    struct step *last;
    uint32_t where; /* of the block: WEIR_IN_* */
};

typedef struct {
    struct program program;
    bool log;  /* rewrite_log */
    bool warn; /* uninitialized_variable_warn */
} rewrite_conf;

/* A zeroed step at the program's end, in configuration memory. */
struct step *program_add(weir_conf *cf, struct program *p);

/* The same for a struct of size bytes that begins with its step. */
void *program_add_sized(weir_conf *cf, struct program *p, size_t size);

/* Enter the settings of a block that was chosen, and walk its program: WEIR_NEXT, STEP_STOP, or
 * what the hook answers. */
int program_enter(weir_request *r, const weir_scope *scope);

/* The same for weir -M. */
int program_explain_enter(weir_request *r, const weir_scope *scope, weir_explain *to);

/* A line for rewrite_log. */
#define REWRITE_LOG(r, ...)                                                                        \
    do {                                                                                           \
        if (((const rewrite_conf *)weir_loc_conf(r))->log) {                                       \
            weir_say((r)->log, NOTICE, __VA_ARGS__);                                               \
        }                                                                                          \
    } while (0)

/* The setters; field is a struct program. */
int set_return(weir_conf *cf, const weir_directive *d, void *field);
int set_rewrite(weir_conf *cf, const weir_directive *d, void *field);
int set_if(weir_conf *cf, const weir_directive *d, void *field);
int set_when(weir_conf *cf, const weir_directive *d, void *field);
int set_else(weir_conf *cf, const weir_directive *d, void *field);

#endif
