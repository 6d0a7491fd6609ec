/* Fields of responses as the cache reads them: whatever they are, numbers stay in their bounds,
 * what forbids storing forbids it wherever it stands, more fields make nothing fresher that was
 * forbidden, and names and keys made of them hold their limits. The first line is Cache-Control,
 * then Vary, Age, Expires, Date, CDN-Cache-Control, Cache-Groups, Location. */
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"

#include "../modules/cache/list.c"
#include "../modules/cache/control.c"
#include "../modules/cache/policy.c"
#include "../modules/cache/use.c"
#include "../modules/cache/vary.c"
#include "../modules/cache/freshen.c"
#include "../modules/cache/invalidate.c"
#include "../modules/cache/tags.c"

enum { LINES = 8, NOW = 1000000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    weir_str name;
    uint32_t id;
} kinds[LINES] = { { { "Cache-Control", 13 }, WEIR_H_CACHE_CONTROL },
                   { { "Vary", 4 }, WEIR_H_VARY },
                   { { "Age", 3 }, WEIR_H_AGE },
                   { { "Expires", 7 }, WEIR_H_EXPIRES },
                   { { "Date", 4 }, WEIR_H_DATE },
                   { { "CDN-Cache-Control", 17 }, 0 },
                   { { "Cache-Groups", 12 }, 0 },
                   { { "Location", 8 }, WEIR_H_LOCATION } };

static void
check_policy(const weir_header *fields)
{
    static const weir_str target = { "CDN-Cache-Control", 17 };
    const struct policy_conf conf = { .cookies = COOKIES_EXPLICIT,
                                      .heuristic_percent = 10,
                                      .heuristic_max = 86400,
                                      .targets = { &target, 1 } };
    struct policy_case c = { .conf = &conf, .status = 200, .valid = -1, .now = NOW };
    struct kept k, strict;
    struct control none = { 0 };

    policy_collect(&c.fields, fields, 0);
    if (policy_store(&c, &k) != NULL) {
        c.authorized = true; /* which allows nothing */
        WR_ASSERT(policy_store(&c, &strict) != NULL);
        return;
    }
    WR_ASSERT(k.revalidate <= SECONDS_MAX && k.error <= SECONDS_MAX);
    WR_ASSERT(policy_age(&k, NOW + 5) >= policy_age(&k, NOW));
    if (policy_use(&k, &none, false, false, NOW) == USE_FRESH) {
        WR_ASSERT(k.lifetime > k.age && (k.flags & KEPT_NO_CACHE) == 0);
    }
    WR_ASSERT(policy_use(&k, &none, true, false, NOW) != USE_FRESH);
    WR_ASSERT(!policy_use_on_error(&k, true, true, NOW) || (k.flags & KEPT_NO_STALE) == 0);
}

static void
check_names(weir_pool *pool, const weir_header *vary, const weir_header *fields)
{
    weir_str names = vary_names(pool, vary), again, key;
    weir_header line = { .name = WEIR_STR("Vary"), .value = names };

    if (names.data == NULL) {
        return;
    }
    WR_ASSERT(names.len <= VARY_NAMES_MAX);
    again = vary_names(pool, &line);
    WR_ASSERT(again.data != NULL && weir_str_eq(names, again));
    key = vary_key(pool, WEIR_STR("key"), 1, names, fields);
    WR_ASSERT(key.data == NULL || key.len <= VARY_KEY_MAX);
}

static void
check_target(weir_pool *pool, weir_str reference)
{
    weir_str to = invalidate_target(pool, reference, false, WEIR_STR("a"), WEIR_STR("/b/c?d"));

    WR_ASSERT(to.data == NULL || (to.len != 0 && to.data[0] == '/'));
    if (to.data != NULL) {
        weir_str key = invalidate_key(pool, WEIR_STR("up/b/c?d"), WEIR_STR("/b/c?d"), to);
        WR_ASSERT(key.data == NULL || weir_str_starts(key, WEIR_STR("up/")));
    }
}

static void
check_merge(weir_pool *pool, const weir_header *fields)
{
    struct field_list once = freshen_merge(pool, fields, fields, 0), twice;

    twice = freshen_merge(pool, once.first, fields, 0);
    WR_ASSERT(once.count == twice.count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str rest = { (const char *)data, size };
    weir_header lines[LINES];
    const weir_strs no_names = { NULL, 0 };
    uint64_t tags[4];
    size_t n = 0;
    weir_pool *pool = wr_pool_create("fuzz", NULL);

    while (n < LINES && rest.len != 0) {
        weir_str value = weir_str_cut(rest, 0, weir_str_find(rest, '\n'));
        lines[n] = (weir_header){ .name = kinds[n].name,
                                  .value = weir_str_trim(value),
                                  .id = kinds[n].id };
        if (n != 0) {
            lines[n - 1].next = &lines[n];
        }
        rest = weir_str_cut(rest, value.len + 1, SIZE_MAX);
        n++;
    }
    if (n != 0) {
        check_policy(lines);
        check_merge(pool, lines);
        WR_ASSERT(tags_read(lines, &no_names, WEIR_STR("http://a"), tags, 4) <= 4);
    }
    if (n > 1) {
        check_names(pool, &lines[1], lines);
    }
    if (n == LINES) {
        check_target(pool, lines[LINES - 1].value);
    }
    wr_pool_destroy(&pool);
    return 0;
}
