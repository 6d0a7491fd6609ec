/* known.c - the presets, and the grammars of the values.
 *
 * Balanced breaks no ordinary site: pop-ups that log people in keep working, subdomains may use one
 * another's images. Strict is for sites that use nothing of others and are not framed: whatever it
 * loads from elsewhere has to agree (COEP).
 */
#include "known.h"

#define SIX_MONTHS "max-age=15552000"
#define TWO_YEARS  "max-age=63072000; includeSubDomains"

#define NO_SENSORS                                                                                 \
    "accelerometer=(), bluetooth=(), browsing-topics=(), camera=(), display-capture=(), "          \
    "geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), "  \
    "serial=(), usb=()"

/* Words that a field's value may be; NULL ends them. */
static const char *const nosniff[] = { "nosniff", NULL };
static const char *const referrers[] = {
    "no-referrer", "no-referrer-when-downgrade",
    "origin",      "origin-when-cross-origin",
    "same-origin", "strict-origin",
    "unsafe-url",  "strict-origin-when-cross-origin",
    NULL,
};
static const char *const openers[] = { "unsafe-none", "same-origin-allow-popups", "same-origin",
                                       "noopener-allow-popups", NULL };
static const char *const embedders[] = { "unsafe-none", "require-corp", "credentialless", NULL };
static const char *const resources[] = { "same-site", "same-origin", "cross-origin", NULL };
static const char *const frames[] = { "DENY", "SAMEORIGIN", NULL };

static const struct known {
    const char *name;
    const char *preset[PRESETS];
    const char *const *words;
    const char *fault;
} fields[KNOWN_COUNT] = {
    [KNOWN_HSTS] = { "Strict-Transport-Security",
                     { NULL, SIX_MONTHS, TWO_YEARS },
                     NULL,
                     "is not \"max-age=SECONDS[; includeSubDomains][; preload]\"" },
    [KNOWN_NOSNIFF] = { "X-Content-Type-Options",
                        { NULL, "nosniff", "nosniff" },
                        nosniff,
                        "is not \"nosniff\"" },
    [KNOWN_REFERRER] = { "Referrer-Policy",
                         { NULL, "strict-origin-when-cross-origin", "no-referrer" },
                         referrers,
                         "is no referrer policy" },
    [KNOWN_PERMISSIONS] = { "Permissions-Policy",
                            { NULL, "browsing-topics=()", NO_SENSORS },
                            NULL,
                            "is not a list of FEATURE=(ORIGIN ...)" },
    [KNOWN_COOP] = { "Cross-Origin-Opener-Policy",
                     { NULL, "same-origin-allow-popups", "same-origin" },
                     openers,
                     "is not \"same-origin\", \"same-origin-allow-popups\", "
                     "\"noopener-allow-popups\" or \"unsafe-none\"" },
    [KNOWN_COEP] = { "Cross-Origin-Embedder-Policy",
                     { NULL, NULL, "require-corp" },
                     embedders,
                     "is not \"require-corp\", \"credentialless\" or \"unsafe-none\"" },
    [KNOWN_CORP] = { "Cross-Origin-Resource-Policy",
                     { NULL, "same-site", "same-origin" },
                     resources,
                     "is not \"same-origin\", \"same-site\" or \"cross-origin\"" },
    [KNOWN_FRAME_OPTIONS] = { "X-Frame-Options",
                              { NULL, "SAMEORIGIN", "DENY" },
                              frames,
                              "is not \"DENY\" or \"SAMEORIGIN\"" },
    [KNOWN_FRAME_ANCESTORS] = { "frame-ancestors",
                                { NULL, "'self'", "'none'" },
                                NULL,
                                "is not a list of origins, 'self', or 'none' alone" },
};

weir_str
known_name(uint32_t field)
{
    return weir_str_c(fields[field].name);
}

uint32_t
known_find(weir_str name)
{
    uint32_t i = 0;

    while (i < KNOWN_COUNT && !weir_str_ieq(name, weir_str_c(fields[i].name))) {
        i++;
    }
    return i;
}

