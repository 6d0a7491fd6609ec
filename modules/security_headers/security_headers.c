/* security_headers - the fields by which a site asks browsers to protect it: security_headers,
 * security_header.
 *
 * A header filter behind those that put fields on answers (headers, csp), on answers of every
 * status. What the application, or another directive, has said stays, unless `force` stands in the
 * line.
 */
#include <weir/weir.h>

#include "known.h"

/* What a `security_header` says of one field. */
struct line {
    weir_value *value; /* NULL: off */
    bool given, force;
};

/* What stands in this very block: a local setting, empty in every inner block. */
struct own_lines {
    struct line at[KNOWN_COUNT];
};

/* What holds in a block: inherited as one setting. */
struct settled {
    uint32_t preset; /* enum preset */
    bool force;
    struct line at[KNOWN_COUNT];
};

/* A field to send. */
struct sent {
    uint32_t field; /* enum known_field */
    bool force;
    weir_str name, constant; /* constant absent: value is for the request to say */
    weir_value *value;
};

typedef struct {
    struct own_lines own;
    struct settled settled;
    struct sent sent[KNOWN_COUNT]; /* check() makes these of settled */
    uint32_t n_sent;
} security_conf;

static const char *const outcomes[] = { "sent", "kept" };
static weir_metric *fields_total;

enum outcome { SENT, KEPT };

/* ---- An answer. ---- */

/* Does a policy of the answer say who may frame it? */
static bool
has_frame_ancestors(const weir_request *r)
{
    weir_str name = known_name(KNOWN_FRAME_ANCESTORS);

    for (const weir_header *h = r->out[WEIR_H_CONTENT_SECURITY_POLICY]; h != NULL; h = h->same) {
        for (size_t i = 0; i + name.len <= h->value.len; i++) {
            if (weir_str_ieq((weir_str){ h->value.data + i, name.len }, name)) {
                return true;
            }
        }
    }
    return false;
}

static bool
is_there(const weir_request *r, const struct sent *s)
{
    return s->field == KNOWN_FRAME_ANCESTORS ? has_frame_ancestors(r)
                                             : weir_out_find(r, s->name) != NULL;
}

/* Policies add up, so that a second one takes nothing back: with force, too, it comes beside what
 * is there. */
static int
send_field(weir_request *r, const struct sent *s, weir_str value)
{
    if (s->field != KNOWN_FRAME_ANCESTORS) {
        return s->force ? weir_out_set(r, s->name, value) : weir_out_add(r, s->name, value);
    }
    if (s->constant.data == NULL) {
        value = weir_print(r->pool, "frame-ancestors %.*s", WEIR_FMT(value));
    }
    return weir_out_add(r, WEIR_STR("Content-Security-Policy"), value);
}

static int
filter_head(weir_request *r, const void *conf)
{
    const security_conf *c = conf;
    uint32_t n[2] = { 0, 0 };

    if (r->status < 200) {
        return WEIR_NEXT;
    }
    for (uint32_t i = 0; i < c->n_sent; i++) {
        const struct sent *s = &c->sent[i];
        weir_str value;
        if (s->field == KNOWN_HSTS && !(r->flags & WEIR_R_TLS)) {
            continue; /* not over plain text [RFC 6797 7.2] */
        }
        if (!s->force && is_there(r, s)) {
            n[KEPT]++;
            continue;
        }
        value = s->constant.data != NULL ? s->constant : weir_value_get(r, s->value);
        if (value.len == 0) {
            continue;
        }
        if (send_field(r, s, value) == WEIR_OK) {
            n[SENT]++;
        } else {
            weir_say(r->log, WARN,
                     "security_header: the value of \"%.*s\" holds a line break: not sent",
                     WEIR_FMT(s->name));
        }
    }
    weir_count_at(fields_total, SENT, n[SENT]);
    weir_count_at(fields_total, KEPT, n[KEPT]);
    return WEIR_NEXT;
}

static bool
wanted(const void *conf)
{
    return ((const security_conf *)conf)->n_sent != 0;
}

/* ---- Configuration. ---- */

/* `force` as word i, or nothing. */
static int
read_force(weir_conf *cf, uint32_t i, bool *force)
{
    weir_str word = weir_conf_arg(cf, i);

    *force = word.data != NULL;
    return word.data == NULL || weir_str_eq(word, WEIR_STR("force"))
               ? WEIR_OK
               : weir_conf_error_at(cf, i, "invalid parameter \"%.*s\", it must be \"force\"",
                                    WEIR_FMT(word));
}

