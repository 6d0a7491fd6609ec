/* secure_link - variables that say whether a link was made by somebody who knows a secret, and
 * still holds.
 *
 * Two forms: a checksum in the path over the rest of it (secure_link_secret), or a checksum and a
 * time that variables bring (secure_link with secure_link_md5, or secure_link_hmac, whose key the
 * text of the sum does not hold). Sums are compared in a time that tells nothing of them.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <weir/weir.h>

enum { MD5_BYTES = 16, HMAC_BYTES = 32, SUM_MAX = HMAC_BYTES };

typedef struct {
    weir_str secret;     /* secure_link_secret; absent: not in use */
    weir_value *given;   /* secure_link */
    weir_value *md5;     /* secure_link_md5 */
    weir_value *message; /* secure_link_hmac */
    weir_value *key;
} link_conf;

/* What `secure_link` brought: "SUM" or "SUM,TIME". */
struct given {
    weir_str sum;
    weir_str time; /* absent: none */
    uint64_t at;
};

/* ---- Sums. ---- */

static bool
md5_of(weir_str a, weir_str b, uint8_t sum[MD5_BYTES])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool good = c != NULL && EVP_DigestInit_ex(c, EVP_md5(), NULL) == 1 &&
                EVP_DigestUpdate(c, a.data, a.len) == 1 &&
                EVP_DigestUpdate(c, b.data, b.len) == 1 && EVP_DigestFinal_ex(c, sum, NULL) == 1;

    EVP_MD_CTX_free(c);
    return good;
}

/* base64url, with or without padding, of just `len` bytes. */
static bool
decode(weir_str text, uint8_t *to, size_t len)
{
    weir_text t = weir_text_over(to, len);

    while (weir_str_ends(text, WEIR_STR("="))) {
        text.len--;
    }
    return weir_base64url_decode(&t, text) && t.len == len;
}

/* ---- A sum in the path. ---- */

/* "/PREFIX/SUM/LINK", as the client wrote it: what the link is when the sum is right, else absent.
 */
static weir_str
link_in_path(weir_request *r, const link_conf *c)
{
    weir_str none = { NULL, 0 };
    weir_str path = r->target.len != 0 && r->target.data[0] == '/' ? r->target : r->path;
    uint8_t sum[MD5_BYTES], given[MD5_BYTES];
    weir_text to = weir_text_over(given, MD5_BYTES);
    weir_str digits, link = weir_str_cut(path, 1, path.len);

    (void)weir_str_split(&link, '/'); /* the prefix */
    digits = weir_str_split(&link, '/');
    if (digits.len != 2 * MD5_BYTES || !weir_hex_decode(&to, digits) || link.len == 0 ||
        !md5_of(link, c->secret, sum) || CRYPTO_memcmp(sum, given, sizeof(sum)) != 0) {
        return none;
    }
    return link;
}

/* ---- A sum in variables. ---- */

/* False: there is nothing that could be one. */
static bool
read_given(weir_request *r, const link_conf *c, struct given *g)
{
    weir_str text = weir_value_get(r, c->given);

    *g = (struct given){ .time = text };
    g->sum = weir_str_split(&g->time, ',');
    if (g->time.data == NULL) {
        return text.len != 0;
    }
    return weir_parse_number(g->time, INT64_MAX, &g->at) && g->at > 0;
}

static bool
sum_is_right(weir_request *r, const link_conf *c, weir_str text)
{
    uint8_t sum[SUM_MAX];
    uint8_t given[SUM_MAX];
    size_t len = c->message != NULL ? HMAC_BYTES : MD5_BYTES;
    weir_str none = { NULL, 0 };

    if (!decode(text, given, len)) {
        return false;
    }
    if (c->message == NULL) {
        return md5_of(weir_value_get(r, c->md5), none, sum) &&
               CRYPTO_memcmp(sum, given, MD5_BYTES) == 0;
    }
    weir_str message = weir_value_get(r, c->message);
    weir_str key = weir_value_get(r, c->key);
    return key.len != 0 && key.len <= INT32_MAX &&
           HMAC(EVP_sha256(), key.data, (int)key.len, (const uint8_t *)message.data, message.len,
                sum, NULL) != NULL &&
           CRYPTO_memcmp(sum, given, HMAC_BYTES) == 0;
}

/* $secure_link: the link, or "1"; "0" when its time is over; absent when it is none. */
static weir_str
get_link(weir_request *r, const void *conf, weir_str name)
{
    const link_conf *c = conf;
    weir_str none = { NULL, 0 };
    struct given g;

    (void)name;
    if (c->secret.data != NULL) {
        return link_in_path(r, c);
    }
    if (c->given == NULL || (c->md5 == NULL && c->message == NULL) || !read_given(r, c, &g) ||
        !sum_is_right(r, c, g.sum)) {
        return none;
    }
    return g.time.data != NULL && (int64_t)g.at < weir_wall_clock() ? WEIR_STR("0") : WEIR_STR("1");
}

/* $secure_link_expires: the time that was given. */
static weir_str
get_expires(weir_request *r, const void *conf, weir_str name)
{
    const link_conf *c = conf;
    struct given g = { .time = { NULL, 0 } };

    (void)name;
    return c->given != NULL && read_given(r, c, &g) ? g.time : (weir_str){ NULL, 0 };
}

/* ---- Reading. ---- */

static int
set_hmac(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_value **values = field; /* message, key */

    (void)d;
    values[0] = weir_value_compile(cf, weir_conf_arg(cf, 1));
    values[1] = weir_value_compile(cf, weir_conf_arg(cf, 2));
    return values[0] != NULL && values[1] != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
check(weir_conf *cf, void *conf)
{
    const link_conf *c = conf;

    if (c->secret.data != NULL && c->secret.len == 0) {
        return weir_conf_error(cf, "\"secure_link_secret\" is empty");
    }
    if (c->secret.data != NULL && (c->given != NULL || c->md5 != NULL || c->message != NULL)) {
        return weir_conf_error(cf, "\"secure_link_secret\" cannot be mixed with \"secure_link\" and "
                                   "\"secure_link_md5\"");
    }
    if (c->md5 != NULL && c->message != NULL) {
        return weir_conf_error(cf, "\"secure_link_md5\" and \"secure_link_hmac\" cannot be mixed");
    }
    return WEIR_OK;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT(link_conf, given, VALUE, "secure_link", WHERE, NULL,
             "the checksum of a link, behind a comma the time until which it holds"),
    WEIR_OPT(link_conf, md5, VALUE, "secure_link_md5", WHERE, NULL,
             "the text whose MD5 the checksum must be; it holds the secret"),
    { .name = "secure_link_hmac",
      .help = "the text whose HMAC-SHA256 the checksum must be, and the secret key of that",
      .where = WHERE,
      .type = WEIR_T_CUSTOM,
      .offset = offsetof(link_conf, message),
      .size = 2 * sizeof(weir_value *),
      .min = 2,
      .max = 2,
      .set = set_hmac },
    WEIR_OPT(link_conf, secret, STR, "secure_link_secret", WHERE, NULL,
             "the secret of links that have their checksum in the path"),
};

static const weir_variable variables[] = {
    { "secure_link", 0, get_link },
    { "secure_link_expires", WEIR_VAR_FRESH, get_expires },
};

WEIR_MODULE("secure_link", "1.0", .summary = "tells links that were made with a secret",
            .conf_size = sizeof(link_conf), .directives = WEIR_ITEMS(directives),
            .variables = WEIR_ITEMS(variables), .check = check);
