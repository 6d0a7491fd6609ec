/* return - settle the request at once: with a text, a redirect or a bare status.
 *
 *     return code [text];   return code URL;   return URL;
 *
 * What kind of answer it is depends on the words alone, so it is decided when they are read: at run
 * time a constant text is one call.
 */
#include "program.h"

static int
return_status(weir_request *r, const struct step *step)
{
    (void)r;
    return (int)step->status;
}

static int
return_text(weir_request *r, const struct step *step)
{
    weir_str type = { NULL, 0 };

    (void)weir_out_status(r, step->status); /* the text may have $status in it */
    return weir_respond(r, step->status, type, weir_value_get(r, step->value));
}

/* What a variable brought decoded into the URL is encoded again by weir_redirect. */
static int
return_redirect(weir_request *r, const struct step *step)
{
    return weir_redirect(r, step->status, weir_value_get(r, step->value));
}

/* Decimal digits only; 0 if it is not a status a handler may answer with. */
static uint32_t
parse_status(weir_str s)
{
    uint64_t status;

    return weir_parse_number(s, 599, &status) && status >= 200 ? (uint32_t)status : 0;
}

static bool
is_url(weir_str s)
{
    return weir_str_starts(s, WEIR_STR("http://")) || weir_str_starts(s, WEIR_STR("https://")) ||
           weir_str_starts(s, WEIR_STR("$scheme"));
}

static bool
is_redirect(uint32_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* A text is an answer of its own, which no error_page takes the place of. */
static int
explain_answer(weir_request *r, const struct step *step)
{
    if (step->run != return_text) {
        return (int)step->status;
    }
    (void)weir_out_status(r, step->status);
    return WEIR_DONE;
}

static int
explain_return(weir_request *r, const struct step *step, weir_explain *to)
{
    bool leads = is_redirect(step->status) && step->value != NULL;
    weir_str url = leads ? weir_value_get(r, step->value) : WEIR_STR("");
    weir_str unknown = weir_explain_unknown(to);

    if (unknown.data != NULL) {
        weir_explain_say(to, "return (%.*s:%u): the answer is %u, to where $%.*s says",
                         WEIR_FMT(step->place.file), step->place.line, (unsigned)step->status,
                         WEIR_FMT(unknown));
    } else {
        weir_explain_say(to, "return (%.*s:%u): the answer is %u%s%.*s%s",
                         WEIR_FMT(step->place.file), step->place.line, (unsigned)step->status,
                         leads ? " to \"" : "", WEIR_FMT(url), leads ? "\"" : "");
    }
    return explain_answer(r, step);
}

/* Without a text, an error is answered by its page (error_page), all else by an empty body. */
static step_run *
choose_answer(uint32_t status, const weir_value *value)
{
    bool empty = value == NULL || (value->constant.data != NULL && value->constant.len == 0);

    if (is_redirect(status)) {
        return empty ? return_status : return_redirect;
    }
    return empty && status >= 400 ? return_status : return_text;
}

int
set_return(weir_conf *cf, const weir_directive *d, void *field)
{
    weir_str first = weir_conf_arg(cf, 1);
    bool only = weir_conf_argc(cf) == 2;
    uint32_t status = parse_status(first);
    uint32_t text = 2;
    weir_value *value = NULL;

    (void)d;
    if (status == 0) {
        if (!only || !is_url(first)) {
            return weir_conf_error_at(cf, 1,
                                      "invalid return code \"%.*s\": a status from 200 to 599, or "
                                      "a URL that begins with http://, https:// or $scheme",
                                      WEIR_FMT(first));
        }
        status = 302;
        text = 1;
    }
    if (text == 1 || !only) {
        value = weir_value_compile(cf, weir_conf_arg(cf, text));
        if (value == NULL) {
            return WEIR_ERROR;
        }
    } else if (is_redirect(status)) {
        weir_conf_warn(cf, "\"return %u\" names no URL to go to", (unsigned)status);
    }

    struct step *step = program_add(cf, field);
    step->status = status;
    step->value = value;
    step->run = choose_answer(status, value);
    step->explain = explain_return;
    return WEIR_OK;
}
