/* policy.c - reads csp lines and policies as text, merges them, and writes them out. */
#include "policy.h"

enum { TEXT_MAX = 16384 }; /* bytes of a policy */

/* Words of a directive that are being put together. */
struct words {
    weir_conf *cf;
    uint32_t directive;
    uint32_t arg; /* where the word stands, for messages */
    bool is_line; /* of csp: the configuration's own quotes are gone from 'self' */
    uint32_t n;   /* how many there will be */
    weir_text text;
};

/* ---- Reading. ---- */

static int
unknown_directive(weir_conf *cf, weir_str name)
{
    const char *meant = grammar_suggest(name);

    return meant != NULL
               ? weir_conf_error_at(cf, 1, "unknown CSP directive \"%.*s\", did you mean \"%s\"?",
                                    WEIR_FMT(name), meant)
               : weir_conf_error_at(cf, 1, "unknown CSP directive \"%.*s\"", WEIR_FMT(name));
}

/* A word that looks like a keyword is nothing else: no host is called "self", and who writes
 * "unsafe-inlin" means no host. */
static int
wrong_word(const struct words *w, weir_str word, const char *fault)
{
    bool quoted = word.len > 2 && word.data[0] == '\'';
    weir_str bare = quoted ? (weir_str){ word.data + 1, word.len - 2 } : word;
    const char *meant = grammar_suggest_keyword(bare);

    return meant != NULL && !weir_str_ieq(bare, weir_str_c(meant))
               ? weir_conf_error_at(w->cf, w->arg, "\"%.*s\" %s, did you mean \"'%s'\"?",
                                    WEIR_FMT(word), fault, meant)
               : weir_conf_error_at(w->cf, w->arg, "\"%.*s\" %s", WEIR_FMT(word), fault);
}

static int
add_word(struct words *w, weir_str word)
{
    bool bare = word.len != 0 && word.data[0] != '\'' && grammar_is_keyword(w->directive, word);
    const char *fault;

    if (bare && w->is_line) {
        word = weir_print(weir_conf_pool(w->cf), "'%.*s'", WEIR_FMT(word));
    } else if (bare) {
        return weir_conf_error_at(w->cf, w->arg, "\"%.*s\" must stand in quotes: '%.*s'",
                                  WEIR_FMT(word), WEIR_FMT(word));
    }
    fault = grammar_fault(w->directive, word, w->n);
    if (fault != NULL) {
        return wrong_word(w, word, fault);
    }
    weir_text_add(&w->text, w->text.len != 0 ? WEIR_STR(" ") : WEIR_STR(""));
    weir_text_add(&w->text, word);
    return !w->text.full
               ? WEIR_OK
               : weir_conf_error_at(w->cf, w->arg, "the policy is longer than %d bytes", TEXT_MAX);
}

/* For words whose number is known. */
static int
begin_words(struct words *w)
{
    const char *fault = grammar_count_fault(w->directive, w->n);
    weir_str name = grammar_name(w->directive);

    w->text = weir_text_begin(weir_conf_pool(w->cf), 64, TEXT_MAX);
    return fault == NULL ? WEIR_OK
                         : weir_conf_error_at(w->cf, w->arg, "\"%.*s\" %s", WEIR_FMT(name), fault);
}

static int
read_line(weir_conf *cf, struct own_policy *own)
{
    weir_str name = weir_conf_arg(cf, 1);
    uint32_t argc = weir_conf_argc(cf);
    struct words w = {
        .cf = cf, .directive = grammar_find(name), .arg = 1, .is_line = true, .n = argc - 2
    };
    int rc;

    if (weir_str_eq(name, WEIR_STR("off")) && argc == 2) {
        own->off = true;
        own->n++;
        return own->n == 1 ? WEIR_OK
                           : weir_conf_error(cf, "\"off\" and a policy contradict each other");
    }
    if (w.directive == CSP_DIRECTIVES_MAX) {
        return unknown_directive(cf, name);
    }
    if (own->off) {
        return weir_conf_error(cf, "\"off\" and a policy contradict each other");
    }
    if (own->policy.at[w.directive].data != NULL) {
        return weir_conf_error_at(cf, 1, "\"%.*s\" is there twice: browsers heed the first",
                                  WEIR_FMT(name));
    }
    rc = begin_words(&w);
    for (uint32_t i = 2; rc == WEIR_OK && i < argc; i++) {
        w.arg = i;
        rc = add_word(&w, weir_conf_arg(cf, i));
    }
    own->policy.at[w.directive] = weir_text_view(&w.text);
    own->n++;
    return rc;
}

int
set_policy_line(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return read_line(cf, field);
}

int
set_report_only_line(weir_conf *cf, const weir_directive *d, void *field)
{
    uint32_t directive = grammar_find(weir_conf_arg(cf, 1));

    (void)d;
    if (directive != CSP_DIRECTIVES_MAX && grammar_only_enforced(directive)) {
        weir_conf_warn(cf, "\"%.*s\" has no effect in a policy that only reports",
                       WEIR_FMT(grammar_name(directive)));
    }
    return read_line(cf, field);
}

/* Take the next word off s; false: there is none. */
static bool
next_word(weir_str *s, weir_str *word)
{
    size_t i = 0;

    while (s->len != 0 &&
           (s->data[0] == ' ' || s->data[0] == '\t' || s->data[0] == '\n' || s->data[0] == '\r')) {
        s->data++;
        s->len--;
    }
    while (i < s->len && s->data[i] != ' ' && s->data[i] != '\t' && s->data[i] != '\n' &&
           s->data[i] != '\r') {
        i++;
    }
    *word = (weir_str){ s->data, i };
    s->data += i;
    s->len -= i;
    return i != 0;
}

