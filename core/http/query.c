/* http/query.c - small questions that modules ask of a request's head: arguments, cookies, credentials, what the
 * client accepts. */
#include <string.h>
#include <weir/request.h>

#include "base/assert.h"
#include "base/base64.h"
#include "base/str.h"
#include "http/core_variables.h"
#include "wire/cookie.h"
#include "wire/field_list.h"
#include "wire/media_type.h"
#include "wire/qvalue.h"
#include "wire/uri.h"

weir_str
weir_arg(const weir_request *r, weir_str name)
{
    return wr_uri_arg(r->args, name, false);
}

weir_str
weir_cookie(const weir_request *r, weir_str name)
{
    return wr_var_cookie(r, name, false);
}

int
weir_basic_credentials(weir_request *r, weir_str *user, weir_str *password)
{
    const weir_header *h = r->in[WEIR_H_AUTHORIZATION];
    weir_str basic = WEIR_STR("basic "), coded, text;
    struct wr_strbuf b;
    size_t colon;

    if (h == NULL || !weir_str_ieq(weir_str_cut(h->value, 0, basic.len), basic)) {
        return WEIR_ABSENT;
    }
    coded = weir_str_trim(weir_str_cut(h->value, basic.len, h->value.len));
    b = wr_strbuf_over(weir_alloc(r->pool, coded.len + 1), coded.len);
    if (!wr_base64_decode(&b, coded)) {
        explicit_bzero(b.data, b.len);
        return WEIR_ABSENT;
    }
    b.data[b.len] = '\0';
    text = wr_strbuf_view(&b);
    colon = weir_str_find(text, ':');
    if (colon == 0 || colon >= text.len) {
        explicit_bzero(b.data, b.len);
        return WEIR_ABSENT;
    }
    *user = weir_str_cut(text, 0, colon);
    *password = weir_str_cut(text, colon + 1, SIZE_MAX);
    return WEIR_OK;
}

uint32_t
weir_accepts_coding(const weir_request *r, weir_str coding)
{
    return wr_qvalue_coding(wr_field_value_joined(r->pool, r->in[WEIR_H_ACCEPT_ENCODING], ", "), coding);
}

bool
weir_type_among(weir_str content_type, const weir_strs *types)
{
    weir_str params;
    weir_items patterns = { types->at, (uint32_t)types->count, sizeof(types->at[0]) };

    WR_ASSERT(types->count <= UINT32_MAX);
    return wr_media_type_is_listed(wr_field_head(content_type, &params), patterns);
}
