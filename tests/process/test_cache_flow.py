"""The cache's directives and its course: who waits for whom, what is passed by, what is purged.  [nginx proxy_cache]"""

import json
import re
import socket
import threading

import pytest

from weir.cached import FRESH, STALE, TAG, Held, all_at_once, bodies, confirmed, date, front, numbered  # noqa: F401
from weir.recorder import answer
from weir.server import children, wait_for
from weir.wire import Connection

weir_only = pytest.mark.weir_only
pytestmark = weir_only


# ---- One fetch for all who wait. ----

@pytest.mark.parametrize("n", [2, 1000])
def test_one_fetch_for_many_clients(front, n):
    held = Held()
    one = front(held, main="worker_processes 2;", single=False)
    clients = all_at_once(one, n)
    assert held.came.wait(30)
    held.start.set()
    held.go_on.set()
    assert bodies(clients) == {b"first and the rest"} and one.asked == 1


def test_the_body_is_streamed_to_all_while_it_comes(front):
    held = Held()
    one = front(held)
    clients = all_at_once(one, 5)
    held.start.set()
    for c in clients:
        c.until(b"first")
    late = all_at_once(one, 1)[0]
    late.until(b"first")
    held.go_on.set()
    for c in [*clients, late]:
        c.until(b" and the rest")
    assert one.asked == 1


def test_a_client_that_leaves_does_not_end_the_fetch(front):
    held = Held()
    one = front(held)
    clients = all_at_once(one, 1)
    assert held.came.wait(30)
    others = all_at_once(one, 3)
    held.start.set()
    clients[0].until(b"first")
    clients[0].close()
    held.go_on.set()
    assert bodies(others) == {b"first and the rest"}
    assert one.get().get("X-Cache") == "HIT" and one.asked == 1


def test_a_slow_first_client_does_not_slow_the_others(front):
    body = bytes(range(256)) * 65536            # more than buffers of the system hold for the one who does not read
    one = front(answer(body, fields=[FRESH]))
    slow = Connection(one.server.port)
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    slow.fill()
    for c in all_at_once(one, 5):
        assert c.response(b"GET").body == body
    assert one.asked == 1
    assert slow.response(b"GET").body == body


def test_who_waits_for_what_is_not_stored_fetches_himself(front):
    release = threading.Event()

    def slow(request):
        release.wait(30)
        return answer(b"mine", fields=[("Cache-Control", "no-store")])
    one = front(slow)
    clients = all_at_once(one, 5)
    wait_for("the first", lambda: one.asked == 1)
    release.set()
    assert bodies(clients) == {b"mine"} and one.asked == 5


def test_nobody_waits_for_what_was_not_stored_lately(front):
    release = threading.Event()

    def slow(request):
        if one.numbers > 1:
            release.wait(30)
        return answer(b"mine", fields=[("Cache-Control", "no-store")])
    one = front(slow)
    one.get()
    clients = all_at_once(one, 5)
    wait_for("all of them", lambda: one.asked == 6)
    release.set()
    assert bodies(clients) == {b"mine"}


def test_who_waits_for_another_variant_fetches_it(front):
    release = threading.Event()

    def slow(request):
        release.wait(30)
        return answer(request.get("X-A").encode(), fields=[FRESH, ("Vary", "X-A")])
    one = front(slow)
    clients = [Connection(one.server.port) for _ in range(6)]
    for i, c in enumerate(clients):
        c.send(f"GET / HTTP/1.1\r\nHost: a\r\nX-A: {i % 2}\r\n\r\n".encode())
    wait_for("the first", lambda: one.asked == 1)
    release.set()
    assert [c.response(b"GET").body for c in clients] == [b"0", b"1"] * 3
    assert one.asked == 2


def test_a_fetch_that_fails_is_tried_by_another(front):
    release = threading.Event()

    def dies(request):
        release.wait(30)
        return None
    one = front(dies, answer(b"good", fields=[FRESH]))
    clients = all_at_once(one, 4)
    wait_for("the first", lambda: one.asked == 1)
    release.set()
    got = [c.response(b"GET") for c in clients]
    assert sorted(r.status for r in got) == [200, 200, 200, 502] and one.asked == 2


