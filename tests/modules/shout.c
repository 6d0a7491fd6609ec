/* shout - a module for tests: a filter that wants text, and turns it to capitals. */
#include <weir/weir.h>

typedef struct {
    bool on;
} shout_conf;

static int
head(weir_request *r, const void *conf)
{
    (void)conf;
    weir_out_set(r, WEIR_STR("X-Text"), weir_out_is_text(r) ? WEIR_STR("yes") : WEIR_STR("no"));
    return WEIR_NEXT;
}

static int
shout(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)conf;
    for (weir_buf *b = in->head; b != NULL; b = b->next) {
        uint8_t *bytes = b->len != 0 ? weir_buf_own(r->pool, b) : NULL;
        for (size_t i = 0; i < b->len; i++) {
            bytes[i] = bytes[i] >= 'a' && bytes[i] <= 'z' ? (uint8_t)(bytes[i] - 32) : bytes[i];
        }
    }
    weir_chain_take(out, in);
    return WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    return ((const shout_conf *)conf)->on;
}

static const weir_directive directives[] = {
    WEIR_OPT(shout_conf, on, FLAG, "shout", WEIR_IN_ANY, "off", "turn text to capitals"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS, .handler = head, .wanted = wanted },
    { .phase = WEIR_PHASE_BODY, .body = shout, .wanted = wanted, .flags = WEIR_HOOK_TEXT },
};

WEIR_MODULE("test.shout", "1.0", .summary = "turns text to capitals", .conf_size = sizeof(shout_conf),
            .directives = WEIR_ITEMS(directives), .hooks = WEIR_ITEMS(hooks));
