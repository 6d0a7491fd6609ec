"""Requests with a body: responses to POST, where proxy_cache_methods has it, and to a GET that has one.  [RFC 9110 9.3.3; RFC 9111 4, 4.4]"""

import pytest

from weir.cached import FRESH, STALE, TAG, date, front  # noqa: F401
from weir.recorder import answer
from weir.wire import Connection

pytestmark = pytest.mark.weir_only

METHODS = "proxy_cache_methods GET HEAD POST;"


def by_method(*posted, got=(FRESH,), status="200 OK"):
    """Says which method it answered, and its number."""
    count = iter(range(1, 1000))

    def reply(request):
        body = f"{request.method} {next(count)}".encode()
        return answer(body, fields=posted, status=status) if request.method == "POST" else answer(body, fields=got)
    return reply


def post(one, path="/a?b=1", **rest):
    return one.get(path, method="POST", body=b"x", **rest).body


def get(one, path="/a?b=1", **rest):
    return one.get(path, **rest).body


SAME = {
    "the target": "/a?b=1",
    "a relative reference": "a?b=1",
    "the query alone": "?b=1",
    "the whole URI": "http://a/a?b=1",
    "the host in capitals": "HTTP://A/a?b=1",
}
OTHER = {
    "another path": "/b?b=1",
    "another query": "/a?b=2",
    "no query": "/a",
    "another host": "http://b/a?b=1",
    "another scheme": "https://a/a?b=1",
    "no URI": "http://",
}


@pytest.mark.parametrize("case", SAME)
def test_a_post_whose_content_location_is_its_target_answers_a_get(front, case):
    """[RFC 9110 9.3.3]"""
    one = front(by_method(FRESH, ("Content-Location", SAME[case])), more=METHODS)
    assert post(one) == b"POST 1" and get(one) == b"POST 1"
    assert one.get("/a?b=1", method="HEAD").get("X-Cache") == "HIT" and one.asked == 1


@pytest.mark.parametrize("case", OTHER)
def test_a_post_that_names_another_uri_answers_no_get(front, case):
    """[RFC 9110 9.3.3]"""
    one = front(by_method(FRESH, ("Content-Location", OTHER[case])), more=METHODS)
    assert post(one) == b"POST 1" and get(one) == b"GET 2" and get(one) == b"GET 2"


def test_a_post_that_names_nothing_answers_posts_alone(front):
    one = front(by_method(FRESH), more=METHODS)
    assert post(one) == post(one) == b"POST 1" and get(one) == b"GET 2"


def test_two_content_locations_are_none(front):
    one = front(by_method(FRESH, ("Content-Location", "/a?b=1"), ("Content-Location", "/a?b=1")), more=METHODS)
    assert post(one) == b"POST 1" and get(one) == b"GET 2"


@pytest.mark.parametrize("fields", [[("Last-Modified", date(-86400 * 90))], []], ids=["a guess", "the configuration"])
def test_freshness_has_to_be_explicit(front, fields):
    """[RFC 9110 9.3.3]"""
    one = front(by_method(*fields, ("Content-Location", "/a?b=1")), more=METHODS + "proxy_cache_valid 1h;")
    assert post(one) == b"POST 1" and get(one) == b"GET 2"


@pytest.mark.parametrize("fields", [[("Expires", date(3600)), ("Date", date())], [("CDN-Cache-Control", "max-age=60")]])
def test_expires_and_its_like_are_explicit(front, fields):
    one = front(by_method(*fields, ("Content-Location", "/a?b=1")), more=METHODS)
    assert post(one) == b"POST 1" and get(one) == b"POST 1"


def test_a_get_answers_no_post(front):
    """A POST may change something. [RFC 9110 9.3.3]"""
    one = front(by_method(FRESH), more=METHODS)
    assert get(one) == b"GET 1" and post(one) == b"POST 2" and get(one) == b"GET 3"


def test_by_nginxs_rules_the_key_alone_counts(front):
    one = front(by_method(FRESH), more=METHODS + "cache_rules nginx;")
    assert post(one) == b"POST 1" and get(one) == b"POST 1"


def test_without_the_directive_a_post_is_passed_on(front):
    one = front(by_method(FRESH, ("Content-Location", "/a?b=1")))
    assert post(one) == b"POST 1" and get(one) == b"GET 2" and post(one) == b"POST 3"


def test_a_key_with_the_body_keeps_posts_apart(front):
    one = front(by_method(FRESH), more=METHODS + "proxy_cache_key $request_uri$request_body;")
    assert one.get(method="POST", body=b"x").body == one.get(method="POST", body=b"x").body == b"POST 1"
    assert one.get(method="POST", body=b"y").body == b"POST 2"