def test_a_body_that_breaks_off_is_cut_for_all(front):
    held = Held()

    def broken(request):
        request.last = True

        def parts():
            held.came.set()
            held.start.wait(30)
            yield b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nfirst"
            held.go_on.wait(30)
        return parts()
    one = front(broken, answer(b"whole", fields=[FRESH]))
    clients = all_at_once(one, 3)
    assert held.came.wait(30)
    held.start.set()
    for c in clients:
        c.until(b"first")
    held.go_on.set()
    for c in clients:
        with pytest.raises(Exception):
            c.exactly(95)
    assert one.get().body == b"whole"


def test_lock_off_fetches_for_each(front):
    release = threading.Event()

    def slow(request):
        release.wait(30)
        return answer(b"x", fields=[FRESH])
    one = front(slow, more="proxy_cache_lock off;")
    clients = all_at_once(one, 4)
    wait_for("all", lambda: one.asked == 4)
    release.set()
    assert bodies(clients) == {b"x"}


def test_nobody_waits_longer_than_lock_timeout(front):
    release = threading.Event()

    def slow(request):
        if one.numbers == 1:
            release.wait(30)
        return answer(b"x", fields=[FRESH])
    one = front(slow, more="proxy_cache_lock_timeout 50ms;")
    first = all_at_once(one, 1)[0]
    wait_for("the first", lambda: one.asked == 1)
    assert one.get().body == b"x" and one.asked == 2
    release.set()
    assert first.response(b"GET").body == b"x"


def test_workers_share_a_fetch_and_what_is_stored(front):
    held = Held()
    one = front(held, main="worker_processes 3;", single=False)
    wait_for("workers", lambda: len(children(one.server.process.pid)) >= 3)
    clients = all_at_once(one, 60)
    assert held.came.wait(30)
    held.start.set()
    held.go_on.set()
    assert bodies(clients) == {b"first and the rest"} and one.asked == 1
    assert {one.get().get("X-Cache") for _ in range(20)} == {"HIT"}


# ---- Directives. ----

def test_nothing_is_cached_without_proxy_cache(front):
    one = front(numbered(FRESH), zone="off")
    assert [one.get().get("X-N") for _ in range(2)] == ["1", "2"]
    assert one.get().get("X-Cache") is None


def test_valid_gives_a_lifetime_to_those_without(front):
    one = front(numbered(), more="proxy_cache_valid 1h;")
    assert [one.get().get("X-Cache") for _ in range(2)] == ["MISS", "HIT"]


@pytest.mark.parametrize("line,status,used", [
    ("1h", 200, True), ("1h", 301, True), ("1h", 302, True), ("1h", 404, False), ("404 1h", 404, True),
    ("404 1h", 200, False), ("any 1h", 500, True), ("200 302 1h", 302, True)])
def test_valid_by_status(front, line, status, used):
    one = front(numbered(status=f"{status} X"), more=f"proxy_cache_valid {line};")
    one.get()
    assert (one.get().get("X-N") == "1") == used


def test_what_a_response_says_itself_outdoes_valid(front):
    one = front(numbered(("Cache-Control", "max-age=0")), more="proxy_cache_valid 1h;")
    one.get()
    assert one.get().get("X-N") == "2"


def test_ignored_fields_say_nothing(front):
    one = front(numbered(("Cache-Control", "no-store"), ("Set-Cookie", "a=b"), ("Vary", "*"), ("Expires", "0")),
                more="proxy_cache_valid 1h; proxy_ignore_headers Cache-Control Set-Cookie Vary Expires;")
    one.get()
    assert one.get().get("X-N") == "1"


def test_accel_expires_of_a_trusted_origin(front):
    one = front(numbered(("X-Accel-Expires", "60"), ("Cache-Control", "max-age=0")), more="proxy_accel on;")
    one.get()
    assert one.get().get("X-N") == "1"
    two = front(numbered(("X-Accel-Expires", "0"), FRESH), more="proxy_accel on;")
    two.get()
    assert two.get().get("X-N") == "2"


def test_bypass_fetches_and_stores(front):
    one = front(numbered(FRESH), more="proxy_cache_bypass $arg_b $http_x_b; proxy_cache_key k;")
    assert one.get().get("X-Cache") == "MISS"
    assert one.get("/?b=0").get("X-Cache") == "HIT"
    got = one.get("/?b=1")
    assert got.get("X-Cache") == "BYPASS" and got.get("X-N") == "2"
    assert one.get().get("X-N") == "2"


