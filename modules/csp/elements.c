/* elements.c - lists of the HTML standard. */
#include "elements.h"

const char elements_breaking_out[] =
    " b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img "
    "li "
    "listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var ";
const char elements_svg_html[] = " foreignobject desc title ";
const char elements_math_html[] = " mi mo mn ms mtext ";

static const char raw[] = " title textarea style xmp iframe noembed noframes noscript ";

bool
element_among(const char *list, weir_str name)
{
    const char *at = list;

    while ((at = strchr(at, ' ')) != NULL && at[1] != '\0') {
        at++;
        if (strncmp(at, name.data, name.len) == 0 && at[name.len] == ' ') {
            return name.len != 0;
        }
    }
    return false;
}

/* By length, so that most names are compared with two others. */
bool
element_matters(weir_str name)
{
    static const char *const words[][3] = {
        [3] = { "svg", "xmp", "" },     [4] = { "link", "math", "" },
        [5] = { "style", "title", "" }, [6] = { "script", "iframe", "" },
        [7] = { "noembed", "", "" },    [8] = { "textarea", "noscript", "noframes" },
        [9] = { "plaintext", "", "" },
    };

    if (name.len < 3 || name.len > 9) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        const char *word = words[name.len][i];
        if ((name.data[0] | 0x20) == word[0] && weir_str_ieq(name, (weir_str){ word, name.len })) {
            return true;
        }
    }
    return false;
}

enum element_text
element_text(weir_str name)
{
    if (weir_str_eq(name, WEIR_STR("script"))) {
        return ELEMENT_SCRIPT;
    }
    if (weir_str_eq(name, WEIR_STR("plaintext"))) {
        return ELEMENT_PLAIN;
    }
    return element_among(raw, name) ? ELEMENT_RAW : ELEMENT_NORMAL;
}