/* One directive of a policy as text. */
static int
read_part(weir_conf *cf, struct policy *p, weir_str part)
{
    weir_str rest = part, word, name;
    struct words w = { .cf = cf, .arg = 1 };
    int rc;

    if (!next_word(&rest, &name)) {
        return WEIR_OK; /* behind the last ";" */
    }
    w.directive = grammar_find(name);
    if (w.directive == CSP_DIRECTIVES_MAX) {
        return unknown_directive(cf, name);
    }
    if (p->at[w.directive].data != NULL) {
        return weir_conf_error_at(cf, 1, "\"%.*s\" is there twice: browsers heed the first",
                                  WEIR_FMT(name));
    }
    part = rest;
    while (next_word(&rest, &word)) {
        w.n++;
    }
    rc = begin_words(&w);
    while (rc == WEIR_OK && next_word(&part, &word)) {
        rc = add_word(&w, word);
    }
    p->at[w.directive] = weir_text_view(&w.text);
    return rc;
}

int
set_policy_text(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str text = weir_conf_arg(cf, 1), part;
    struct policy p = { 0 };

    (void)d;
    while (weir_str_next(&text, ';', &part)) {
        int rc = read_part(cf, &p, part);
        if (rc != WEIR_OK) {
            return rc;
        }
    }
    *(struct policy *)field = p;
    return WEIR_OK;
}

/* ---- Merging and writing. ---- */

void
policy_merge(struct policy *p, const struct own_policy *own)
{
    if (own->off) {
        *p = (struct policy){ 0 };
    }
    for (uint32_t i = 0; i < CSP_DIRECTIVES_MAX; i++) {
        if (own->policy.at[i].data != NULL) {
            p->at[i] = own->policy.at[i];
        }
    }
}

static bool
has_nonce(weir_str words)
{
    const weir_str name = WEIR_STR("csp_nonce"); /* "$csp_nonce" or "${csp_nonce}" */

    for (size_t i = 1; i + name.len <= words.len; i++) {
        if (memcmp(words.data + i, name.data, name.len) == 0) {
            return true;
        }
    }
    return false;
}

/* The words without those that are made for a page, and without 'none' where something is to
 * follow. */
static void
add_words(weir_text *t, weir_str words, bool for_page, bool more)
{
    weir_str word;

    while (next_word(&words, &word)) {
        if ((!for_page && has_nonce(word)) || (more && weir_str_ieq(word, WEIR_STR("'none'")))) {
            continue;
        }
        weir_text_add(t, WEIR_STR(" "));
        weir_text_add(t, word);
    }
}

/* Which words a directive has for inline code of this page; absent: none. */
static weir_str
hashes_of(uint32_t directive)
{
    switch (directive) {
    case CSP_SCRIPT_SRC:
    case CSP_SCRIPT_SRC_ELEM:
        return WEIR_STR("$csp_script_hashes");
    case CSP_STYLE_SRC:
    case CSP_STYLE_SRC_ELEM:
        return WEIR_STR("$csp_style_hashes");
    default:
        return (weir_str){ NULL, 0 };
    }
}

/* Where a policy is written for: fields of pages and of other answers, the page itself. */
enum place { WITH_PAGE, WITH_OTHER, IN_PAGE };

static weir_value *
write_policy(weir_conf *cf, const struct policy *p, enum place place, bool hashes)
{
    weir_text t = weir_text_begin(weir_conf_pool(cf), 512, TEXT_MAX);
    bool for_page = place != WITH_OTHER;

    for (uint32_t i = 0; i < CSP_DIRECTIVES_MAX; i++) {
        weir_str join = hashes && for_page ? hashes_of(i) : (weir_str){ NULL, 0 };
        if (p->at[i].data == NULL || (place == IN_PAGE && !grammar_works_in_meta(i))) {
            continue;
        }
        if (t.len != 0) {
            weir_text_add(&t, WEIR_STR("; "));
        }
        weir_text_add(&t, grammar_name(i));
        add_words(&t, p->at[i], for_page, join.data != NULL);
        weir_text_add(&t, join.data != NULL ? join : WEIR_STR(""));
    }
    if (t.full) {
        (void)weir_conf_error(cf, "the policy is longer than %d bytes", TEXT_MAX);
        return NULL;
    }
    return weir_value_compile(cf, weir_text_view(&t));
}

int
policy_compile(weir_conf *cf, const struct policy *from, bool hashes, struct policy_values *values)
{
    struct policy p = *from;
    bool any = false;

    *values = (struct policy_values){ 0 };
    for (uint32_t i = 0; i < CSP_DIRECTIVES_MAX; i++) {
        any = any || p.at[i].data != NULL;
        values->has_nonce = values->has_nonce || (p.at[i].data != NULL && has_nonce(p.at[i]));
    }
    if (!any) {
        return WEIR_OK;
    }
    if (hashes && p.at[CSP_DEFAULT_SRC].data != NULL) { /* which else would speak for them */
        for (uint32_t i = CSP_SCRIPT_SRC; i <= CSP_STYLE_SRC; i += CSP_STYLE_SRC - CSP_SCRIPT_SRC) {
            p.at[i] = p.at[i].data != NULL ? p.at[i] : p.at[CSP_DEFAULT_SRC];
        }
    }
    values->page = write_policy(cf, &p, WITH_PAGE, hashes);
    values->other = values->page == NULL ? NULL : write_policy(cf, from, WITH_OTHER, false);
    values->meta = values->page == NULL ? NULL : write_policy(cf, &p, IN_PAGE, hashes);
    return values->other != NULL ? WEIR_OK : WEIR_ERROR;
}
