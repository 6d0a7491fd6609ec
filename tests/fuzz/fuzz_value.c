/* Any text compiles or is refused with a reason; what compiles gives the same bytes each time it is evaluated, escaped text
 * holds no byte that its escape forbids, and nothing is longer than a value may be.
 *
 * Input: a byte for the escape, the text, a NUL, the value of the variables $a, $b and of every capture. */
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"
#include "conf/bind.h"
#include "http/http.h"
#include "http/limits.h"
#include "http/regex.h"
#include "http/request.h"
#include "http/variable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wr_http http;

__attribute__((weak)) struct wr_http *
wr_http_of(const struct weir_conf *cf)
{
    (void)cf;
    return &http;
}

struct fixture {
    struct wr_diag diag;
    struct wr_conf_space space;
    struct weir_conf cf;
    struct wr_captures captures;
    struct wr_request r;
};

static void
fixture_init(struct fixture *f, struct weir_pool *pool, weir_str value)
{
    static const char *const names[] = { "a", "b" };

    memset(f, 0, sizeof(*f));
    wr_diag_init(&f->diag, pool);
    f->cf = (struct weir_conf){ .pool = pool, .diag = &f->diag, .space = &f->space, .owner = &http };
    http.vars = wr_vars_create(pool);
    f->captures.subject = value;
    f->captures.n = WR_LIMIT_CAPTURES;
    for (uint32_t i = 0; i < WR_LIMIT_CAPTURES; i++) {
        f->captures.until[i] = (uint32_t)value.len;
    }
    f->r.tag = WR_REQUEST_TAG;
    f->r.log = *wr_log_process();
    f->r.log.pub.level = 0;
    f->r.http = &http;
    f->r.pub.main = &f->r.pub;
    f->r.pub.pool = pool;
    f->r.captures = &f->captures;
    for (size_t i = 0; i < WR_COUNT(names); i++) {
        WR_ASSERT(weir_var_declare(&f->cf, weir_str_c(names[i])) == (int32_t)i);
    }
}

static bool
is_printable(weir_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((uint8_t)s.data[i] < 0x20 || (uint8_t)s.data[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static void
check(struct fixture *f, const weir_value *v, weir_str text, uint32_t escape)
{
    weir_str once = weir_value_get(&f->r.pub, v), again = weir_value_get(&f->r.pub, v);

    WR_ASSERT((once.data == NULL) == (again.data == NULL) && weir_str_eq(once, again));
    WR_ASSERT(once.len <= WR_LIMIT_VALUE || v->constant.data != NULL);
    if (v->constant.data != NULL) {
        WR_ASSERT(weir_str_eq(once, text) && memchr(text.data, '$', text.len) == NULL);
    } else if (escape == WEIR_ESCAPE_LOG && is_printable(text)) {
        WR_ASSERT(is_printable(once));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weir_pool *pool;
    const uint8_t *nul = size > 1 ? memchr(data + 1, 0, size - 1) : NULL;
    struct fixture f;
    weir_str text, value;
    weir_value *v;
    uint32_t escape;

    if (nul == NULL) {
        return 0;
    }
    pool = pool != NULL ? pool : wr_pool_create("fuzz", NULL);
    escape = data[0] % (WEIR_ESCAPE_HTML + 1);
    text = (weir_str){ (const char *)data + 1, (size_t)(nul - data - 1) };
    value = (weir_str){ (const char *)nul + 1, (size_t)(data + size - nul - 1) };
    fixture_init(&f, pool, value);
    v = weir_value_compile_escaped(&f.cf, text, escape, WEIR_STR("-"));
    WR_ASSERT((v == NULL) == (f.diag.errors != 0));
    if (v != NULL && wr_vars_finish(&f.cf, http.vars)) {
        for (int32_t i = 0; i < 2; i++) {
            WR_ASSERT(weir_var_set(&f.r.pub, i, value) == WEIR_OK);
        }
        check(&f, v, text, escape);
    }
    wr_pool_reset(pool);
    return 0;
}
