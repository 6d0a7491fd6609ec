/* http/access.c - whether a request is let in: `satisfy`, `auth_delay`.
 *
 * Under `satisfy all` every hook has to agree, and the first refusal is the answer. Under `satisfy any` one that allows is
 * enough; a refusal is kept meanwhile, 401 before 403, since a password may still help. A 401 is answered after auth_delay:
 * the request waits by a ticket, as a hook would.
 */
#include "http/access.h"

#include <weir/event.h>

enum { GRACE_MS = 60 * 1000 };

bool
weir_satisfy_any(const weir_request *r)
{
    return wr_loc_conf(wr_request_of(r))->satisfy == 1;
}

static void
delay_over(void *ticket)
{
    (void)weir_resume(ticket, 401);
}

/* The status that refuses r; a 401 once auth_delay is over. */
static int
refuse(struct wr_request *r, int status)
{
    uint64_t ms = wr_loc_conf(r)->auth_delay_ms;
    uint8_t calling = r->calling;
    weir_ticket *ticket;

    if (status != 401 || ms == 0 || r->auth_delayed) {
        return status;
    }
    wr_say(&r->log, INFO, "delaying unauthorized request");
    r->auth_delayed = true;
    r->calling = WR_CALLING_PHASE;
    ticket = weir_suspend(&r->pub, ms + GRACE_MS, NULL, NULL);
    r->calling = calling;
    (void)weir_timer_start(r->pub.pool, ms, delay_over, ticket);
    return WEIR_AGAIN;
}

int
wr_access_heard(struct wr_request *r, int rc)
{
    bool any = weir_satisfy_any(&r->pub);

    if (rc == WEIR_DONE && any) {
        if (r->denied) { /* who was refused a moment ago need not be asked for a password */
            (void)weir_out_remove(&r->pub, WEIR_STR("WWW-Authenticate"));
        }
        r->denied = false;
        return WEIR_DONE;
    }
    if (any && (rc == 401 || rc == 403)) {
        r->denial = r->denied && r->denial == 401 ? 401 : (uint32_t)rc;
        r->denied = true;
        return WEIR_NEXT;
    }
    return rc == WEIR_DONE ? WEIR_NEXT : rc < 0 ? rc : refuse(r, rc);
}

int
wr_access_over(struct wr_request *r)
{
    if (!r->denied) {
        return WEIR_NEXT;
    }
    if (r->denial == 403) {
        wr_say(&r->log, ERROR, "access forbidden by rule");
    }
    return refuse(r, (int)r->denial);
}