def test_no_cache_does_not_store(front):
    one = front(numbered(FRESH), more="proxy_no_cache $arg_n;")
    one.get("/?n=1")
    assert one.get("/?n=1").get("X-N") == "2"
    one.get("/?n=0")
    assert one.get("/?n=0").get("X-N") == "3"


def test_min_uses(front):
    one = front(numbered(FRESH), more="proxy_cache_min_uses 3;")
    assert [one.get().get("X-N") for _ in range(5)] == ["1", "2", "3", "3", "3"]


def test_the_key_decides(front):
    one = front(numbered(FRESH), more="proxy_cache_key $arg_k;")
    assert one.get("/a?k=1").get("X-N") == "1"
    assert one.get("/b?k=1").get("X-N") == "1"
    assert one.get("/a?k=2").get("X-N") == "2"
    assert [one.get("/a").get("X-N") for _ in range(2)] == ["3", "4"]      # no key


def test_post_is_cached_where_that_is_said(front):
    one = front(numbered(FRESH), more="proxy_cache_methods GET HEAD POST;")
    assert [one.get(method="POST", body=b"x").get("X-N") for _ in range(2)] == ["1", "1"]


def test_the_zone_by_a_variable(front):
    one = front(numbered(FRESH), zone="$arg_z")
    assert [one.get("/?z=c").get("X-N") for _ in range(2)] == ["1", "1"]
    assert [one.get("/?z=off").get("X-N") for _ in range(2)] == ["2", "3"]


def test_hidden_fields_are_not_stored(front):
    one = front(answer(fields=[FRESH, ("X-Secret", "1")]), more="proxy_hide_header X-Secret;")
    one.get()
    assert one.get().get("X-Secret") is None


def test_hidden_fields_stay_hidden_after_a_304(front):
    one = front(answer(fields=[*STALE, TAG, ("X-Secret", "1")]), confirmed(TAG, FRESH, ("X-Secret", "2"), ("Server", "theirs")),
                more="proxy_hide_header X-Secret;")
    one.get()
    for got in (one.get(), one.get()):
        assert got.get("X-Secret") is None and got.get("Server") != "theirs"
        assert len(got.all("Server")) == 1


def test_a_server_field_that_is_passed_on_is_there_once_after_a_304(front):
    """[RFC 9110 10.2.4]"""
    one = front(answer(fields=[*STALE, TAG, ("Server", "theirs")]), confirmed(TAG, FRESH, ("Server", "newer")),
                more="proxy_pass_header Server;")
    assert one.get().all("Server") == ["theirs"]
    for got in (one.get(), one.get()):
        assert got.all("Server") == ["newer"]


def test_accel_redirect_is_not_stored(front):
    one = front(answer(fields=[FRESH, ("X-Accel-Redirect", "@there")]), more="proxy_accel on; } location @there { return 200 there;")
    assert one.get().body == b"there" and one.get().body == b"there" and one.asked == 2


def test_gzip_is_made_for_each_answer(front):
    one = front(answer(b"abc" * 1000, fields=[FRESH, ("Content-Type", "text/html"), ("ETag", '"e"')]), more="gzip on; gzip_proxied any;")
    plain = one.get()
    coded = one.get(fields=[("Accept-Encoding", "gzip")])
    assert plain.get("Content-Encoding") is None and coded.get("Content-Encoding") == "gzip"
    assert one.get().body == b"abc" * 1000 and one.asked == 1


def test_set_cookie(front):
    fields = [FRESH, ("Set-Cookie", "a=b")]
    one = front(numbered(*fields), more="cache_set_cookie on;")
    one.get()
    assert one.get().get("Set-Cookie") == "a=b" and one.asked == 1
    two = front(numbered(("Cache-Control", "public, max-age=60"), ("Set-Cookie", "a=b")), more="cache_set_cookie off;")
    two.get()
    two.get()
    assert two.asked == 2


def test_heuristic_can_be_set(front):
    changed = ("Last-Modified", date(-86400 * 90))
    for line, used in (("off", False), ("10%", True), ("50% 1d", True)):
        one = front(numbered(changed), more=f"cache_heuristic {line};")
        one.get()
        assert (one.get().get("X-N") == "1") == used, line


def test_targets_can_be_named(front):
    fields = [("Cache-Control", "no-store"), ("Mine-Cache-Control", "max-age=60"), ("CDN-Cache-Control", "no-store")]
    one = front(numbered(*fields), more="cache_targets Mine-Cache-Control CDN-Cache-Control;")
    one.get()
    assert one.get().get("X-N") == "1"
    two = front(numbered(FRESH, ("CDN-Cache-Control", "no-store")), more="cache_targets off;")
    two.get()
    assert two.get().get("X-N") == "1"