weir_str
known_preset(uint32_t preset, uint32_t field)
{
    return weir_str_c(fields[field].preset[preset]);
}

/* Take what stands before the next `stop` off s, trimmed; false: nothing is left. */
static bool
next_part(weir_str *s, char stop, weir_str *part)
{
    bool any = s->data != NULL;

    *part = weir_str_trim(weir_str_split(s, stop));
    return any;
}

static bool
consists_of(weir_str s, const char *bytes)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\0' || strchr(bytes, s.data[i]) == NULL) {
            return false;
        }
    }
    return s.len != 0;
}

/* max-age once, the other two at most once, in any order. [RFC 6797 6.1] */
static bool
is_hsts(weir_str value)
{
    unsigned seen = 0, bit;
    weir_str part;

    while (next_part(&value, ';', &part)) {
        if (weir_str_istarts(part, WEIR_STR("max-age="))) {
            weir_str digits = weir_str_cut(part, 8, part.len);
            if (!consists_of(digits, "0123456789") || digits.len > 10) {
                return false;
            }
            bit = 1;
        } else if (weir_str_ieq(part, WEIR_STR("includeSubDomains"))) {
            bit = 2;
        } else if (weir_str_ieq(part, WEIR_STR("preload"))) {
            bit = 4;
        } else {
            return false;
        }
        if (seen & bit) {
            return false;
        }
        seen |= bit;
    }
    return (seen & 1) != 0;
}

/* Policies, of which a browser takes the last it knows. [Referrer Policy 4.1] */
static bool
are_referrers(weir_str value)
{
    weir_str part;

    while (next_part(&value, ',', &part)) {
        if (!weir_str_is_among(part, referrers)) {
            return false;
        }
    }
    return true;
}

/* A dictionary of features whose values are *, self, an origin in quotes, or a list of these in
 * parentheses. [Permissions Policy 5.2; RFC 8941 3.2] */
static bool
are_permissions(weir_str value)
{
    weir_str part;

    while (next_part(&value, ',', &part)) {
        weir_str list = part, name = weir_str_split(&list, '=');
        if (!consists_of(name, "abcdefghijklmnopqrstuvwxyz0123456789-") || list.len == 0 ||
            (list.data[0] == '(') != (list.data[list.len - 1] == ')') ||
            (list.data[0] != '(' && list.data[0] != '*' && list.data[0] != '"' &&
             !weir_str_eq(list, WEIR_STR("self")))) {
            return false;
        }
    }
    return true;
}

/* Words that a policy's directive may have, 'none' only alone. [CSP3 6.4.2] */
static bool
are_ancestors(weir_str value)
{
    uint32_t n = 0, none = 0;
    weir_str part;

    while (next_part(&value, ' ', &part)) {
        if (part.len == 0) {
            continue;
        }
        if (weir_str_find(part, ',') != part.len || weir_str_find(part, ';') != part.len ||
            (part.data[0] == '\'' && !weir_str_ieq(part, WEIR_STR("'self'")) &&
             !weir_str_ieq(part, WEIR_STR("'none'"))) ||
            weir_str_ieq(part, WEIR_STR("self")) || weir_str_ieq(part, WEIR_STR("none"))) {
            return false;
        }
        none += weir_str_ieq(part, WEIR_STR("'none'"));
        n++;
    }
    return n != 0 && (none == 0 || n == 1);
}

const char *
known_fault(uint32_t field, weir_str value)
{
    bool good;

    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.data[i] < ' ' || (unsigned char)value.data[i] > '~') {
            return "is not one line of ASCII text";
        }
    }
    switch (field) {
    case KNOWN_HSTS:
        good = is_hsts(value);
        break;
    case KNOWN_REFERRER:
        good = are_referrers(value);
        break;
    case KNOWN_PERMISSIONS:
        good = are_permissions(value);
        break;
    case KNOWN_FRAME_ANCESTORS:
        good = are_ancestors(value);
        break;
    default:
        good = weir_str_is_among(value, fields[field].words);
        break;
    }
    return good ? NULL : fields[field].fault;
}
