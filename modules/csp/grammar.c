/* grammar.c - tables, and the few shapes that words have.
 *
 * Browsers drop what they do not understand, with a line in a console that nobody reads, and so
 * leave a hole in a policy: what is not in the standard is refused.
 */
#include "grammar.h"

enum kind {
    SOURCES,
    ANCESTORS, /* sources without most keywords */
    SANDBOX,
    NOTHING,
    ONE_TOKEN,
    URIS,
    TRUSTED_FOR,
    TRUSTED_TYPES
};

static const struct {
    const char *name;
    enum kind kind;
    bool only_enforced;
} directives[] = {
    [CSP_DEFAULT_SRC] = { "default-src", SOURCES, false },
    [CSP_SCRIPT_SRC] = { "script-src", SOURCES, false },
    [CSP_SCRIPT_SRC_ELEM] = { "script-src-elem", SOURCES, false },
    [CSP_STYLE_SRC] = { "style-src", SOURCES, false },
    [CSP_STYLE_SRC_ELEM] = { "style-src-elem", SOURCES, false },
    { "script-src-attr", SOURCES, false },
    { "style-src-attr", SOURCES, false },
    { "child-src", SOURCES, false },
    { "connect-src", SOURCES, false },
    { "fenced-frame-src", SOURCES, false },
    { "font-src", SOURCES, false },
    { "frame-src", SOURCES, false },
    { "img-src", SOURCES, false },
    { "manifest-src", SOURCES, false },
    { "media-src", SOURCES, false },
    { "object-src", SOURCES, false },
    { "worker-src", SOURCES, false },
    { "base-uri", SOURCES, false },
    { "form-action", SOURCES, false },
    { "frame-ancestors", ANCESTORS, false },
    { "sandbox", SANDBOX, true },
    { "require-trusted-types-for", TRUSTED_FOR, false },
    { "trusted-types", TRUSTED_TYPES, false },
    { "upgrade-insecure-requests", NOTHING, true },
    { "report-to", ONE_TOKEN, false },
    { "report-uri", URIS, false },
};

enum { N_DIRECTIVES = sizeof(directives) / sizeof(directives[0]) };
_Static_assert((int)N_DIRECTIVES <= (int)CSP_DIRECTIVES_MAX, "struct policy has room for each");

static const char *const keywords[] = {
    "self",
    "none",
    "unsafe-inline",
    "unsafe-eval",
    "strict-dynamic",
    "unsafe-hashes",
    "report-sample",
    "wasm-unsafe-eval",
    "inline-speculation-rules",
    "trusted-types-eval",
    "unsafe-webtransport-hashes",
    NULL,
};
static const char *const ancestor_keywords[] = { "self", "none", NULL };
static const char *const trusted_keywords[] = { "none", "allow-duplicates", NULL };
static const char *const trusted_for[] = { "script", NULL };
static const char *const no_keywords[] = { NULL };
static const char *const sandbox_words[] = {
    "allow-downloads",
    "allow-forms",
    "allow-modals",
    "allow-orientation-lock",
    "allow-pointer-lock",
    "allow-popups",
    "allow-popups-to-escape-sandbox",
    "allow-presentation",
    "allow-same-origin",
    "allow-scripts",
    "allow-storage-access-by-user-activation",
    "allow-top-navigation",
    "allow-top-navigation-by-user-activation",
    "allow-top-navigation-to-custom-protocols",
    NULL,
};

weir_str
grammar_name(uint32_t directive)
{
    return weir_str_c(directive < N_DIRECTIVES ? directives[directive].name : NULL);
}

uint32_t
grammar_find(weir_str name)
{
    for (uint32_t i = 0; i < N_DIRECTIVES; i++) {
        if (weir_str_ieq(name, weir_str_c(directives[i].name))) {
            return i;
        }
    }
    return CSP_DIRECTIVES_MAX;
}

bool
grammar_only_enforced(uint32_t directive)
{
    return directives[directive].only_enforced;
}

