/* empty_gif - answers with a picture of one transparent point, from memory. */
#include <weir/weir.h>

typedef struct {
    bool on;
} empty_gif_conf;

/* 1970-09-28 06:00:00: what nginx says, so that copies of its picture stay good. */
enum { MODIFIED = 23349600 };

/* GIF 89a: a screen of one point, two colours, the second of them transparent, one image. */
static const char picture[] = "GIF89a"
                              "\1\0\1\0\x80\1\0"
                              "\0\0\0\xff\xff\xff"
                              "\x21\xf9\4\1\0\0\1\0"
                              "\x2c\0\0\0\0\1\0\1\0\0"
                              "\2\2\x4c\1\0\x3b";

static int
answer(weir_request *r, const void *conf)
{
    int rc;

    (void)conf;
    if (!(r->method & (WEIR_GET | WEIR_HEAD))) {
        return weir_respond_method_not_allowed(r, WEIR_GET | WEIR_HEAD);
    }
    weir_out_set(r, WEIR_STR("Last-Modified"), WEIR_STR("Mon, 28 Sep 1970 06:00:00 GMT"));
    rc = weir_precondition(r, (weir_str){ NULL, 0 }, MODIFIED);
    if (rc != WEIR_NEXT) {
        return rc == 304 ? weir_respond(r, 304, WEIR_STR(""), WEIR_STR("")) : rc;
    }
    return weir_respond(r, 200, WEIR_STR("image/gif"), (weir_str){ picture, sizeof(picture) - 1 });
}

static bool
wanted(const void *conf)
{
    return ((const empty_gif_conf *)conf)->on;
}

static int
set_on(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)cf;
    (void)d;
    *(bool *)field = true;
    return WEIR_OK;
}

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(empty_gif_conf, on, "empty_gif", WEIR_IN_LOCATION, 0, 0, WEIR_D_CONTENT, set_on,
                    "answer with a picture of one transparent point"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_CONTENT,
      .rank = WEIR_RANK_EARLY,
      .handler = answer,
      .wanted = wanted,
      .flags = WEIR_HOOK_SUBREQUESTS },
};

WEIR_MODULE("empty_gif", "1.0", .summary = "answers with a picture of one transparent point",
            .conf_size = sizeof(empty_gif_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks));
