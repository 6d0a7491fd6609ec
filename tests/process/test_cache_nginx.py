"""What people rely on of nginx's proxy_cache: holds for nginx, and for weir under `compat nginx`.

Run with WEIR_FLAVOUR=nginx it asks nginx.  [nginx proxy_cache]
"""

import threading
import time

import pytest

from weir import cached
from weir.cached import FRESH, fronts
from weir.recorder import answer
from weir.server import FLAVOUR, wait_for

COMPAT = "" if FLAVOUR == "nginx" else "compat nginx;"


class Front(cached.Front):
    path = """proxy_temp_path %PREFIX%/proxy_temp;
              proxy_cache_path %PREFIX%/cache levels=1:2 keys_zone=c:1m inactive=1h;"""
    own = ""

    def __init__(self, make_server, *replies, **parts):
        super().__init__(make_server, *replies, main=COMPAT, **parts)

    def statuses(self, n, *args, **rest):
        return [self.get(*args, **rest).get("X-Cache") for _ in range(n)]


@pytest.fixture
def front(make_server):
    yield from fronts(make_server, Front)


def expired(one, path="/"):
    """Until what was stored for a second is stale, counted in whole seconds."""
    wait_for("it to be stale", lambda: time.time() > int(one.since) + 2.1)


def aged(front, *replies, **parts):
    """A front that has something stale."""
    one = front(*replies, **parts)
    one.get()
    one.since = time.time()
    expired(one)
    return one


