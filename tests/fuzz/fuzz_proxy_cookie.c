/* Set-Cookie fields of upstreams, rewritten: the cookie itself stays, nothing is added that could
 * end a field, rules that fit nothing change nothing that matters, and what was rewritten is not
 * rewritten into something else again. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"

#include "../modules/proxy/rewrite.c"
#include "../modules/proxy/cookies.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static weir_value
value_of(const char *text)
{
    return (weir_value){ .constant = weir_str_c(text) };
}

/* How often c stands in s. */
static size_t
count(weir_str s, char c)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        n += s.data[i] == c;
    }
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_value from_domain = value_of("app.example"), to_domain = value_of("www.example");
    weir_value from_path = value_of("/app"), to_path = value_of("/"), name = value_of("id");
    struct rewrite_rule domain = { .pattern = &from_domain, .replacement = &to_domain };
    struct rewrite_rule path = { .pattern = &from_path, .replacement = &to_path };
    struct cookie_flags flags = { .name = &name, .constant = SECURE | NO_HTTPONLY | LAX };
    proxy_conf c = { .cookie_domains = { .first = &domain },
                     .cookie_paths = { .first = &path },
                     .cookie_flags = { .first = &flags } };
    weir_str value = { (const char *)data, size }, once;
    weir_request r = { .pool = wr_pool_create("fuzz", NULL) };
    size_t end = weir_str_find(value, ';');

    once = cookie_rewrite(&r, &c, value);
    WR_ASSERT(
        weir_str_eq(weir_str_cut(once, 0, weir_str_find(once, ';')), weir_str_cut(value, 0, end)));
    WR_ASSERT(count(once, '\n') <= count(value, '\n') && count(once, '\r') <= count(value, '\r'));
    WR_ASSERT(count(once, ';') <= count(value, ';') + 2);
    WR_ASSERT(once.len <= 2 * value.len + 64);
    wr_pool_destroy(&r.pool);
    return 0;
}
