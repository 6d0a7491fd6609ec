/* http/explain_course.h - how far the request of `weir -M URL` has come, and what is known of its answer. Private to
 * http/explain_request.c, explain_server.c and explain_hook.c. */
#ifndef WR_HTTP_EXPLAIN_COURSE_H
#define WR_HTTP_EXPLAIN_COURSE_H

#include <cjson/cJSON.h>

#include "http/request.h"
#include "http/vhost.h"
#include "module/order.h"

struct wr_course {
    const struct wr_http *http;
    const struct wr_endpoint *endpoint;
    struct wr_request *r;
    cJSON *root;
    cJSON *leg;              /* since it began, or went on elsewhere in the server */
    const char *moved_by;    /* the module that let it go on there */
    bool settled;            /* the content is a module's that answers for itself, or may: none behind it is asked */
    int answer;              /* a status; 0: none yet */
    const char *answered_by; /* the module */
    bool answers_itself;     /* which makes the whole answer: no error_page takes its place */
    const char *unless;      /* a module may have answered before; NULL: none */
    int denial;              /* under `satisfy any`: the status so far */
    const char *denied_by;   /* NULL: nobody */
    bool granted;            /* somebody has let it in */
    const char *open;        /* this module might; NULL: none */
};

/* "server" and "tls": the server that was chosen by that name. */
void wr_explain_server(struct wr_course *c, const struct wr_server *server, enum wr_vhost_by by,
                       weir_str name);

/* Ask the hook's module, with the settings that the request has now: "says" and "verdict". */
void wr_explain_hook(struct wr_course *c, cJSON *to, const struct wr_order_hook *h, uint32_t phase);

/* Are the hooks behind left out? */
bool wr_explain_over(const struct wr_course *c);

/* All access hooks were asked. */
void wr_explain_access_over(struct wr_course *c);

#endif