static int
set_preset(weir_conf *cf, const weir_directive *d, void *field)
{
    static const char *const names[PRESETS] = { "off", "balanced", "strict" };
    struct settled *s = field;
    weir_str word = weir_conf_arg(cf, 1);
    uint32_t i = 0;

    (void)d;
    while (i < PRESETS && !weir_str_eq(word, weir_str_c(names[i]))) {
        i++;
    }
    if (i == PRESETS) {
        return weir_conf_error_at(
            cf, 1, "invalid value \"%.*s\", it must be \"strict\", \"balanced\" or \"off\"",
            WEIR_FMT(word));
    }
    *s = (struct settled){ .preset = i };
    return read_force(cf, 2, &s->force);
}

static int
unknown_field(weir_conf *cf, weir_str name)
{
    return weir_conf_error_at(
        cf, 1,
        "\"%.*s\" is none of the fields of security_header; \"add_header\" and "
        "\"header\" send any",
        WEIR_FMT(name));
}

static int
set_line(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str name = weir_conf_arg(cf, 1), text = weir_conf_arg(cf, 2);
    uint32_t i = known_find(name);
    const char *fault;
    struct line *line;

    (void)d;
    if (i == KNOWN_COUNT) {
        return unknown_field(cf, name);
    }
    line = &((struct own_lines *)field)->at[i];
    if (line->given) {
        return weir_conf_error_at(cf, 1, "\"%.*s\" is there twice", WEIR_FMT(name));
    }
    line->given = true;
    if (weir_str_eq(text, WEIR_STR("off"))) {
        return weir_conf_arg(cf, 3).data == NULL
                   ? WEIR_OK
                   : weir_conf_error_at(cf, 3, "\"off\" leaves the field alone: nothing to force");
    }
    line->value = weir_value_compile(cf, text);
    if (line->value == NULL) {
        return WEIR_ERROR;
    }
    fault = line->value->constant.data != NULL ? known_fault(i, line->value->constant) : NULL;
    if (fault != NULL) {
        return weir_conf_error_at(cf, 2, "\"%.*s\" %s", WEIR_FMT(text), fault);
    }
    return read_force(cf, 3, &line->force);
}

/* What holds of one field; false: it is not sent. */
static bool
make_sent(weir_conf *cf, const struct settled *settled, uint32_t field, struct sent *s)
{
    const struct line *line = &settled->at[field];

    *s = (struct sent){ .field = field, .name = known_name(field) };
    if (line->given) {
        s->force = line->force;
        s->value = line->value;
        s->constant = line->value != NULL ? line->value->constant : s->constant;
    } else {
        s->force = settled->force;
        s->constant = known_preset(settled->preset, field);
    }
    if (field == KNOWN_FRAME_ANCESTORS && s->constant.data != NULL) {
        s->constant = weir_print(weir_conf_pool(cf), "frame-ancestors %.*s", WEIR_FMT(s->constant));
    }
    return s->constant.data != NULL || s->value != NULL;
}

static int
check(weir_conf *cf, void *conf)
{
    security_conf *c = conf;

    c->n_sent = 0;
    for (uint32_t i = 0; i < KNOWN_COUNT; i++) {
        if (c->own.at[i].given) {
            c->settled.at[i] = c->own.at[i];
        }
        c->n_sent += make_sent(cf, &c->settled, i, &c->sent[c->n_sent]);
    }
    return WEIR_OK;
}

static const weir_directive directives[] = {
    WEIR_OPT_CUSTOM(security_conf, settled, "security_headers", WEIR_IN_ANY, 1, 2, 0, set_preset,
                    "strict, balanced or off: fields by which browsers protect the site"),
    WEIR_OPT_CUSTOM(security_conf, own, "security_header", WEIR_IN_ANY, 2, 3,
                    WEIR_D_MANY | WEIR_D_LOCAL, set_line,
                    "one of these fields: another value than the preset's, or off"),
};

/* Behind every module that may have said the same. */
static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_HEADERS,
      .handler = filter_head,
      .wanted = wanted,
      .after = "headers csp proxy" },
};

static const weir_metric_def metrics[] = {
    { .name = "fields_total",
      .help = "fields of security_headers: sent, or kept because the answer had them",
      .handle = &fields_total,
      .type = WEIR_COUNTER,
      .n = 2,
      .label = "result",
      .values = outcomes },
};

WEIR_MODULE("security_headers", "1.0", .summary = "fields by which browsers protect a site",
            .conf_size = sizeof(security_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics), .check = check);
