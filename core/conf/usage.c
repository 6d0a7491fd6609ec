/* conf/usage.c - one table says what a type is called and what its values look like. */
#include "conf/usage.h"

#include "base/assert.h"
#include "base/str.h"

struct type {
    const char *word; /* in a usage line */
    const char *form; /* what is expected, for messages */
    bool many;        /* one or more arguments; else one */
};

static const struct type types[] = {
    [WEIR_T_FLAG] = { "on | off", NULL, false },
    [WEIR_T_INT] = { "NUMBER", "a decimal number is expected", false },
    [WEIR_T_SIZE] = { "SIZE", "a size is expected: 512, 8k, 1m, 2g", false },
    [WEIR_T_MSEC] = { "TIME", "a time is expected: 500ms, 30s, 5m, \"1h 30m\"", false },
    [WEIR_T_STR] = { "TEXT", NULL, false },
    [WEIR_T_STRS] = { "TEXT", NULL, true },
    [WEIR_T_ENUM] = { NULL, NULL, false },
    [WEIR_T_BITS] = { NULL, NULL, true },
    [WEIR_T_VALUE] = { "VALUE", NULL, false },
    [WEIR_T_PATH] = { "PATH", NULL, false },
    [WEIR_T_ZONE] = { "NAME[:SIZE]", NULL, false },
    [WEIR_T_UPSTREAM] = { "UPSTREAM", NULL, false },
    [WEIR_T_CUSTOM] = { "...", NULL, false },
};

static const char *const places[] = { "main",           "http",         "server",   "location",
                                      "if in location", "limit_except", "upstream", "events" };

void
wr_usage_arguments(const weir_directive *row, uint32_t *min, uint32_t *max)
{
    if (row->min == 0 && row->max == 0) {
        *min = row->type == WEIR_T_CUSTOM ? 0 : 1;
        *max = types[row->type].many ? UINT32_MAX : *min;
        return;
    }
    *min = row->min;
    *max = row->max == 0 || row->max == UINT16_MAX ? UINT32_MAX : row->max;
}

static void
print_count(struct wr_strbuf *to, const weir_directive *row)
{
    uint32_t min, max;

    wr_usage_arguments(row, &min, &max);
    wr_strbuf_print(to, "\"%s\" takes ", row->name);
    if (max == 0) {
        wr_strbuf_lit(to, "no arguments");
    } else if (min == max) {
        wr_strbuf_print(to, min == 1 ? "%u argument" : "%u arguments", min);
    } else if (max == UINT32_MAX) {
        wr_strbuf_print(to, min == 1 ? "%u argument or more" : "%u arguments or more", min);
    } else {
        wr_strbuf_print(to, "%u to %u arguments", min, max);
    }
}

static void
print_names(struct wr_strbuf *to, const weir_directive *row)
{
    for (const weir_name *n = row->names; n != NULL && n->name != NULL; n++) {
        wr_strbuf_print(to, n == row->names ? "%s" : " | %s", n->name);
    }
}

void
wr_usage_print(struct wr_strbuf *to, const weir_directive *row)
{
    const struct type *t = &types[row->type];

    if (row->type == WEIR_T_CUSTOM || row->min != 0 || row->max != 0) {
        print_count(to, row);
        return;
    }
    wr_strbuf_print(to, "usage: %s ", row->name);
    if (t->word != NULL) {
        wr_strbuf_str(to, weir_str_c(t->word));
    } else {
        print_names(to, row);
    }
    if (t->many) {
        wr_strbuf_lit(to, " ...");
    }
    wr_strbuf_str(to, (row->flags & WEIR_D_BLOCK) != 0 ? WEIR_STR(" { ... }") : WEIR_STR(";"));
}

void
wr_usage_where(struct wr_strbuf *to, uint32_t where)
{
    bool first = true;

    const uint32_t both = WEIR_IN_IF | WEIR_IN_SERVER_IF;

    for (uint32_t i = 0; i < WR_COUNT(places); i++) {
        if ((where & 1u << i) != 0) {
            bool any = 1u << i == WEIR_IN_IF && (where & both) == both;
            wr_strbuf_print(to, first ? "%s" : ", %s", any ? "if" : places[i]);
            first = false;
        }
    }
}

const char *
wr_usage_form(const weir_directive *row)
{
    return types[row->type].form;
}

void
wr_usage_names(struct wr_strbuf *to, const weir_directive *row)
{
    wr_strbuf_lit(to, "it must be one of ");
    for (const weir_name *n = row->names; n != NULL && n->name != NULL; n++) {
        wr_strbuf_print(to, n == row->names ? "\"%s\"" : ", \"%s\"", n->name);
    }
}