bool
grammar_works_in_meta(uint32_t directive)
{
    static const char *const not_there[] = { "frame-ancestors", "report-uri", "sandbox" };

    for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++) {
        if (strcmp(directives[directive].name, not_there[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* ---- What was meant. ---- */

/* How many letters have to change to make b of a; more than `most`: most + 1. Both up to 32 long.
 */
static uint32_t
distance(weir_str a, weir_str b, uint32_t most)
{
    uint32_t row[33], diagonal, above;

    if (a.len > 32 || b.len > 32) {
        return most + 1;
    }
    for (uint32_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        diagonal = row[0];
        row[0] = (uint32_t)i;
        for (size_t j = 1; j <= b.len; j++) {
            above = row[j];
            row[j] = diagonal + ((a.data[i - 1] | 0x20) != (b.data[j - 1] | 0x20));
            row[j] = row[j] > above + 1 ? above + 1 : row[j];
            row[j] = row[j] > row[j - 1] + 1 ? row[j - 1] + 1 : row[j];
            diagonal = above;
        }
    }
    return row[b.len] <= most ? row[b.len] : most + 1;
}

/* name, if it is nearer to word than the best so far. */
static void
consider(weir_str word, const char *name, uint32_t *best, const char **found)
{
    uint32_t d = distance(word, weir_str_c(name), *best);

    if (d < *best) {
        *best = d;
        *found = name;
    }
}

const char *
grammar_suggest(weir_str name)
{
    uint32_t best = name.len < 5 ? 2 : 4;
    const char *found = NULL;

    for (uint32_t i = 0; i < N_DIRECTIVES; i++) {
        consider(name, directives[i].name, &best, &found);
    }
    return found;
}

const char *
grammar_suggest_keyword(weir_str word)
{
    uint32_t best = word.len < 5 ? 2 : 3;
    const char *found = NULL;

    for (uint32_t i = 0; keywords[i] != NULL; i++) {
        consider(word, keywords[i], &best, &found);
    }
    return found;
}

/* ---- Words. ---- */

/* How many of s's first bytes are letters, digits or among `others`. */
static size_t
span(weir_str s, const char *others)
{
    size_t i = 0;

    while (i < s.len && (weir_is_letter((uint8_t)s.data[i]) || weir_is_digit((uint8_t)s.data[i]) ||
                         (s.data[i] != '\0' && strchr(others, s.data[i]) != NULL))) {
        i++;
    }
    return i;
}

/* "nonce-" or a hash, each with base64 of either alphabet behind it. [CSP3 2.3.1] */
static bool
is_nonce_or_hash(weir_str word)
{
    static const struct {
        const char *prefix;
        size_t digits; /* 0: any number */
    } forms[] = { { "nonce-", 0 }, { "sha256-", 43 }, { "sha384-", 64 }, { "sha512-", 86 } };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        weir_str prefix = weir_str_c(forms[i].prefix);
        if (weir_str_istarts(word, prefix)) {
            weir_str rest = weir_str_cut(word, prefix.len, word.len);
            size_t n = span(rest, "+/-_"), pad = 0;
            while (n + pad < rest.len && rest.data[n + pad] == '=') {
                pad++;
            }
            return n != 0 && n + pad == rest.len && pad <= 2 &&
                   (forms[i].digits == 0 || n == forms[i].digits);
        }
    }
    return false;
}

static const char *const *
keywords_of(uint32_t directive)
{
    switch (directives[directive].kind) {
    case SOURCES:
        return keywords;
    case ANCESTORS:
        return ancestor_keywords;
    case TRUSTED_FOR:
        return trusted_for;
    case TRUSTED_TYPES:
        return trusted_keywords;
    default:
        return no_keywords;
    }
}

static bool
has_variable(weir_str word)
{
    return weir_str_find(word, '$') != word.len;
}

bool
grammar_is_keyword(uint32_t directive, weir_str word)
{
    bool sources = directives[directive].kind == SOURCES;

    return weir_str_is_among(word, keywords_of(directive)) ||
           (sources && (is_nonce_or_hash(word) ||
                        (has_variable(word) && weir_str_istarts(word, WEIR_STR("nonce-")))));
}

/* How long the host at the beginning of s is: "*", or labels, the first of which may be "*"; 0:
 * there is none. */
static size_t
host_length(weir_str s)
{
    size_t star = weir_str_istarts(s, WEIR_STR("*.")) ? 2 : 0, n;

    if (star == 0 && weir_str_istarts(s, WEIR_STR("*"))) {
        return 1;
    }
    s = weir_str_cut(s, star, s.len);
    n = span(s, "-.");
    return n == 0 || s.data[0] == '.' || s.data[n - 1] == '.' ? 0 : star + n;
}

/* The same of a ":" with a port behind it, or "*" for any. */
static size_t
port_length(weir_str s)
{
    size_t n = 1;

    if (weir_str_istarts(s, WEIR_STR(":*"))) {
        return 2;
    }
    while (n < s.len && weir_is_digit((uint8_t)s.data[n])) {
        n++;
    }
    return n > 1 ? n : 0;
}

/* [scheme "://"] host [":" port] [path]. [CSP3 2.3.1] */
static bool
is_host_source(weir_str word)
{
    size_t n = weir_is_letter((uint8_t)word.data[0]) ? span(word, "+-.") : 0;

    if (n != 0 && weir_str_istarts(weir_str_cut(word, n, word.len), WEIR_STR("://"))) {
        word = weir_str_cut(word, n + 3, word.len);
    }
    n = host_length(word);
    word = weir_str_cut(word, n, word.len);
    if (n != 0 && weir_str_istarts(word, WEIR_STR(":"))) {
        n = port_length(word);
        word = weir_str_cut(word, n, word.len);
    }
    return n != 0 &&
           (word.len == 0 || (word.data[0] == '/' && !weir_str_istarts(word, WEIR_STR("//")) &&
                              span(word, "-._~!$&'()*+=:@%/") == word.len));
}

/* Something that looks like a nonce or a hash, and would be the host of a name that nobody has. */
static bool
is_broken_hash(weir_str word)
{
    return (weir_str_istarts(word, WEIR_STR("nonce-")) ||
            weir_str_istarts(word, WEIR_STR("sha256-")) ||
            weir_str_istarts(word, WEIR_STR("sha384-")) ||
            weir_str_istarts(word, WEIR_STR("sha512-"))) &&
           weir_str_find(word, '.') == word.len;
}

/* A word without dots that differs from a keyword by a letter or two. */
static bool
is_misspelt_keyword(weir_str word)
{
    return span(word, "-") == word.len && grammar_suggest_keyword(word) != NULL;
}

static bool
is_source(weir_str word)
{
    bool scheme = weir_is_letter((uint8_t)word.data[0]) && span(word, "+-.") == word.len - 1 &&
                  word.data[word.len - 1] == ':';

    return scheme || is_host_source(word);
}

/* What is wrong with a word in quotes. */
static const char *
quoted_fault(uint32_t directive, weir_str word, uint32_t n)
{
    weir_str inner = { word.data + 1, word.len - 2 };

    if (word.len < 3 || word.data[word.len - 1] != '\'') {
        return "lacks its second quote";
    }
    if (!grammar_is_keyword(directive, inner)) {
        return "is no keyword of this directive, nor a nonce or hash";
    }
    return n > 1 && weir_str_ieq(inner, WEIR_STR("none")) ? "must stand alone" : NULL;
}

/* What no word may be or have, whatever the directive. */
static const char *
bytes_fault(weir_str word)
{
    if (word.len == 0) {
        return "is empty";
    }
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] <= ' ' || word.data[i] > '~') {
            return "has a byte that is not printable ASCII";
        }
        if (word.data[i] == ';' || word.data[i] == ',') {
            return "has a \";\" or \",\", which in a source is written %3B or %2C";
        }
    }
    return NULL;
}

