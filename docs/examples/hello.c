/* hello - a content handler: answers GET requests of a location with a configured text.
 *
 *     location /hello { hello on; hello_text "Hello, $remote_addr\n"; }
 */
#include <weir/weir.h>

typedef struct {
    bool on;
    weir_value *text;
} hello_conf;

static weir_metric *answers;

static int
hello(weir_request *r, const void *conf)
{
    const hello_conf *c = conf;

    if (!(r->method & (WEIR_GET | WEIR_HEAD))) {
        return weir_respond_method_not_allowed(r, WEIR_GET | WEIR_HEAD);
    }
    weir_count(answers, 1);
    return weir_respond(r, 200, WEIR_STR("text/plain"), weir_value_get(r, c->text));
}

static bool
wanted(const void *conf)
{
    return ((const hello_conf *)conf)->on;
}

static const weir_directive directives[] = {
    WEIR_OPT(hello_conf, on, FLAG, "hello", WEIR_IN_LOCATION, "off",
             "answer requests here with a text"),
    WEIR_OPT(hello_conf, text, VALUE, "hello_text", WEIR_IN_ANY, "Hello\n", "the text"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT, .handler = hello, .wanted = wanted },
};

static const weir_metric_def metrics[] = {
    { .name = "answers_total", .help = "texts sent", .handle = &answers, .type = WEIR_COUNTER },
};

WEIR_MODULE("demo.hello", "1.0", .summary = "answers requests with a text",
            .conf_size = sizeof(hello_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics));
