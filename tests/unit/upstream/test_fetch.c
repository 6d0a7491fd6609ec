/* Fetches: the response in one piece, told once; limits; owners that end. */
#include "origin.h"

struct fetched {
    int calls, result;
    uint32_t status;
    char body[256];
    bool end_owner;
    bool in_call;
};

static void
on_done(void *data, int result, const weir_reply *reply)
{
    struct fetched *f = data;

    assert_false(f->in_call);
    f->calls++;
    f->result = result;
    assert_int_equal(reply != NULL, result == WEIR_OK);
    if (reply != NULL) {
        weir_str body = weir_chain_str(owner, reply->body, sizeof(f->body) - 1);
        f->status = reply->status;
        snprintf(f->body, sizeof(f->body), "%.*s", WEIR_FMT(body));
    }
    if (f->end_owner) {
        wr_pool_destroy(&owner);
    }
}

static weir_fetch_options
page(weir_upstream *u)
{
    return (weir_fetch_options){ .size = sizeof(weir_fetch_options),
                                 .to = u,
                                 .host = WEIR_STR("a"),
                                 .target = WEIR_STR("/p?q=1"),
                                 .keep = 100 };
}

static void
fetch(struct fetched *f, const weir_fetch_options *o)
{
    f->in_call = true;
    weir_fetch(owner, o, on_done, f);
    f->in_call = false;
}

#define PAGE "GET /p?q=1 HTTP/1.1\r\nHost: a\r\n\r\n"

/* Fetch, and take what is asked, which is PAGE: the connection it came over. */
static int
fetch_page(struct fetched *f, const weir_fetch_options *o, int listener)
{
    int peer;

    fetch(f, o);
    peer = take(listener);
    expect(peer, PAGE);
    return peer;
}

static void
test_a_response_comes_in_one_piece(void **state)
{
    struct fetched f = { 0 };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_fetch_options o = page(group_at(&port, 1));

    (void)state;
    peer = fetch_page(&f, &o, listener);
    say(peer, "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    wr_loop_turn(loop, PATIENCE_MS);
    say(peer, "4\r\n two\r\n0\r\n\r\n");
    turn_until(f.calls == 1);
    assert_int_equal(f.result, WEIR_OK);
    assert_int_equal(f.status, 404);
    assert_string_equal(f.body, "one two");
    close(peer);
    close(listener);
}

static void
test_fields_and_a_body_are_sent(void **state)
{
    const weir_pair pairs[] = { { WEIR_STR("X-A"), WEIR_STR("1") } };
    struct fetched f = { 0 };
    weir_chain body = { NULL, NULL };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_fetch_options o = page(group_at(&port, 1));

    (void)state;
    weir_chain_push(&body, weir_buf_ref(owner, WEIR_STR("hello")));
    o.method = WEIR_POST;
    o.headers = pairs;
    o.n_headers = 1;
    o.body = &body;
    o.host = WEIR_STR("");
    fetch(&f, &o);
    peer = take(listener);
    expect(peer, "POST /p?q=1 HTTP/1.1\r\nHost: g\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello");
    say(peer, "HTTP/1.1 204 No\r\n\r\n");
    turn_until(f.calls == 1);
    assert_int_equal(f.status, 204);
    close(peer);
    close(listener);
}

static void
test_a_body_over_the_limit_is_not_kept(void **state)
{
    struct fetched f = { 0 };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_fetch_options o = page(group_at(&port, 1));

    (void)state;
    o.keep = 4;
    peer = fetch_page(&f, &o, listener);
    say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    turn_until(f.calls == 1);
    assert_int_equal(f.result, WEIR_LIMIT);
    close(peer);
    close(listener);
}

static void
test_the_whole_has_a_deadline(void **state)
{
    struct fetched f = { 0 };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_fetch_options o = page(group_at(&port, 1));

    (void)state;
    o.timeout_ms = 30;
    peer = fetch_page(&f, &o, listener);
    say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    turn_until(f.calls == 1);
    assert_int_equal(f.result, WEIR_TIMEOUT);
    turn_until(ended(peer));
    close(peer);
    close(listener);
}

static void
test_a_body_that_breaks_off_is_no_answer(void **state)
{
    struct fetched f = { 0 };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_fetch_options o = page(group_at(&port, 1));

    (void)state;
    peer = fetch_page(&f, &o, listener);
    say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    close(peer);
    turn_until(f.calls == 1);
    assert_int_equal(f.result, WEIR_CLOSED);
    close(listener);
}

static void
test_what_cannot_be_sent_is_refused(void **state)
{
    const weir_pair pairs[] = { { WEIR_STR("X-A"), WEIR_STR("1\r\nX-B: 2") },
                                { WEIR_STR("Content-Length"), WEIR_STR("1") } };
    uint16_t port = closed_port();
    weir_upstream *u = group_at(&port, 1);

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct fetched f = { 0 };
        weir_fetch_options o = page(u);
        o.target = i == 0 ? WEIR_STR("/a b") : o.target;
        o.host = i == 1 ? WEIR_STR("a\nb") : o.host;
        o.headers = &pairs[i & 1];
        o.n_headers = i >= 2;
        fetch(&f, &o);
        turn_until(f.calls == 1);
        assert_int_equal(f.result, WEIR_INVALID);
    }
}

static void
test_done_may_end_the_owner(void **state)
{
    struct fetched f = { .end_owner = true };
    uint16_t port = closed_port();
    weir_fetch_options o = page(group_at(&port, 1));

    (void)state;
    fetch(&f, &o);
    turn_until(f.calls == 1);
    assert_int_equal(f.result, WEIR_ERROR);
}

static void
test_a_fetch_ends_with_its_owner(void **state)
{
    struct fetched f = { 0 };
    uint16_t port;
    int listener = listen_at(&port), peer;
    weir_fetch_options o = page(group_at(&port, 1));

    (void)state;
    peer = fetch_page(&f, &o, listener);
    wr_pool_destroy(&owner);
    turn_until(ended(peer));
    assert_int_equal(f.calls, 0);
    close(peer);
    close(listener);
}

static void
test_one_peer_is_asked_whatever_its_state(void **state)
{
    struct fetched f = { 0 };
    uint16_t ports[2] = { 0, 0 };
    int listener = listen_at(&ports[1]), peer;
    weir_upstream *u;
    weir_fetch_options o;

    (void)state;
    ports[0] = closed_port();
    u = group_at(ports, 2);
    o = page(u);
    o.peer = weir_upstream_peer(u, 1)->id;
    (void)weir_peer_set_down(u, o.peer, true);
    peer = fetch_page(&f, &o, listener);
    close(peer);
    turn_until(f.calls == 1);
    assert_int_equal(f.result, WEIR_ERROR);
    assert_int_equal(weir_upstream_peer(u, 1)->fails, 0);
    close(listener);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_response_comes_in_one_piece, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields_and_a_body_are_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_body_over_the_limit_is_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_whole_has_a_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_body_that_breaks_off_is_no_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_sent_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_done_may_end_the_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_fetch_ends_with_its_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_peer_is_asked_whatever_its_state, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
