/* http/core_variables_response.c - variables of the answer so far; in the log, of the whole of it. */
#include "base/clock.h"
#include "base/pool.h"
#include "http/core_variables.h"
#include "http/request.h"
#include "http/variable.h"

static const weir_str absent = { NULL, 0 };

WR_VAR_GET(status)
{
    char *to = wr_pool_alloc(r->pool, 3);
    uint32_t error = wr_request_of(r)->error_status;
    uint32_t sent = r->status == 101 && r->version >= 20 ? 200 : r->status; /* a tunnel [RFC 8441 5] */
    uint32_t status = error != 0 ? error : sent;

    (void)conf, (void)name;
    to[0] = (char)('0' + status / 100 % 10);
    to[1] = (char)('0' + status / 10 % 10);
    to[2] = (char)('0' + status % 10);
    return (weir_str){ to, 3 };
}

WR_VAR_GET(body_bytes_sent)
{
    (void)conf, (void)name;
    return wr_var_number(r->pool, wr_request_of(r->main)->sent_body);
}

WR_VAR_GET(bytes_sent)
{
    const struct wr_request *main = wr_request_of(r->main);

    (void)conf, (void)name;
    return wr_var_number(r->pool, main->sent_head + main->sent_body);
}

WR_VAR_GET(request_time)
{
    (void)conf, (void)name;
    return wr_var_seconds(r->pool, wr_clock.now_ms - r->started);
}

WR_VAR_GET(request_completion)
{
    const struct wr_request *q = wr_request_of(r);

    (void)conf, (void)name;
    return q->answer == WR_ANSWER_LAST && !q->cut ? WEIR_STR("OK") : WEIR_STR("");
}

WR_VAR_GET(limit_rate)
{
    const struct wr_request *main = wr_request_of(r->main);

    (void)conf, (void)name;
    if (main->has_limit_rate) {
        return wr_var_number(r->pool, main->limit_rate);
    }
    return wr_var_number(r->pool, wr_value_size(r, wr_loc_conf(wr_request_of(r))->limit_rate));
}

/* ---- Fields; those that the driver writes are not among the others. ---- */

WR_VAR_GET(sent_http_name)
{
    (void)conf;
    return wr_field_value_spelled(r->pool, r->out, r->out_first, name, ", ");
}

WR_VAR_GET(sent_trailer_name)
{
    const struct wr_fields *f = wr_request_of(r)->trailers;

    (void)conf;
    return f != NULL ? wr_field_value_spelled(r->pool, f->index, f->first, name, ", ") : absent;
}

/* Will an HTTP/1 client get the body in chunks? */
static bool
in_chunks(const weir_request *r)
{
    const struct wr_request *q = wr_request_of(r);

    return r->version == 11 && wr_loc_conf(q)->chunked && r->status >= 200 && r->status != 204 &&
           r->status != 304 && (r->out_length < 0 || q->trailers != NULL);
}

WR_VAR_GET(sent_http_content_length)
{
    (void)conf, (void)name;
    if (r->out_length < 0 || in_chunks(r)) {
        return absent;
    }
    return wr_var_number(r->pool, (uint64_t)r->out_length);
}

WR_VAR_GET(sent_http_transfer_encoding)
{
    (void)conf, (void)name;
    return r->flags & WEIR_R_HEAD_SENT && in_chunks(r) ? WEIR_STR("chunked") : absent;
}

WR_VAR_GET(sent_http_connection)
{
    (void)conf, (void)name;
    if (r->version >= 20) {
        return absent;
    }
    if (r->status == 101) {
        return WEIR_STR("upgrade");
    }
    return wr_request_of(r->main)->keep_alive ? WEIR_STR("keep-alive") : WEIR_STR("close");
}

WR_VAR_GET(sent_http_keep_alive)
{
    const struct wr_request *q = wr_request_of(r);

    (void)conf, (void)name;
    if (r->version >= 20 || !wr_request_of(r->main)->keep_alive ||
        wr_loc_conf(q)->keepalive_header_s == 0) {
        return absent;
    }
    return weir_print(r->pool, "timeout=%llu",
                      (unsigned long long)wr_loc_conf(q)->keepalive_header_s);
}
