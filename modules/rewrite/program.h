/* rewrite/program.h - what the rewrite directives of one block say, as steps in the file's order.
 *
 * Each directive appends steps when it is read; the hook walks them. A step that settles the
 * request ends the walk.
 */
#ifndef REWRITE_PROGRAM_H
#define REWRITE_PROGRAM_H

#include <weir/weir.h>

struct step;

/* Do a step: WEIR_NEXT to go on with the one after it, else what the hook answers. */
typedef int step_run(weir_request *r, const struct step *step);

struct step {
    const struct step *next;
    step_run *run;
    uint32_t status;   /* return: what to answer with */
    weir_value *value; /* return: the text or the URL */
};

struct program {
    struct step *first; /* NULL: nothing to do */
    struct step *last;
};

/* A zeroed step at the program's end, in configuration memory. */
struct step *program_add(weir_conf *cf, struct program *p);

/* The setter of `return`; field is a struct program. */
int set_return(weir_conf *cf, const weir_directive *d, void *field);

#endif
