/* cookies - one policy for all cookies, whoever sets them: attributes, names, what browsers ask
 * for, sealing and signing.
 *
 * A header filter behind all that make cookies changes what goes out (response.c), hooks in front
 * of all that read cookies change back what comes in (request.c). policy.c knows the rules,
 * set_cookie.c the lines, seal.c the cryptography.
 */
#include "cookies.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

weir_metric *cookies_sent, *cookies_came;

/* ---- Keys. ---- */

/* The bytes of a key file, without a line end behind them. */
static int
from_file(weir_conf *cf, uint32_t i, char *to, size_t *len)
{
    weir_str path = weir_conf_file(cf, weir_conf_arg(cf, i));
    int fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, to, COOKIE_KEY_MAX) : -1;
    int error = errno;

    if (fd >= 0) {
        (void)close(fd);
    }
    if (n < 0) {
        return weir_conf_error_at(cf, i, "%s \"%.*s\" failed (%d: %s)",
                                  fd < 0 ? "open()" : "read()", WEIR_FMT(path), error,
                                  strerror(error));
    }
    while (n > 0 && (to[n - 1] == '\n' || to[n - 1] == '\r')) {
        n--;
    }
    *len = (size_t)n;
    return WEIR_OK;
}

static int
set_keys(weir_conf *cf, const weir_directive *d, void *field)
{
    struct cookie_keys *keys = cookie_keys_create(weir_conf_pool(cf));
    char bytes[COOKIE_KEY_MAX];
    int rc = WEIR_OK;

    (void)d;
    for (uint32_t i = 1; i < weir_conf_argc(cf) && rc == WEIR_OK; i++) {
        weir_text key = weir_text_over(bytes, sizeof(bytes));
        weir_str hex;
        if (weir_str_after(weir_conf_arg(cf, i), WEIR_STR("hex:"), &hex)) {
            if (!weir_hex_decode(&key, hex)) {
                rc = weir_conf_error_at(cf, i, "a key in hexadecimal is expected behind \"hex:\"");
            }
        } else {
            rc = from_file(cf, i, bytes, &key.len);
        }
        if (rc == WEIR_OK && key.len < COOKIE_KEY_MIN) {
            rc = weir_conf_error_at(cf, i, "a key must have %d bytes at least", COOKIE_KEY_MIN);
        } else if (rc == WEIR_OK && !cookie_keys_add(keys, weir_text_view(&key))) {
            rc = weir_conf_error_at(cf, i, "there can be %d keys at most", COOKIE_KEYS_MAX);
        }
    }
    explicit_bzero(bytes, sizeof(bytes));
    *(struct cookie_keys **)field = keys;
    return rc;
}

/* ---- Settings. ---- */

static int
check_limit(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return *(const int64_t *)field >= 1 ? WEIR_OK
                                        : weir_conf_error_at(cf, 1, "value must be 1 at least");
}

static int
check(weir_conf *cf, void *conf)
{
    const cookies_conf *c = conf;

    if (c->keys == NULL && cookie_rules_guard(&c->rules)) {
        return weir_conf_error(cf, "\"cookie_policy ... seal\" and \"sign\" need \"cookie_keys\"");
    }
    return WEIR_OK;
}

static bool
wants_head(const void *conf)
{
    const cookies_conf *c = conf;

    return c->rules.first != NULL || c->checks == CHECKS_FIX || c->checks == CHECKS_REFUSE;
}

static bool
wants_requests(const void *conf)
{
    return ((const cookies_conf *)conf)->rules.written;
}

static const weir_name checks[] = {
    { "fix", CHECKS_FIX }, { "refuse", CHECKS_REFUSE }, { "off", CHECKS_OFF }, { NULL, 0 }
};

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(cookies_conf, rules, "cookie_policy", WHERE, 1, 0, WEIR_D_MANY,
                    set_cookie_policy, "what cookies of a name have to be like, whoever sets them"),
    WEIR_OPT_CUSTOM(cookies_conf, keys, "cookie_keys", WHERE, 1, COOKIE_KEYS_MAX, 0, set_keys,
                    "keys of sealed and signed cookies: the first makes, all open"),
    WEIR_OPT_NAMES(cookies_conf, checks, ENUM, "cookie_checks", WHERE, NULL,
                   "what is done about cookies that browsers refuse", checks),
    { .name = "cookie_open_limit",
      .help = "how many cookies of a request are opened",
      .preset = "64",
      .where = WHERE,
      .type = WEIR_T_INT,
      WEIR_FIELD_(cookies_conf, open_limit, INT),
      .set = check_limit },
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_SERVER_REWRITE,
      .rank = WEIR_RANK_EARLY,
      .handler = cookies_open,
      .wanted = wants_requests },
    { .phase = WEIR_PHASE_REWRITE,
      .rank = WEIR_RANK_EARLY,
      .handler = cookies_open,
      .wanted = wants_requests },
    { .phase = WEIR_PHASE_HEADERS,
      .rank = WEIR_RANK_LATE,
      .handler = cookies_filter_head,
      .wanted = wants_head },
};

static const char *const sent[] = { "changed", "fixed", "dropped", "refused" };
static const char *const came[] = { "opened", "refused", "over_limit" };

static const weir_metric_def metrics[] = {
    { .name = "set_total",
      .help = "cookies of responses that did not stay as they were",
      .handle = &cookies_sent,
      .type = WEIR_COUNTER,
      .n = 4,
      .label = "result",
      .values = sent },
    { .name = "opened_total",
      .help = "sealed, signed and renamed cookies of requests",
      .handle = &cookies_came,
      .type = WEIR_COUNTER,
      .n = 3,
      .label = "result",
      .values = came },
};

WEIR_MODULE("cookies", "1.0", .flags = WEIR_MODULE_STATE_STAYS,
            .summary = "one policy for all cookies; seals and signs them",
            .conf_size = sizeof(cookies_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics), .check = check);
