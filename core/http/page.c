/* http/page.c - the built-in pages: the body of an answer that is only a status. nginx's in shape: tools and people know it. */
#include "base/assert.h"
#include "http/response.h"
#include "net/buf.h"
#include "wire/status.h"

static const char page_tail[] = "</h1></center>\r\n<hr><center>";

/* nginx's own names for kinds of 400; absent for other statuses. */
static weir_str
kind_of_400(uint32_t status)
{
    switch (status) {
    case 494:
        return WEIR_STR("Request Header Or Cookie Too Large");
    case 495:
        return WEIR_STR("The SSL certificate error");
    case 496:
        return WEIR_STR("No required SSL certificate was sent");
    case 497:
        return WEIR_STR("The plain HTTP request was sent to HTTPS port");
    default:
        return (weir_str){ NULL, 0 };
    }
}

/* What the page says: two of nginx's pages have other words than its status line. */
static weir_str
page_title(uint32_t status)
{
    return status == 302   ? WEIR_STR("302 Found")
           : status == 401 ? WEIR_STR("401 Authorization Required")
                           : wr_status_title(status);
}

/* The page for a status, or a kind of one. */
static weir_str
page_text(struct wr_request *r, uint32_t status, weir_str kind)
{
    weir_str title = page_title(status);
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(r->pub.pool, 512), 512);

    wr_strbuf_lit(&b, "<html>\r\n<head><title>");
    if (kind.data != NULL) {
        wr_strbuf_lit(&b, "400 ");
    }
    wr_strbuf_str(&b, kind.data != NULL ? kind : title);
    wr_strbuf_lit(&b, "</title></head>\r\n<body>\r\n<center><h1>");
    wr_strbuf_str(&b, title);
    if (kind.data != NULL) {
        wr_strbuf_lit(&b, "</h1></center>\r\n<center>");
        wr_strbuf_str(&b, kind);
        wr_strbuf_lit(&b, "</center>\r\n<hr><center>");
    } else {
        wr_strbuf_bytes(&b, page_tail, sizeof(page_tail) - 1);
    }
    wr_strbuf_str(&b, wr_server_token(r));
    wr_strbuf_lit(&b, "</center>\r\n</body>\r\n</html>\r\n");
    return wr_strbuf_view(&b);
}

/* Status, type, length and body of the built-in page. */
static weir_buf *
set_page(struct wr_request *r, uint32_t status)
{
    weir_str text = { NULL, 0 }, kind = kind_of_400(status);
    weir_buf *b;

    status = kind.data != NULL ? 400 : status;
    r->pub.status = status;
    (void)wr_fields_remove(wr_response_fields(r), WEIR_STR("Content-Type"), WEIR_H_CONTENT_TYPE);
    if (status >= 300 && status != 304) {
        text = page_text(r, status, kind);
        (void)weir_out_set(&r->pub, WEIR_STR("Content-Type"), WEIR_STR("text/html"));
    }
    r->pub.out_first = r->out->first;
    r->pub.out_length = (int64_t)text.len;
    r->source = NULL;
    r->identity = NULL;
    b = weir_buf_ref(r->pub.pool, text);
    b->flags = WEIR_BUF_LAST;
    return b;
}

void
wr_response_page(struct wr_request *r, uint32_t status)
{
    weir_chain body = { NULL, NULL };

    weir_chain_push(&body, set_page(r, status));
    wr_response_begin(r, &body);
}

void
wr_response_page_instead(struct wr_request *r, uint32_t status)
{
    /* Of another content; and how long that may be kept, which a cache would go by for the error. */
    static const char *const gone[] = { "ETag",          "Last-Modified",     "Accept-Ranges",     "Content-Encoding",
                                        "Cache-Control", "CDN-Cache-Control", "Surrogate-Control", "Content-Language",
                                        "Expires",       "Pragma",            "Age",               "Content-Location",
                                        "Content-Disposition" };

    wr_chain_drop(&r->queued);
    r->body_file = NULL;
    r->trailers = NULL;
    r->status_text = (weir_str){ NULL, 0 };
    for (size_t i = 0; i < WR_COUNT(gone); i++) {
        (void)weir_out_remove(&r->pub, weir_str_c(gone[i]));
    }
    wr_response_forget_digests(r, false);
    weir_chain_push(&r->queued, set_page(r, status));
    r->filters_out = UINT64_MAX;
}
