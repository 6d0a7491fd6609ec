/* Lists, weights, tags, types and cookies: every part is a view of the value, parts come in order and never overlap, and what
 * was found is found again. */
#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "wire/cookie.h"
#include "wire/etag.h"
#include "wire/field_list.h"
#include "wire/media_type.h"
#include "wire/precondition.h"
#include "wire/qvalue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* part lies in whole, at or behind *from, which moves behind it. */
static void
check_part(weir_str whole, weir_str part, const char **from)
{
    WR_ASSERT(part.data >= *from && part.data + part.len <= whole.data + whole.len);
    *from = part.data + part.len;
}

static void
check_list(weir_str field)
{
    const char *from = field.data;
    weir_str rest = field, element, params, name, value;

    while (weir_list_next(&rest, &element)) {
        check_part(field, element, &from);
        WR_ASSERT(element.len != 0 && weir_str_eq(weir_str_trim(element), element));
        name = wr_field_head(element, &params);
        WR_ASSERT(weir_list_has(field, name));
        while (wr_field_param_next(&params, &name, &value)) {
            WR_ASSERT(name.len + value.len <= element.len);
        }
    }
}

static void
check_weights(weir_str field)
{
    weir_str rest = field, name;
    uint32_t weight;

    while (wr_qvalue_next(&rest, &name, &weight)) {
        WR_ASSERT(weight <= WR_QVALUE_MAX);
    }
    WR_ASSERT(wr_qvalue_coding(field, weir_str_c("gzip")) <= WR_QVALUE_MAX);
    WR_ASSERT(wr_qvalue_coding(field, weir_str_c("identity")) <= WR_QVALUE_MAX);
    if (wr_qvalue_parse(field, &weight)) {
        WR_ASSERT(field.len <= 5 && weight <= WR_QVALUE_MAX);
    }
}

static void
check_tags(weir_str field)
{
    struct wr_etag tag;
    struct wr_precondition_fields f = { .if_none_match = field };
    struct wr_precondition_state now = { .exists = true, .last_modified_s = 0 };
    enum wr_precondition answer;

    if (wr_etag_parse(field, &tag)) {
        WR_ASSERT(tag.opaque.len + (tag.weak ? 2 : 0) == field.len);
        WR_ASSERT(wr_etag_is_same(tag, tag, WR_ETAG_WEAK));
        WR_ASSERT(wr_etag_is_listed(field, tag, WR_ETAG_WEAK));
        WR_ASSERT(wr_etag_is_listed(field, tag, WR_ETAG_STRONG) == !tag.weak);
        now.etag = tag;
        answer = wr_precondition_check(&f, &now, true, WR_SINCE_BEFORE, 0);
        WR_ASSERT(answer == WR_PRECONDITION_NOT_MODIFIED);
    }
    f = (struct wr_precondition_fields){ field, field, field, field };
    (void)wr_precondition_check(&f, &now, false, WR_SINCE_BEFORE, 0);
}

static void
check_types(weir_str field)
{
    weir_str params, essence = wr_field_head(field, &params);

    WR_ASSERT(wr_media_type_matches(essence, weir_str_c("*")));
    WR_ASSERT(wr_media_type_matches(essence, essence) == (essence.len != 0));
}

static void
check_cookies(weir_str field)
{
    const char *from = field.data;
    weir_str rest = field, name, value;

    while (weir_cookie_next(&rest, &name, &value)) {
        WR_ASSERT(memchr(value.data, ';', value.len) == NULL);
        check_part(field, name, &from);
        check_part(field, value, &from);
        WR_ASSERT(wr_cookie_find(field, name, false).data != NULL);
        WR_ASSERT(wr_cookie_find(field, name, true).data != NULL);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str field = { (const char *)data, size };

    if (data == NULL || size > 4096) { /* looking each part up again is quadratic */
        return 0;
    }
    check_list(field);
    check_weights(field);
    check_tags(field);
    check_types(field);
    check_cookies(field);
    return 0;
}
