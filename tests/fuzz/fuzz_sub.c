/* Bodies that texts and expressions are looked for in: what comes out does not depend on where the
 * body is cut, texts alone are replaced as a slow search from the left does it, and no end is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "unit/modules/sub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 5, TEXT_BYTES = 8, BODY_BYTES = 256 };

static weir_str
take(const uint8_t **data, size_t *size, size_t n)
{
    weir_str s = { (const char *)*data, n < *size ? n : *size };

    *data += s.len;
    *size -= s.len;
    return s;
}

/* The slow search: at each place each text in turn. */
static weir_str
reference(const struct sub_rules *rules, weir_str body)
{
    bool used[SUB_RULES] = { false };
    char *to = malloc(2 * body.len + 64);
    weir_str made = { to, 0 };

    WR_ASSERT(to != NULL);
    for (size_t i = 0; i < body.len;) {
        uint32_t k = 0;
        for (; k < rules->conf.rules.n; k++) {
            weir_str text = rules->rules[k].text->constant;
            if (!used[k] && text.len != 0 && body.len - i >= text.len &&
                weir_str_ieq(text, (weir_str){ body.data + i, text.len })) {
                break;
            }
        }
        if (k == rules->conf.rules.n) {
            to[made.len++] = body.data[i++];
            continue;
        }
        used[k] = rules->conf.once;
        weir_str with = rules->rules[k].with->constant;
        memcpy(to + made.len, with.data, with.len);
        made.len += with.len;
        i += rules->rules[k].text->constant.len;
    }
    return made;
}

static void
must_be(weir_str got, weir_str expected)
{
    WR_ASSERT(weir_str_eq(got, expected));
    free((char *)(uintptr_t)got.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sub_rules rules;
    size_t cuts[2];
    weir_str head = take(&data, &size, HEAD), texts[2], body, whole;

    if (head.len < HEAD) {
        return 0;
    }
    texts[0] = take(&data, &size, (uint8_t)head.data[1] % TEXT_BYTES);
    texts[1] = take(&data, &size, (uint8_t)head.data[2] % TEXT_BYTES);
    body = take(&data, &size, BODY_BYTES);
    cuts[0] = (uint8_t)head.data[3] % (body.len + 1);
    cuts[1] = cuts[0] + (uint8_t)head.data[4] % (body.len - cuts[0] + 1);
    sub_rules_init(&rules, (head.data[0] & 1) != 0);
    sub_rules_text(&rules, texts[0], WEIR_STR("-"));
    sub_rules_text(&rules, texts[1], WEIR_STR(""));
    whole = sub_run(&rules, body, NULL, 0, true, true);
    must_be(reference(&rules, body), whole);
    must_be(sub_run(&rules, body, cuts, 2, false, (head.data[0] & 2) != 0), whole);
    must_be(sub_run(&rules, body, cuts, 2, true, (head.data[0] & 2) != 0), whole);
    free((char *)(uintptr_t)whole.data);

    sub_rules_regex(&rules, "^(a)|b*$|(?<=c)\\w|\\Bd", "_");
    sub_rules_regex(&rules, "([a-z])[0-9]?", "");
    whole = sub_run(&rules, body, NULL, 0, true, true);
    must_be(sub_run(&rules, body, cuts, 2, false, (head.data[0] & 2) != 0), whole);
    must_be(sub_run(&rules, body, cuts, 2, true, (head.data[0] & 2) == 0), whole);
    free((char *)(uintptr_t)whole.data);
    sub_rules_fini(&rules);
    return 0;
}