def test_cache_status(front):
    """[RFC 9211 2]"""
    one = front(answer(fields=[FRESH, ("Cache-Status", "origin; hit")]), more="cache_status edge;")
    first, second = one.get(), one.get()
    assert first.all("Cache-Status")[0] == second.all("Cache-Status")[0] == "origin; hit"
    assert re.fullmatch(r'edge; fwd=uri-miss; fwd-status=200; stored; key="http127.0.0.1:\d+/"', first.all("Cache-Status")[1])
    assert re.fullmatch(r'edge; hit; ttl=(3600|35\d\d); key="http127.0.0.1:\d+/"', second.all("Cache-Status")[1])


@pytest.mark.parametrize("kept,wish,forward", [([FRESH], "no-cache", "request"), ([FRESH], "min-fresh=4000", "request"),
                                               (STALE, "no-cache", "stale"), (STALE, "max-age=3600", "stale")])
def test_cache_status_tells_who_wanted_to_ask_again(front, kept, wish, forward):
    """[RFC 9211 2.2]"""
    one = front(answer(fields=[*kept, TAG]), more="cache_status edge; cache_obey_request on;")
    one.get()
    assert f"; fwd={forward};" in one.get(fields=[("Cache-Control", wish)]).get("Cache-Status")


def test_cdn_loop(front):
    """[RFC 8586 2]"""
    one = front(answer(), more="cache_cdn_loop here;")
    one.get(fields=[("CDN-Loop", "there; a=b")])
    assert one.origin.requests[0].all("CDN-Loop") == ["there; a=b", "here"]
    assert one.get(fields=[("CDN-Loop", "there, here; x=1")]).status == 508
    assert one.asked == 1


