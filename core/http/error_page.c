/* http/error_page.c - error pages: what is written, and sending a request there. nginx's meaning
 * throughout.
 *
 * A path is fetched by GET through the server's locations, a named location gets the request as it
 * is, a URL becomes a redirect. The first error decides whether the page may have an error page
 * itself.
 */
#include "http/error_page.h"

#include "base/num.h"
#include "base/str.h"
#include "http/location.h"
#include "http/response.h"

enum { OWN = -1, PAGES = 0 }; /* overwrite: keep the error's status; take the page's */

struct wr_error_page {
    struct wr_error_page *next;
    uint32_t status;
    int32_t overwrite; /* OWN, PAGES, or a status */
    weir_value *to;
};

/* ---- Reading. ---- */

/* "=", "=200": what status the answer gets. False: text is none of these. */
static bool
parse_overwrite(weir_str text, int32_t *overwrite)
{
    uint64_t status = 0;

    if (text.len == 0 || text.data[0] != '=') {
        return false;
    }
    if (text.len > 1 &&
        (!weir_parse_number(weir_str_cut(text, 1, SIZE_MAX), 599, &status) || status < 100)) {
        return false;
    }
    *overwrite = (int32_t)status;
    return true;
}

static int
add_status(weir_conf *cf, uint32_t i, const struct wr_error_page *like, struct wr_error_page **list)
{
    weir_str text = weir_conf_arg(cf, i);
    struct wr_error_page *p;
    uint64_t status;

    if (!weir_parse_number(text, 999, &status)) {
        return weir_conf_invalid(cf, i, "value");
    }
    if (status < 300 || status > 599) {
        return weir_conf_error_at(cf, i, "value \"%.*s\" must be between 300 and 599",
                                  WEIR_FMT(text));
    }
    if (status == 499) {
        return weir_conf_error_at(cf, i, "value \"499\" is of clients that are gone");
    }
    while (*list != NULL) {
        list = &(*list)->next;
    }
    p = weir_alloc(weir_conf_pool(cf), sizeof(*p));
    *p = *like;
    p->status = (uint32_t)status;
    if (status >= 494 && status <= 497 && p->overwrite == OWN) {
        p->overwrite = 400; /* they are nginx's own names for kinds of 400 */
    }
    *list = p;
    return WEIR_OK;
}

int
wr_error_page_set(weir_conf *cf, const weir_directive *d, void *field)
{
    uint32_t last = weir_conf_argc(cf) - 1;
    struct wr_error_page like = { .overwrite = OWN };
    weir_str to = weir_conf_arg(cf, last);
    int rc = WEIR_OK;

    (void)d;
    if (weir_str_starts(weir_conf_arg(cf, last - 1), WEIR_STR("="))) {
        if (!parse_overwrite(weir_conf_arg(cf, last - 1), &like.overwrite) || last < 3) {
            return weir_conf_invalid(cf, last - 1, "value");
        }
        last--;
    }
    if (to.len == 0 || to.data[0] == '=') {
        return weir_conf_error_at(cf, weir_conf_argc(cf) - 1,
                                  "an error page needs a path, a named "
                                  "location or a URL");
    }
    like.to = weir_value_compile(cf, to);
    if (like.to == NULL) {
        return WEIR_ERROR;
    }
    for (uint32_t i = 1; i < last && rc == WEIR_OK; i++) {
        rc = add_status(cf, i, &like, field);
    }
    return rc;
}

/* ---- Answering. ---- */

static const struct wr_error_page *
find(const struct wr_request *r, uint32_t status)
{
    const struct wr_error_page *p = wr_loc_conf(r)->error_pages;

    /* 494 is what nginx calls its 400 for a head that is too large. */
    while (p != NULL && p->status != status && !(p->status == 494 && status == 431)) {
        p = p->next;
    }
    return p;
}

weir_str
wr_error_page_target(struct wr_request *r, uint32_t status)
{
    const struct wr_error_page *p = find(r, status);

    return p != NULL ? weir_value_get(&r->pub, p->to) : (weir_str){ NULL, 0 };
}

bool
weir_has_error_page(const weir_request *pub, uint32_t status)
{
    const struct wr_request *r = wr_request_of(pub);

    return (!r->error_paged || r->error_again) && find(r, status) != NULL;
}

/* The error's own content goes; fields that say more about it (Allow, WWW-Authenticate) stay. */
static void
forget_content(weir_request *r)
{
    static const char *const names[] = { "Content-Type",  "Content-Encoding",
                                         "Content-Range", "Last-Modified",
                                         "ETag",          "Accept-Ranges" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)weir_out_remove(r, weir_str_c(names[i]));
    }
    r->status = 0;
    (void)weir_out_length(r, -1);
}

/* What the client asked of the answer is asked of the page only where that is the answer, as its own or as the 200 that stands for
 * it; an error is sent whole. Nor can a page of a given status switch protocols. [RFC 9110 13.2.1, 14.2, 7.8] */
static void
forget_conditions(struct wr_request *r, uint32_t status, bool changes_method)
{
    bool is_answer = (r->error_status == 0 || r->error_status == 200) && status != 412 && status != 416;
    bool reads = r->pub.method & (WEIR_GET | WEIR_HEAD);

    if (!is_answer || (changes_method && !reads)) {
        wr_request_unconditional(r);
    }
    if (r->error_status != 0) {
        (void)weir_in_remove(&r->pub, WEIR_STR("Upgrade"));
    }
}

static void
redirect_outside(struct wr_request *r, const struct wr_error_page *p, weir_str url)
{
    static const uint32_t kinds[] = { 301, 302, 303, 307, 308 };
    uint32_t status = 302;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if ((uint32_t)p->overwrite == kinds[i]) {
            status = kinds[i];
        }
    }
    r->error_status = 0;
    wr_response_page(r, (uint32_t)weir_redirect(&r->pub, status, url));
}

bool
wr_error_page_answer(struct wr_request *r, uint32_t status)
{
    const struct wr_error_page *p = r->error_paged && !r->error_again ? NULL : find(r, status);
    bool recursive = wr_loc_conf(r)->recursive_error_pages;
    weir_str to, args = WEIR_STR("");
    size_t query;

    r->error_status = 0;
    if (p == NULL) {
        return false;
    }
    r->error_status = status; /* for $status in the page's name */
    to = weir_value_get(&r->pub, p->to);
    if (to.len == 0) {
        r->error_status = 0;
        return false;
    }
    r->error_paged = true;
    r->error_again = recursive;
    r->error_status = p->overwrite == OWN ? status : (uint32_t)p->overwrite;
    if (to.data[0] != '/' && to.data[0] != '@') {
        redirect_outside(r, p, to);
        return true;
    }
    forget_content(&r->pub);
    forget_conditions(r, status, to.data[0] == '/');
    if (to.data[0] == '/') {
        query = weir_str_find(to, '?');
        args = weir_str_cut(to, query + 1, SIZE_MAX);
        to.len = query;
        weir_become_get(&r->pub);
    }
    if (weir_redirect_inside(&r->pub, to, args) != WEIR_DONE) {
        r->error_status = 0;
        r->moved = false;
        return false;
    }
    r->moved = false; /* no hook is running that would look at it */
    return true;
}
