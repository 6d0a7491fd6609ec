/* http/decodable.c - what an origin is asked for where filters want to read what comes.
 *
 * A client may take codings that this server cannot decode: bodies in these would pass its filters unseen. So the proxy asks
 * for the others alone. What goes to the client is settled later, by what it said itself (http/coded).
 */
#include <weir/coding.h>

#include "base/str.h"
#include "base/strbuf.h"
#include "http/location.h"
#include "http/plan.h"
#include "http/subrequest.h"
#include "wire/field_list.h"
#include "wire/field_value.h"
#include "wire/qvalue.h"

/* Will somebody have to read the body as text? */
static bool
is_to_be_read(const struct wr_request *r)
{
    return r->loc->plan->wants_text || (r->parent != NULL && wr_subrequest_is_part(r));
}

/* May an origin go by this element of Accept-Encoding? */
static bool
serves(const weir_request *r, weir_str element)
{
    const weir_coding *coding;
    weir_str name;
    uint32_t q;

    if (!wr_qvalue_next(&element, &name, &q)) {
        return false;
    }
    if (weir_str_eq(name, WEIR_STR("*"))) {
        return q == 0; /* "any other" would be one that nobody knows */
    }
    coding = weir_coding_of(r, name);
    return weir_str_ieq(name, WEIR_STR("identity")) ||
           (coding != NULL && coding->decoder_open != NULL);
}

weir_str
weir_accept_decodable(weir_request *pub)
{
    const struct wr_request *r = wr_request_of(pub);
    const weir_header *h = pub->in[WEIR_H_ACCEPT_ENCODING];
    weir_str rest, element;
    struct wr_strbuf b;
    bool dropped = false;

    if (h == NULL || !is_to_be_read(r)) {
        return (weir_str){ NULL, 0 };
    }
    rest = wr_field_value_joined(pub->pool, h, ", ");
    b = wr_strbuf_over(wr_pool_alloc(pub->pool, 2 * rest.len + 16), 2 * rest.len + 16);
    while (weir_list_next(&rest, &element)) {
        if (!serves(pub, element)) {
            dropped = true;
            continue;
        }
        wr_strbuf_str(&b, b.len == 0 ? WEIR_STR("") : WEIR_STR(", "));
        wr_strbuf_str(&b, element);
    }
    if (!dropped) {
        return (weir_str){ NULL, 0 };
    }
    if (b.len == 0) {
        wr_strbuf_lit(&b, "identity");
    }
    return wr_strbuf_view(&b);
}
