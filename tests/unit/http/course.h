/* tests/unit/http/course.h - sources, handlers and filters for tests of a response's course over the toy driver. */
#ifndef WR_TESTS_UNIT_HTTP_COURSE_H
#define WR_TESTS_UNIT_HTTP_COURSE_H

#include "toy.h"

/* What was last suspended; how often sources and filters were called. */
static weir_ticket *ticket;
static unsigned calls;

static inline int
set_up(void **state)
{
    ticket = NULL;
    calls = 0;
    return toy_set_up(state);
}

/* ---- Handlers and sources. ---- */

static inline int
hello(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR("hello"));
}

static inline int
empty(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond(r, 200, WEIR_STR("text/plain"), WEIR_STR(""));
}

static inline int
no_content(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond(r, 204, WEIR_STR("text/plain"), WEIR_STR("hello"));
}

static inline int
hello_for_head(weir_request *r, const void *conf)
{
    r->method = WEIR_HEAD;
    return hello(r, conf);
}

/* A source's steps, a letter a call. a..z: that letter; '.': nothing, but there is more; 'W': wait; 'w': that letter, and wait;
 * 'E': an error; 'D', and at the end: done. */
static const char *script;

static inline int
scripted(weir_request *r, void *data, weir_chain *out, size_t want)
{
    char step = *script != '\0' ? *script++ : 'D';

    (void)data;
    assert_true(want != 0);
    calls++;
    switch (step) {
    case '.':
        return WEIR_NEXT;
    case 'W':
        ticket = weir_suspend(r, 0, NULL, NULL);
        assert_non_null(ticket);
        return WEIR_AGAIN;
    case 'w':
        weir_chain_push(out, weir_buf_copy(r->pool, WEIR_STR("w")));
        ticket = weir_suspend(r, 0, NULL, NULL);
        assert_non_null(ticket);
        return WEIR_AGAIN;
    case 'E':
        return WEIR_ERROR;
    case 'D':
        return WEIR_DONE;
    default:
        weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ &step, 1 }));
        return WEIR_NEXT;
    }
}

static inline int
from_script(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond_from(r, 200, scripted, NULL);
}

/* The same of a length that is not known. */
static inline int
from_script_unknown(weir_request *r, const void *conf)
{
    (void)weir_out_length(r, -1);
    return from_script(r, conf);
}

/* ---- Body filters. ---- */

static inline int
pass(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    (void)r;
    (void)conf;
    calls++;
    weir_chain_take(out, in);
    return WEIR_NEXT;
}

/* Every byte doubled. */
static inline int
twice(weir_request *r, const void *conf, weir_chain *in, weir_chain *out)
{
    weir_buf *b;

    (void)conf;
    while ((b = weir_chain_pop(in)) != NULL) {
        for (size_t i = 0; i < b->len; i++) {
            assert_non_null(b->data);
            weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ (const char *)b->data + i, 1 }));
            weir_chain_push(out, weir_buf_copy(r->pool, (weir_str){ (const char *)b->data + i, 1 }));
        }
        weir_chain_push(out, weir_buf_mark(r->pool, b->flags));
        weir_buf_drop(b);
    }
    return WEIR_NEXT;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, toy_tear_down)

#endif