@pytest.mark.parametrize("field", [("Cache-Control", "no-store"), ("X-A", "nothing of freshness")])
def test_a_post_that_is_not_stored_makes_the_get_invalid(front, field):
    """[RFC 9111 4.4]"""
    one = front(by_method(field), more=METHODS)
    assert get(one) == b"GET 1" and post(one) == b"POST 2" and get(one) == b"GET 3"


def test_a_post_that_is_stored_makes_what_it_names_invalid(front):
    """[RFC 9111 4.4]"""
    one = front(by_method(FRESH, ("Location", "/c"), ("Content-Location", "/b")), more=METHODS)
    assert get(one, "/b") == b"GET 1" and get(one, "/c") == b"GET 2" and post(one) == b"POST 3"
    assert get(one, "/b") == b"GET 4" and get(one, "/c") == b"GET 5"


def test_a_post_that_fails_changes_nothing(front):
    one = front(by_method(("Cache-Control", "no-store"), status="500 No"), more=METHODS)
    assert get(one) == b"GET 1" and post(one) == b"POST 2" and get(one) == b"GET 1"


def test_a_post_that_breaks_off_makes_the_get_invalid(front):
    """It has changed something all the same."""
    replies = by_method(FRESH)

    def cut(request):
        said = replies(request)
        if request.method == "POST":
            request.last = True
            return said[:-3]
        return said
    one = front(cut, more=METHODS)
    assert get(one) == b"GET 1"
    c = Connection(one.server.port)
    c.send(b"POST /a?b=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
    with pytest.raises(Exception):
        c.response(b"POST")
    assert get(one) == b"GET 3"


def test_a_stale_post_is_not_asked_about_but_sent(front):
    """A condition would stop it. [RFC 9110 13.1.2]"""
    one = front(by_method(*STALE, TAG, ("Cache-Control", "stale-while-revalidate=3600")), more=METHODS)
    assert post(one) == b"POST 1" and post(one) == b"POST 2"
    assert one.origin.requests[1].get("If-None-Match") is None and one.origin.requests[1].body == b"x"


def test_a_get_asks_whether_what_a_post_left_still_holds(front):
    def reply(request):
        if request.method == "POST":
            return answer(b"POST", fields=[("Content-Location", "/a?b=1"), TAG, ("Cache-Control", "max-age=60, no-cache"),
                                           ("Age", "1")])
        return answer(b"", status="304 Not Modified", fields=[TAG, FRESH], length=None)
    one = front(reply, more=METHODS)
    post(one)
    assert get(one) == b"POST" and one.origin.requests[1].get("If-None-Match") == TAG[1]


# ---- Bodies that a key is about, or not. ----

BODY = "proxy_cache_key $request_uri|$request_body; client_body_buffer_size 1k;"


def echoes(request):
    return answer(b"to " + request.body[:9], fields=[FRESH])


def test_what_a_get_with_a_body_brought_is_nobody_elses(front):
    """An origin that reads it would have one client decide what others get. [RFC 9110 9.3.1]"""
    one = front(echoes)
    assert get(one, body=b"evil") == b"to evil" and get(one) == b"to " and get(one) == b"to "
    assert get(one, body=b"more") == b"to more" and one.get(body=b"x").get("X-Cache") == "BYPASS"


def test_a_body_without_bytes_is_none(front):
    one = front(echoes)
    c = Connection(one.server.port)
    for _ in range(2):
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert c.response(b"GET").body == b"to "
    assert one.asked == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_key_with_the_body_keeps_requests_apart(front, method):
    one = front(echoes, more=METHODS + BODY)
    for body in (b"a", b"b", b"a", b"b"):
        assert one.get(method=method, body=body).body == b"to " + body
    assert one.asked == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_in_a_file_is_in_no_key(front, method):
    """$request_body has nothing then, so the key would be one for all."""
    one = front(echoes, more=METHODS + BODY)
    for body in (b"a" * 5000, b"b" * 5000, b""):
        assert one.get(method=method, body=body).body == b"to " + body[:9]
    assert one.asked == 3


def test_a_post_whose_body_is_in_a_file_makes_the_get_invalid(front):
    one = front(by_method(FRESH), more=METHODS + "client_body_buffer_size 1k;")
    assert get(one) == b"GET 1" and one.get("/a?b=1", method="POST", body=b"a" * 5000).body == b"POST 2" and get(one) == b"GET 3"


def test_by_nginxs_rules_a_gets_body_does_not_matter(front):
    one = front(echoes, more="cache_rules nginx;")
    assert get(one, body=b"a") == b"to a" and get(one) == b"to a"


def test_a_stale_answer_to_a_body_is_not_brought_up_to_date_without_it(front):
    one = front(lambda r: answer(b"to " + r.body, fields=[*STALE, ("Cache-Control", "stale-while-revalidate=3600")]), more=BODY)
    for _ in range(2):
        assert get(one, body=b"a") == b"to a"
    assert one.asked == 2 and one.origin.requests[1].body == b"a"
