/* Set-Cookie lines of any bytes: what is read of them lies within, what is written again reads the
 * same but for what was changed, and nothing written can end the line or begin another attribute.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"

#include "../modules/cookies/set_cookie.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_within(weir_str part, weir_str whole)
{
    WR_ASSERT(part.len == 0 ||
              (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
    WR_ASSERT(part.len == 0 || (part.data[0] != ' ' && part.data[part.len - 1] != ' '));
    WR_ASSERT(cookie_value_is_plain(part));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_pool *pool;
    struct set_cookie c, again;
    struct set_cookie_change change = { 0 };
    weir_str line, text;
    int64_t at;

    if (size < 2) {
        return 0;
    }
    line = (weir_str){ (const char *)data + 2, size - 2 };
    (void)cookie_date_parse(line, &at);
    if (!set_cookie_parse(line, &c)) {
        return 0;
    }
    pool = wr_pool_create("fuzz", NULL);
    WR_ASSERT(c.name.len + c.value.len <= COOKIE_PAIR_MAX && c.name.len + c.value.len != 0);
    check_within(c.name, line);
    check_within(c.value, line);
    WR_ASSERT(c.name.len == 0 || memchr(c.name.data, '=', c.name.len) == NULL);
    (void)set_cookie_expired(&c, 0);
    change.name = c.name;
    change.value = c.value;
    for (uint32_t i = 0; i < COOKIE_ATTRIBUTES; i++) {
        check_within(c.at[i], line);
        change.action[i] = (data[0] >> i & 1) == 0   ? COOKIE_KEEP
                           : (data[1] >> i & 1) == 0 ? COOKIE_SET
                                                     : COOKIE_REMOVE;
        change.set[i] = (i & 1) != 0 ? WEIR_STR("v") : WEIR_STR("");
    }
    text = set_cookie_write(pool, &c, &change);
    WR_ASSERT(set_cookie_parse(text, &again));
    WR_ASSERT(weir_str_eq(again.name, c.name) && weir_str_eq(again.value, c.value));
    for (uint32_t i = 0; i < COOKIE_ATTRIBUTES; i++) {
        weir_str expected = change.action[i] == COOKIE_KEEP  ? c.at[i]
                            : change.action[i] == COOKIE_SET ? change.set[i]
                                                             : (weir_str){ NULL, 0 };
        WR_ASSERT((again.at[i].data != NULL) == (expected.data != NULL));
        WR_ASSERT(weir_str_eq(again.at[i], expected));
    }
    wr_pool_destroy(&pool);
    return 0;
}
