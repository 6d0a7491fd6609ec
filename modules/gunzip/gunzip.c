/* gunzip - decodes responses for clients that cannot.
 *
 * The server decodes; here it is decided for whom. A text filter may have had the response decoded before: then there is
 * nothing left to do. Who encodes comes later, and may code it again in a way that the client takes.
 */
#include <weir/weir.h>

typedef struct {
    bool on;
    bool buffers; /* accepted, not used */
} gunzip_conf;

enum { RANK = WEIR_RANK_LATE + 50 }; /* behind filters, in front of encoders */

static int
decode(weir_request *r, const void *conf)
{
    const weir_header *coding = r->out[WEIR_H_CONTENT_ENCODING];

    (void)conf;
    if (coding == NULL && r->status == 304) { /* it need not say how the 200 came */
        (void)weir_decode(r);
    }
    if (coding == NULL || !weir_out_is_text(r)) {
        return WEIR_NEXT;
    }
    weir_out_vary(r, WEIR_STR("Accept-Encoding"));
    if (r->in[WEIR_H_ACCEPT_ENCODING] != NULL && weir_accepts_coding(r, coding->value) > 0) {
        return WEIR_NEXT;
    }
    return weir_decode(r) == WEIR_LIMIT ? 503 : WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    return ((const gunzip_conf *)conf)->on;
}

enum { BLOCKS = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

static const weir_directive directives[] = {
    WEIR_OPT(gunzip_conf, on, FLAG, "gunzip", BLOCKS, "off",
             "decode responses for clients that do not accept their coding"),
    WEIR_OPT_CUSTOM(gunzip_conf, buffers, "gunzip_buffers", BLOCKS, 2, 2, WEIR_D_NOTHING,
                    weir_set_written, "number and size of buffers: no effect"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS, .rank = RANK, .handler = decode, .wanted = wanted },
};

WEIR_MODULE("gunzip", "1.0", .summary = "decodes responses for clients that cannot",
            .conf_size = sizeof(gunzip_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