def test_variables(front):
    one = front(answer(fields=[FRESH, TAG, ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")]),
                more='add_header X-V "$cache_key|$cache_age|$cache_ttl|$upstream_cache_etag|$upstream_cache_last_modified";')
    one.get()
    key, age, ttl, etag, modified = one.get().get("X-V").split("|")
    assert key.endswith("/") and int(age) + int(ttl) == 3600 and etag == '"a"' and modified.startswith("Sun, 06 Nov 1994")


# ---- Purging. ----

def purge(one, path="/", fields=(), method="PURGE"):
    got = one.get(path, method=method, fields=fields)
    assert got.status == 200 and got.get("Content-Type") == "application/json"
    return json.loads(got.body)


def test_purge_takes_out_a_uri(front):
    one = front(numbered(FRESH), more="cache_purge on;")
    one.get("/a")
    assert purge(one, "/a")["purged"] == 1 and purge(one, "/a")["purged"] == 0
    assert one.get("/a").get("X-N") == "2"


def test_purge_takes_out_all_variants(front):
    one = front(numbered(FRESH, ("Vary", "X-A")), more="cache_purge on;")
    one.get(fields=[("X-A", "1")])
    one.get(fields=[("X-A", "2")])
    purge(one)
    assert one.get(fields=[("X-A", "1")]).get("X-N") == "3" and one.get(fields=[("X-A", "2")]).get("X-N") == "4"


def test_purge_by_prefix(front):
    one = front(numbered(FRESH), more="cache_purge on;")
    for path in ("/a/1", "/a/2", "/b/1"):
        one.get(path)
    assert purge(one, "/a/*")["purged"] == 2
    assert [one.get(p).get("X-N") for p in ("/a/1", "/a/2", "/b/1")] == ["4", "5", "3"]


@pytest.mark.parametrize("name,value", [("Cache-Tag", "x,y"), ("Surrogate-Key", "x y"), ("Cache-Groups", '"x", "y"')])
def test_purge_by_tag(front, name, value):
    one = front(lambda r: tagged(r) if r.target == "/t" else plain(r), more="cache_purge on;")
    tagged, plain = numbered(FRESH, (name, value)), numbered(FRESH)
    one.get("/t")
    one.get("/p")
    assert purge(one, "/", [(name, '"y"' if name == "Cache-Groups" else "y")])["purged"] == 1
    assert one.get("/t").get("X-N") == "2" and one.get("/p").get("X-N") == "1"


@pytest.mark.parametrize("more,fields", [("soft", []), ("on", [("Soft-Purge", "1")])])
def test_a_soft_purge_makes_stale(front, more, fields):
    one = front(answer(b"old", fields=[FRESH, TAG]), confirmed(TAG), more=f"cache_purge {more};")
    one.get()
    assert purge(one, fields=fields)["soft"] is True
    assert one.get().get("X-Cache") == "REVALIDATED" and one.get().get("X-Cache") == "HIT"


def test_purge_is_not_there_unless_it_is_said(front):
    one = front(numbered(FRESH))
    one.get()
    one.get(method="PURGE")
    assert one.origin.requests[1].method == "PURGE"


def test_access_rules_hold_for_purge(front):
    one = front(numbered(FRESH), more="cache_purge on; limit_except GET { deny all; }")
    one.get()
    assert one.get(method="PURGE").status == 403 and one.get().get("X-N") == "1"


def test_the_endpoint(front):
    one = front(numbered(FRESH, ("Cache-Tag", "t")),
                more="} location = /purge { cache_purge_endpoint c;")
    keep = one.server
    for path in ("/a", "/b", "/c"):
        one.get(path)
    key = f"http127.0.0.1:{one.origin.port}"
    assert purge(one, f"/purge?key={key}/a", method="POST")["purged"] == 1
    assert purge(one, f"/purge?prefix={key}%2Fb", method="DELETE")["purged"] == 1
    assert purge(one, "/purge?tag=t", method="POST")["purged"] == 1
    one.get("/a")
    assert purge(one, "/purge?all=1", method="POST")["purged"] == 1
    assert one.get("/purge?all=1").status == 405 and one.get("/purge", method="POST").status == 400
    assert keep is one.server


def test_a_purge_holds_in_all_workers_at_once(front):
    one = front(numbered(FRESH), more="cache_purge on;", main="worker_processes 3;", single=False)
    wait_for("workers", lambda: len(children(one.server.process.pid)) >= 3)
    for n in range(1, 20):
        assert {one.get().get("X-N") for _ in range(5)} == {str(n)}
        purge(one)


# ---- Telling. ----

def test_the_policy_of_a_url_is_explained(front):
    one = front(answer(), more="proxy_cache_valid 404 1m; proxy_cache_key $uri; cache_purge soft;")
    said = one.server.run("-M", f"http://a:{one.server.port}/").stdout
    for line in ("proxy_cache: zone c, one fetch for all who wait", "by the rules of RFC 9111", "of status 404: 60 s",
                 "10% of the time since Last-Modified, at most 86400 s", "asked about by its validators", "PURGE makes stale"):
        assert line in said, said


def test_zones_and_outcomes_are_counted(front):
    one = front(answer(b"x", fields=[FRESH]), more="} location = /metrics { metrics prometheus;")
    for path in ("/a", "/a", "/b"):
        one.get(path)
    said = one.get("/metrics").body.decode()
    assert 'weir_cache_zone_entries{zone="c"} 2' in said
    assert 'weir_cache_requests_total{status="HIT"} 1' in said and 'weir_cache_requests_total{status="MISS"} 2' in said
    assert 'weir_cache_zone_fills_total{zone="c"} 2' in said


def test_a_304_is_no_fill_that_broke_off(front):
    one = front(answer(b"x", fields=[*STALE, TAG]), confirmed(TAG, FRESH), more="} location = /metrics { metrics prometheus;")
    assert [one.get("/a").get("X-Cache") for _ in range(3)] == ["MISS", "REVALIDATED", "HIT"]
    assert 'weir_cache_zone_fill_failures_total{zone="c"} 0' in one.get("/metrics").body.decode()


# ---- nginx's rules. ----

def test_nginx_rules_take_no_notice_of_age_and_authorization(front):
    one = front(numbered(FRESH, ("Age", "7200")), more="cache_rules nginx;")
    one.get(fields=[("Authorization", "Basic YTpi")])
    hit = one.get()
    assert hit.get("X-N") == "1" and hit.all("Age") in ([], ["7200"])


def test_compat_nginx_begins_with_nginxs_defaults(front):
    release = threading.Event()

    def slow(request):
        release.wait(30)
        return answer(b"x", fields=[FRESH])
    one = front(slow, main="compat nginx;")
    clients = all_at_once(one, 3)
    wait_for("all of them", lambda: one.asked == 3)
    release.set()
    assert bodies(clients) == {b"x"}
