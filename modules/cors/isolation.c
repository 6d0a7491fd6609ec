/* cors/isolation.c - the resource isolation policy: reading its exceptions, and deciding on a
 * request. */
#include "isolation.h"

/* "mode=navigate": into the part of the exception that it names. */
static bool
read_word(struct isolation_exception *e, weir_str word)
{
    static const char *const names[] = { "site=", "mode=", "dest=" };
    weir_str *parts[] = { &e->site, &e->mode, &e->dest };

    for (size_t i = 0; i < 3; i++) {
        if (parts[i]->data == NULL && weir_str_after(word, weir_str_c(names[i]), parts[i])) {
            return parts[i]->len != 0;
        }
    }
    return false;
}

int
set_isolation_exception(weir_conf *cf, const weir_directive *d, void *field)
{
    struct isolation_exception **at = field;
    struct isolation_exception *e = weir_zalloc(weir_conf_pool(cf), sizeof(*e));

    (void)d;
    for (uint32_t i = 1; i < weir_conf_argc(cf); i++) {
        weir_str word = weir_conf_arg(cf, i);
        if (!read_word(e, word)) {
            return weir_conf_error_at(
                cf, i, "invalid parameter \"%.*s\", it must be site=, mode= or dest=, each once",
                WEIR_FMT(word));
        }
    }
    e->next = *at;
    *at = e;
    return WEIR_OK;
}

static weir_str
asked(const weir_request *r, const char *name)
{
    const weir_header *h = weir_in_find(r, weir_str_c(name));

    return h != NULL ? h->value : WEIR_STR("");
}

static bool
fits(weir_str wanted, weir_str value)
{
    return wanted.data == NULL || weir_str_eq(wanted, value);
}

bool
isolation_admits(const weir_request *r, const struct isolation *i, bool listed)
{
    weir_str site = asked(r, "Sec-Fetch-Site");
    weir_str mode = asked(r, "Sec-Fetch-Mode");
    weir_str dest = asked(r, "Sec-Fetch-Dest");

    if (site.len == 0 || weir_str_eq(site, WEIR_STR("same-origin")) ||
        weir_str_eq(site, WEIR_STR("same-site")) || weir_str_eq(site, WEIR_STR("none"))) {
        return true;
    }
    if (weir_str_eq(mode, WEIR_STR("navigate")) && (r->method & (WEIR_GET | WEIR_HEAD)) != 0 &&
        !weir_str_eq(dest, WEIR_STR("object")) && !weir_str_eq(dest, WEIR_STR("embed"))) {
        return true;
    }
    if (listed &&
        (weir_str_eq(mode, WEIR_STR("cors")) || weir_str_eq(mode, WEIR_STR("websocket")))) {
        return true;
    }
    for (const struct isolation_exception *e = i->exceptions; e != NULL; e = e->next) {
        if (fits(e->site, site) && fits(e->mode, mode) && fits(e->dest, dest)) {
            return true;
        }
    }
    return false;
}