OLD = answer(b"old", fields=[("ETag", '"a"'), ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")])
NEW = answer(b"new", fields=[("ETag", '"b"')])
SECOND = "proxy_cache_valid 200 1s;"


def test_miss_then_hit(front):
    one = front(answer(b"x", fields=[FRESH]))
    assert one.statuses(3) == ["MISS", "HIT", "HIT"] and one.asked == 1


def test_a_hit_has_the_upstreams_fields_as_variables(front):
    one = front(answer(b"x", fields=[FRESH, ("X-A", "1")]), more="add_header X-V $upstream_http_x_a-$upstream_status;")
    assert [one.get().get("X-V") for _ in range(3)] == ["1-200", "1-", "1-"]


@pytest.mark.parametrize("reply", [answer(status="404 Not Found"), None])
def test_what_the_cache_did_is_known_where_an_error_leads(front, reply):
    one = front(reply or (lambda request: b"HTTP/1.1 2x0 No\r\nA: b\r\n\r\n"),
                more="""proxy_intercept_errors on; error_page 404 502 = /other; }
                        location /other { add_header X-Then $upstream_cache_status; return 200 other;""")
    got = one.get()
    assert got.body == b"other" and got.get("X-Then") == "MISS"


REFUSED = answer(b"theirs", status="404 Not Found")
PAGE = """proxy_intercept_errors on; error_page 404 =200 /page; }
          location = /page { add_header X-Cache $upstream_cache_status; return 200 ours;"""


def test_what_an_error_page_answers_is_not_asked_for_again(front):
    one = front(REFUSED, more="proxy_cache_valid 404 1h;" + PAGE)
    got = [one.get() for _ in range(3)]
    assert {g.body for g in got} == {b"ours"} and one.asked == 1
    assert [g.get("X-Cache") for g in got] == ["MISS", "HIT", "HIT"]


def test_as_long_as_the_reply_itself_says(front):
    one = front(answer(status="404 Not Found", fields=[FRESH]), more=PAGE)
    assert one.statuses(2) == ["MISS", "HIT"]


@pytest.mark.parametrize("fields,valid", [([], "200 1h"), ([("Cache-Control", "no-store")], "404 1h"), ([("Set-Cookie", "a=b")], "404 1h")])
def test_but_not_what_would_not_be_stored(front, fields, valid):
    one = front(answer(status="404 Not Found", fields=fields), more=f"proxy_cache_valid {valid};" + PAGE)
    assert one.statuses(2) == ["MISS", "MISS"] and one.asked == 2


def test_nor_longer_than_for_its_time(front):
    one = front(REFUSED, answer(b"there it is"), more="proxy_cache_valid 404 1s;" + PAGE)
    one.get()
    one.since = time.time()
    expired(one)
    assert one.get().body == b"there it is" and one.asked == 2


def test_a_hit_was_asked_of_nobody_in_the_log(front):
    one = front(answer(b"x", fields=[FRESH]), more="access_log logs/asked.log asked;",
                http="log_format asked '$upstream_cache_status [$upstream_status] [$upstream_addr] [$upstream_response_time]';")
    one.get(), one.get()
    log = one.server.prefix / "logs/asked.log"
    wait_for("two lines", lambda: log.exists() and log.read_text().count("\n") == 2)
    assert log.read_text().splitlines()[1] == "HIT [-] [-] [-]"


@pytest.mark.parametrize("fields", [[("Cache-Control", "no-cache")], [("Cache-Control", "no-store")], [("Cache-Control", "private")],
                                    [("Cache-Control", "max-age=0")], [("Expires", "0")], [FRESH, ("Set-Cookie", "a=b")],
                                    [FRESH, ("Vary", "*")], [FRESH, ("X-Accel-Expires", "0")], []])
def test_not_stored(front, fields):
    assert front(answer(fields=fields)).statuses(2) == ["MISS", "MISS"]


@pytest.mark.parametrize("fields", [[("X-Accel-Expires", "60"), ("Cache-Control", "no-store")], [("Cache-Control", "s-maxage=60, max-age=0")],
                                    [FRESH, ("Age", "7200")], [FRESH, ("Vary", "X-A")],
                                    [FRESH, ("Expires", "0")]])
def test_stored(front, fields):
    assert front(answer(fields=fields)).statuses(2) == ["MISS", "HIT"]


def test_authorization_does_not_matter(front):
    one = front(answer(fields=[FRESH]))
    assert one.statuses(2, fields=[("Authorization", "Basic YTpi")]) == ["MISS", "HIT"]


def test_an_unsafe_request_makes_nothing_invalid(front):
    one = front(answer(fields=[FRESH]))
    one.get()
    assert one.get(method="POST").get("X-Cache") is None
    assert one.get().get("X-Cache") == "HIT" and one.asked == 2


def test_accel_expires_is_not_shown(front):
    assert front(answer(fields=[("X-Accel-Expires", "60")])).get().get("X-Accel-Expires") is None


def test_each_answer_has_a_date_of_its_own(front):
    one = front(answer(fields=[FRESH, ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")]), more="proxy_ignore_headers Expires;")
    for _ in range(2):
        assert one.get().all("Date")[0] != "Sun, 06 Nov 1994 08:49:37 GMT"


def test_expired_then_hit(front):
    one = aged(front, OLD, NEW, more=SECOND)
    got = one.get()
    assert got.body == b"new" and got.get("X-Cache") == "EXPIRED"
    assert one.get().get("X-Cache") == "HIT"


def test_revalidated(front):
    def confirm(request):
        assert request.get("If-None-Match") == '"a"' and request.get("If-Modified-Since")
        return b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'
    one = aged(front, OLD, confirm, more=SECOND + "proxy_cache_revalidate on;")
    got = one.get()
    assert got.status == 200 and got.body == b"old" and got.get("X-Cache") == "REVALIDATED"
    assert one.get().get("X-Cache") == "HIT" and one.asked == 2


@pytest.mark.parametrize("word,reply", [("error", None), ("http_500", answer(status="500 E")), ("http_503", answer(status="503 E")),
                                        ("http_404", answer(status="404 N"))])
def test_stale_on_failures(front, word, reply):
    one = aged(front, OLD, lambda r: reply, more=SECOND + f"proxy_cache_use_stale {word};")
    got = one.get()
    assert got.status == 200 and got.body == b"old" and got.get("X-Cache") == "STALE"


def test_no_stale_response_unless_it_is_said(front):
    one = aged(front, OLD, answer(status="503 E"), more=SECOND)
    assert one.get().status == 503


def test_updating(front):
    release = threading.Event()

    def slow(request):
        release.wait(30)
        return NEW
    one = aged(front, OLD, slow, more=SECOND + "proxy_cache_use_stale updating;")
    first = []
    thread = threading.Thread(target=lambda: first.append(one.get()))
    thread.start()
    wait_for("the fetch", lambda: one.asked == 2)
    got = one.get()
    assert got.body == b"old" and got.get("X-Cache") == "UPDATING"
    release.set()
    thread.join()
    assert first[0].body == b"new" and first[0].get("X-Cache") == "EXPIRED"


def test_background_update(front):
    one = aged(front, OLD, NEW, more=SECOND + "proxy_cache_use_stale updating; proxy_cache_background_update on;")
    got = one.get()
    assert got.body == b"old" and got.get("X-Cache") == "STALE"
    wait_for("the new one", lambda: one.get().body == b"new")


def test_bypass_and_no_cache(front):
    one = front(answer(fields=[FRESH]), more="proxy_cache_key k; proxy_cache_bypass $arg_b; proxy_no_cache $arg_n;")
    assert one.statuses(1, "/?n=1") == ["MISS"] and one.statuses(1) == ["MISS"]
    assert one.statuses(1, "/?b=1") == ["BYPASS"] and one.statuses(1) == ["HIT"]


def test_min_uses(front):
    one = front(answer(fields=[FRESH]), more="proxy_cache_min_uses 2;")
    assert one.statuses(3) == ["MISS", "MISS", "HIT"]


def test_a_head_is_a_get(front):
    one = front(answer(b"12345", fields=[FRESH]))
    head = one.get(method="HEAD")
    assert head.get("Content-Length") == "5" and one.origin.requests[0].method == "GET"
    wait_for("a hit", lambda: one.get().get("X-Cache") == "HIT")


def test_other_methods_pass(front):
    one = front(answer(fields=[FRESH]))
    assert one.statuses(2, method="POST", body=b"x") == [None, None] and one.asked == 2


def test_client_conditions_and_ranges_are_answered_here(front):
    one = front(answer(b"0123456789", fields=[FRESH, ("ETag", '"a"'), ("Accept-Ranges", "bytes")]))
    one.get(fields=[("If-None-Match", '"a"'), ("Range", "bytes=0-1")])
    assert not {"If-None-Match", "Range"} & {n for n, _ in one.origin.requests[0].fields}
    wait_for("a hit", lambda: one.get().get("X-Cache") == "HIT")
    assert one.get(fields=[("If-None-Match", '"a"')]).status == 304
    assert one.get(fields=[("Range", "bytes=2-3")]).body == b"23"


def test_variants(front):
    one = front(lambda r: answer(r.get("X-A").encode(), fields=[FRESH, ("Vary", "X-A")]))
    for n in ("1", "2", "1", "2"):
        assert one.get(fields=[("X-A", n)]).body == n.encode()
    assert one.asked == 2


def test_lock(front):
    release = threading.Event()

    def slow(request):
        release.wait(30)
        return answer(b"x", fields=[FRESH])
    one = front(slow, more="proxy_cache_lock on;")
    got = []
    threads = [threading.Thread(target=lambda: got.append(one.get().body)) for _ in range(5)]
    for t in threads:
        t.start()
    wait_for("the fetch", lambda: one.asked == 1)
    release.set()
    for t in threads:
        t.join()
    assert got == [b"x"] * 5 and one.asked == 1


def test_fields_of_the_upstream_are_stored_as_they_are_passed(front):
    one = front(answer(fields=[FRESH, ("X-A", "1"), ("X-A", "2"), ("X-Secret", "3")]), more="proxy_hide_header X-Secret;")
    for _ in range(2):
        got = one.get()
        assert got.all("X-A") == ["1", "2"] and got.get("X-Secret") is None
