"""Replies whose place an error_page takes: that it does is kept, in place of the reply.  [nginx proxy_intercept_errors,
proxy_cache_valid]"""

import threading

import pytest

from weir.cached import FRESH, STALE, TAG, all_at_once, bodies, files, front, restart  # noqa: F401
from weir.recorder import answer
from weir.server import wait_for

PAGE = """proxy_intercept_errors on; error_page 401 404 500 =200 /page; }
          location = /page { add_header X-Cache $upstream_cache_status; return 200 "ours, $request_method $http_who";"""
REFUSED = answer(b"theirs", status="404 Not Found", fields=[FRESH])


def test_the_page_is_made_for_each_request(front):
    one = front(REFUSED, more=PAGE)
    assert [one.get(fields=[("Who", w)]).body for w in "abc"] == [b"ours, GET a", b"ours, GET b", b"ours, GET c"] and one.asked == 1


def test_a_head_is_answered_by_the_page_as_well(front):
    one = front(REFUSED, more=PAGE)
    assert one.get(method="HEAD").body == b"" and one.get().body == b"ours, GET " and one.asked == 1


def test_who_waits_for_the_reply_gets_the_page(front):
    came, start = threading.Event(), threading.Event()
    one = front(lambda request: came.set() or start.wait(30) and REFUSED, more=PAGE)
    clients = all_at_once(one, 5)
    assert came.wait(30)
    start.set()
    assert bodies(clients) == {b"ours, GET "} and one.asked == 1


def test_where_no_error_page_is_for_it_the_origin_is_asked(front):
    one = front(REFUSED, more="proxy_cache_key k;" + PAGE + """} location /plain { proxy_cache c; proxy_cache_key k;
                                                                  proxy_pass http://127.0.0.1:$arg_port;""")
    one.get()
    there = f"/plain?port={one.origin.port}"
    assert one.get(there).body == b"theirs" and one.get(there).get("Age") is not None and one.asked == 2


def test_a_page_that_is_fetched_under_the_same_key_is_an_answer(front):
    one = front(REFUSED, answer(b"instead", fields=[FRESH]), more="""proxy_cache_key k; proxy_intercept_errors on; error_page 404 = @other; }
                location @other { proxy_cache c; proxy_cache_key k; proxy_intercept_errors on; error_page 404 = @other;
                                  proxy_pass http://127.0.0.1:$arg_port;""")
    there = f"/?port={one.origin.port}"
    assert [one.get(there).body for _ in range(3)] == [b"instead"] * 3 and one.asked == 2


def test_it_takes_the_place_of_what_was_there(front):
    one = front(answer(b"old", fields=[*STALE, TAG]), REFUSED, more=PAGE)
    assert [one.get().body for _ in range(3)] == [b"old", b"ours, GET ", b"ours, GET "] and one.asked == 2


def test_but_not_where_that_may_be_used_stale(front):
    one = front(answer(b"old", fields=[*STALE, TAG]), answer(status="500 No", fields=[FRESH]), more="proxy_cache_use_stale http_500;" + PAGE)
    assert [one.get().body for _ in range(3)] == [b"old"] * 3


def test_it_is_not_used_stale_itself(front):
    one = front(answer(status="404 Not Found", fields=[*STALE, ("Cache-Control", "stale-while-revalidate=1000, stale-if-error=1000")]),
                answer(b"there", fields=[FRESH]), more=PAGE)
    assert one.get().body == b"ours, GET " and one.get().body == b"there"


def test_variants_are_kept_apart(front):
    vary = ("Vary", "X-A")
    one = front(answer(status="404 Not Found", fields=[FRESH, vary]), answer(b"b", fields=[FRESH, vary]), more=PAGE)
    for _ in range(2):
        assert one.get(fields=[("X-A", "1")]).body == b"ours, GET "
        assert one.get(fields=[("X-A", "2")]).body == b"b"
    assert one.asked == 2


def test_what_a_401_asks_for_is_said_each_time(front):
    one = front(answer(status="401 No", fields=[FRESH, ("WWW-Authenticate", 'Basic realm="a"'), ("X-A", "1")]),
                more="proxy_intercept_errors on; error_page 401 /page; } location = /page { internal; return 401 ours;")
    for _ in range(2):
        got = one.get()
        assert got.status == 401 and got.all("WWW-Authenticate") == ['Basic realm="a"'] and got.get("X-A") is None
    assert one.asked == 1


@pytest.mark.parametrize("fields", [[], [("Cache-Control", "private")]])
def test_a_client_with_authorization_does_not_decide_for_others(front, fields):
    one = front(answer(status="401 No", fields=[FRESH, *fields]), answer(b"yes", fields=[FRESH]), more=PAGE)
    assert one.get(fields=[("Authorization", "Basic YTpi")]).body == b"ours, GET " and one.get().body == b"yes"


def test_a_purge_ends_it(front):
    one = front(REFUSED, answer(b"there", fields=[FRESH]), more="cache_purge on;" + PAGE)
    one.get()
    assert one.get(method="PURGE").status == 200 and one.get().body == b"there"


def test_it_lies_on_the_disk_as_responses_do(front):
    one = front(REFUSED, more=PAGE)
    one.get()
    wait_for("a file", lambda: files(one))
    restart(one)
    assert one.get().body == b"ours, GET " and one.asked == 1


def test_a_post_brings_an_end_to_it(front):
    one = front(REFUSED, answer(b"made", status="201 Created"), answer(b"there", fields=[FRESH]), more=PAGE)
    assert one.get().body == b"ours, GET " and one.get(method="POST", body=b"x").status == 201 and one.get().body == b"there"
