/* cache/update.c - a stored response brought up to date behind a client's back: by a subrequest
 * that takes the request's course once more, from the hook that fetches on. */
#include "flow.h"

static void
update_done(weir_request *r, void *data, int result, weir_request *sub, weir_chain *body)
{
    (void)r;
    (void)data;
    (void)result;
    (void)sub;
    (void)body;
}

void
update_start(struct caching *c)
{
    weir_sub_options o = { .size = sizeof(o),
                           .method = WEIR_GET,
                           .flags = WEIR_SUB_BACKGROUND | WEIR_SUB_AGAIN };

    flow_outlive(c);
    if (weir_subrequest(c->r, &o, update_done, c) != WEIR_OK) {
        weir_say(c->r->log, ERROR, "a stored response cannot be brought up to date");
    }
}

bool
update_is(const weir_request *r)
{
    return weir_sub_data(r, update_done) != NULL;
}
