/* wire/precondition.c - the order of evaluation; steps are numbered as in the RFC. */
#include "wire/precondition.h"

#include "base/str.h"
#include "wire/date.h"

/* Does the value of If-Match or If-None-Match name what is there? */
static bool
names(weir_str field, const struct wr_precondition_state *now, enum wr_etag_how how)
{
    weir_str value = weir_str_trim(field);

    if (value.len == 1 && value.data[0] == '*') {
        return now->exists;
    }
    return now->exists && wr_etag_is_listed(value, now->etag, how);
}

/* The date of a field, when there is one and the Last-Modified to hold it against. */
static bool
comparable(weir_str field, const struct wr_precondition_state *now, int64_t now_s, int64_t *date_s)
{
    return field.data != NULL && now->exists && now->last_modified_s >= 0 &&
           wr_date_parse(weir_str_trim(field), now_s, date_s);
}

/* Steps 1 and 2: is the client's idea of the state right? */
static bool
is_in_step(const struct wr_precondition_fields *fields, const struct wr_precondition_state *now,
           int64_t now_s)
{
    int64_t date_s;

    if (fields->if_match.data != NULL) {
        return names(fields->if_match, now, WR_ETAG_STRONG);
    }
    if (comparable(fields->if_unmodified_since, now, now_s, &date_s)) {
        return now->last_modified_s <= date_s;
    }
    return true;
}

enum wr_precondition
wr_precondition_check(const struct wr_precondition_fields *fields,
                      const struct wr_precondition_state *now, bool reads,
                      enum wr_precondition_since since, int64_t now_s)
{
    int64_t date_s;

    if (!is_in_step(fields, now, now_s)) {
        return WR_PRECONDITION_FAILED;
    }
    if (fields->if_none_match.data != NULL) { /* step 3; its presence rules out step 4 */
        if (!names(fields->if_none_match, now, WR_ETAG_WEAK)) {
            return WR_PRECONDITION_HOLDS;
        }
        return reads ? WR_PRECONDITION_NOT_MODIFIED : WR_PRECONDITION_FAILED;
    }
    if (reads && since != WR_SINCE_OFF &&
        comparable(fields->if_modified_since, now, now_s, &date_s) &&
        (date_s == now->last_modified_s ||
         (since == WR_SINCE_BEFORE && date_s > now->last_modified_s))) { /* step 4 */
        return WR_PRECONDITION_NOT_MODIFIED;
    }
    return WR_PRECONDITION_HOLDS;
}
