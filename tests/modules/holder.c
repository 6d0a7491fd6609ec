/* holder - a module for tests: what keeps a response longer than the server allows. */
#include <weir/weir.h>

enum { NOTHING, KEEPS, WHOLE, WAITS };

typedef struct {
    uint32_t what;
} holder_conf;

static int
wait(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_suspend(r, 0, NULL, NULL) != NULL ? WEIR_AGAIN : WEIR_ERROR;
}

/* All goes on at the end. */
static int
hold(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)r;
    (void)conf;
    for (const weir_buf *b = in->head; b != NULL; b = b->next) {
        if (b->flags & WEIR_BUF_LAST) {
            weir_chain_take(out, in);
            break;
        }
    }
    return WEIR_NEXT;
}

static bool
keeps(const void *conf)
{
    return ((const holder_conf *)conf)->what == KEEPS;
}

static bool
whole(const void *conf)
{
    return ((const holder_conf *)conf)->what == WHOLE;
}

static bool
waits(const void *conf)
{
    return ((const holder_conf *)conf)->what == WAITS;
}

static const weir_name words[] = { { "off", NOTHING }, { "keeps", KEEPS }, { "whole", WHOLE }, { "waits", WAITS }, { NULL, 0 } };

static const weir_directive directives[] = {
    WEIR_OPT_NAMES(holder_conf, what, ENUM, "hold", WEIR_IN_ANY, "off", "how to hold responses up", words),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = wait, .wanted = waits },
    { .phase = WEIR_PHASE_BODY, .body = hold, .wanted = keeps },
    { .phase = WEIR_PHASE_BODY, .body = hold, .wanted = whole, .flags = WEIR_HOOK_WHOLE },
};

WEIR_MODULE("test.holder", "1.0", .summary = "holds responses up", .conf_size = sizeof(holder_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks));