const char *
grammar_fault(uint32_t directive, weir_str word, uint32_t n)
{
    const char *fault = bytes_fault(word);

    if (fault != NULL) {
        return fault;
    }
    if (word.data[0] == '\'') {
        return quoted_fault(directive, word, n);
    }
    if (has_variable(word)) {
        return NULL;
    }
    switch (directives[directive].kind) {
    case SOURCES:
    case ANCESTORS:
        if (is_broken_hash(word)) {
            return "is no nonce or hash";
        }
        if (is_misspelt_keyword(word)) {
            return "is no keyword";
        }
        return is_source(word) ? NULL : "is no source: a host, a scheme with \":\", or a keyword";
    case SANDBOX:
        return weir_str_is_among(word, sandbox_words) ? NULL : "is no flag of a sandbox";
    case TRUSTED_FOR:
        return "is not 'script'";
    case TRUSTED_TYPES:
        return weir_str_eq(word, WEIR_STR("*")) || span(word, "-#=_/@.%") == word.len
                   ? NULL
                   : "cannot be the name of a policy of trusted types";
    case ONE_TOKEN:
        return span(word, "!#$%&'*+-.^_`|~") == word.len ? NULL : "is no token";
    default:
        return NULL;
    }
}

const char *
grammar_count_fault(uint32_t directive, uint32_t n)
{
    switch (directives[directive].kind) {
    case NOTHING:
        return n == 0 ? NULL : "takes no value";
    case ONE_TOKEN:
        return n == 1 ? NULL : "takes one value";
    case URIS:
    case TRUSTED_FOR:
        return n != 0 ? NULL : "needs a value";
    default:
        return NULL;
    }
}
