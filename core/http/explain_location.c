/* http/explain_location.c - which locations a path was thought to belong to, and why it was the one
 * it is: the search of location.c over again, with words.
 */
#include "base/str.h"
#include "http/build.h"
#include "http/explain.h"
#include "http/location.h"
#include "http/regex.h"

static void
add(cJSON *list, const struct wr_location *loc, const struct wr_location *chosen,
    const char *verdict)
{
    cJSON *o = cJSON_CreateObject();

    wr_explain_add_location(o, loc);
    cJSON_AddBoolToObject(o, "taken", loc == chosen);
    cJSON_AddStringToObject(o, "verdict", verdict);
    cJSON_AddItemToArray(list, o);
}

/* A location of the very path, or of the path with a slash behind. True: it ends the search. */
static bool
add_whole(cJSON *list, const struct wr_locations *l, weir_str path,
          const struct wr_location *chosen)
{
    const struct wr_location *exact, *prefix;

    for (uint32_t i = 0; i < wr_locations_count(l); i++) {
        prefix = wr_locations_plain(l, i, &exact);
        if (exact != NULL && weir_str_eq(exact->name, path)) {
            add(list, exact, chosen, "it is the path: the search ends");
            return true;
        }
        if (prefix != NULL && prefix == chosen && prefix->name.len == path.len + 1) {
            add(list, prefix, chosen, "the path lacks its slash, and is led there");
            return true;
        }
    }
    return false;
}

/* The prefixes of the path, the longest first, which is answered; NULL: none. */
static const struct wr_location *
add_prefixes(cJSON *list, const struct wr_locations *l, weir_str path,
             const struct wr_location *chosen)
{
    const struct wr_location *longest = NULL, *exact;

    for (uint32_t i = wr_locations_count(l); i-- != 0;) {
        const struct wr_location *loc = wr_locations_plain(l, i, &exact);
        if (loc == NULL || !weir_str_starts(path, loc->name)) {
            continue;
        }
        if (longest != NULL) {
            add(list, loc, chosen, "a shorter prefix of the path");
            continue;
        }
        longest = loc;
        add(list, loc, chosen,
            loc == chosen ? "the longest prefix of the path"
                          : "the longest prefix of the path, but another goes before it");
    }
    return longest;
}

/* Those of l. True: the search ends with them. */
static bool
search(cJSON *list, const struct wr_locations *l, weir_str path, const struct wr_location *chosen)
{
    const struct wr_location *longest;
    struct wr_location *const *regexes;
    bool found = false, final;
    uint32_t n;

    if (add_whole(list, l, path, chosen)) {
        return true;
    }
    longest = add_prefixes(list, l, path, chosen);
    if (longest != NULL && search(list, longest->inner, path, chosen)) {
        return true;
    }
    regexes = wr_locations_regexes(l, &n);
    final = longest != NULL && longest->kind == WR_LOC_PREFIX_FINAL;
    for (uint32_t i = 0; i < n; i++) {
        struct wr_err err;
        if (final || found) {
            add(list, regexes[i], chosen,
                final ? "not tried: \"^~\" ends the search" : "not tried: one before it matches");
        } else if (wr_regex_run(regexes[i]->regex, path, NULL, &err) != WEIR_OK) {
            add(list, regexes[i], chosen, "does not match");
        } else {
            found = true;
            add(list, regexes[i], chosen, "matches, and goes before prefixes");
            (void)search(list, regexes[i]->inner, path, chosen);
        }
    }
    return found;
}

void
wr_explain_candidates(cJSON *list, const struct wr_locations *l, weir_str path,
                      const struct wr_location *chosen)
{
    (void)search(list, l, path, chosen);
}
