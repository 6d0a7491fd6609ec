/* A tunnel's bytes go past source and queue only while nothing is in front of them, and none is
 * lost or told twice. */
#include "toy.h"

#include "http/body_in.h"

static const char *next; /* what the source gives before it waits again */
static char told[64];    /* what came for the other end: by the short way in capitals */
static size_t takes;     /* most bytes that the short way takes at once */
static bool stuck;       /* the reader of the queue leaves everything there */

static int
source(weir_request *r, void *data, weir_chain *out, size_t want)
{
    (void)data;
    (void)want;
    if (next[0] != '\0') {
        weir_chain_push(out, weir_buf_copy(r->pool, weir_str_c(next)));
        next = "";
        return WEIR_NEXT;
    }
    return weir_suspend(r, WEIR_NEVER, NULL, NULL) != NULL ? WEIR_AGAIN : WEIR_ERROR;
}

static void
piece(weir_request *r, void *data, int result, weir_chain *body)
{
    weir_buf *b;

    (void)r;
    (void)data;
    assert_int_equal(result, WEIR_NEXT);
    while (!stuck && (b = weir_chain_pop(body)) != NULL) {
        strncat(told, (const char *)b->data, b->len);
        weir_buf_drop(b);
    }
}

static size_t
take(void *data, weir_str bytes)
{
    size_t n = WR_MIN(bytes.len, takes), at = strlen(told);

    assert_ptr_equal(data, &takes);
    for (size_t i = 0; i < n; i++) {
        told[at + i] = (char)(bytes.data[i] - 'a' + 'A');
    }
    told[at + n] = '\0';
    return n;
}

static int
tunnel(weir_request *r, const void *conf)
{
    (void)conf;
    assert_int_equal(weir_respond_from(r, 101, source, NULL), WEIR_DONE);
    assert_int_equal(weir_stream_body(r, 0, piece, NULL), WEIR_OK);
    weir_tunnel_direct(r, take, &takes);
    return WEIR_DONE;
}

static int
ordinary(weir_request *r, const void *conf)
{
    (void)conf;
    return weir_respond_from(r, 200, source, NULL);
}

static int
set_up(void **state)
{
    int rc = toy_set_up(state);

    next = "";
    told[0] = '\0';
    takes = toy.passes = SIZE_MAX;
    stuck = false;
    toy.body_conf.buffer_size = 1024;
    return rc;
}

static size_t
send_to_client(const char *text)
{
    return weir_tunnel_send(&toy.r->pub, weir_str_c(text));
}

/* As a driver does: what does not go at once is pushed. */
static void
client_sends(const char *text)
{
    size_t n = wr_body_direct(toy.r, weir_str_c(text)), len = strlen(text);

    if (n != len) {
        assert_true(wr_body_push(toy.r, text + n, len - n, false));
    }
}

static void
test_bytes_go_to_a_client_whose_source_waits(void **state)
{
    (void)state;
    next = "ab";
    toy_run(tunnel);
    assert_int_equal(send_to_client("cd"), 2);
    toy_assert_body("abcd");
}

static void
test_no_more_go_than_the_client_takes(void **state)
{
    (void)state;
    toy_run(tunnel);
    toy.passes = 3;
    assert_int_equal(send_to_client("abcde"), 3);
    toy_assert_body("abc");
}

static void
test_none_go_past_what_the_source_gave(void **state)
{
    (void)state;
    toy.room = 0;
    next = "ab";
    toy_run(tunnel);
    assert_int_equal(send_to_client("cd"), 0);
    toy_drain(100);
    toy_assert_body("ab");
    assert_int_equal(send_to_client("cd"), 2);
}

static void
test_none_go_into_an_ordinary_response(void **state)
{
    (void)state;
    toy_run(ordinary);
    assert_int_equal(send_to_client("ab"), 0);
    toy_assert_body("");
}

static void
test_none_go_once_the_request_has_ended(void **state)
{
    (void)state;
    toy_run(tunnel);
    wr_request_end(toy.r, true);
    assert_int_equal(send_to_client("ab"), 0);
}

static void
test_the_clients_bytes_are_shown_where_they_lie(void **state)
{
    (void)state;
    toy_run(tunnel);
    client_sends("abc");
    assert_string_equal(told, "ABC");
    assert_int_equal(toy.wanted, 1);
}

static void
test_what_is_not_taken_is_queued_and_stays_in_front(void **state)
{
    (void)state;
    toy_run(tunnel);
    takes = 1;
    client_sends("ab");
    client_sends("cd"); /* behind b, although there would be room by now */
    assert_string_equal(told, "A");
    toy_turns(2);
    assert_string_equal(told, "Abcd");
    client_sends("e");
    assert_string_equal(told, "AbcdE");
}

static void
test_a_reader_that_is_behind_is_not_passed_by(void **state)
{
    (void)state;
    toy_run(tunnel);
    takes = 0;
    stuck = true;
    client_sends("ab");
    toy_turns(2);
    takes = SIZE_MAX;
    client_sends("c");
    assert_string_equal(told, "");
    stuck = false;
    weir_stream_body_go(&toy.r->pub);
    toy_turns(2);
    assert_string_equal(told, "abc");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, toy_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_go_to_a_client_whose_source_waits),
        TEST(test_no_more_go_than_the_client_takes),
        TEST(test_none_go_past_what_the_source_gave),
        TEST(test_none_go_into_an_ordinary_response),
        TEST(test_none_go_once_the_request_has_ended),
        TEST(test_the_clients_bytes_are_shown_where_they_lie),
        TEST(test_what_is_not_taken_is_queued_and_stays_in_front),
        TEST(test_a_reader_that_is_behind_is_not_passed_by),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
