/* http/query.c - small questions that modules ask of a request's head: arguments, cookies, what the client accepts. */
#include <weir/request.h>

#include "base/assert.h"
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
