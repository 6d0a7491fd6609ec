"""The cache in front of an origin: what RFC 9111 asks of a shared cache, a claim each.

An origin counts what it is asked. A response that is stale when it arrives (by Age) takes the place of waiting.
"""

import threading

import pytest

from weir.cached import FRESH, STALE, TAG, confirmed, date, front, is_used, numbered  # noqa: F401
from weir.recorder import answer, chunked
from weir.server import wait_for
from weir.wire import Connection

pytestmark = pytest.mark.weir_only

# ---- Storing. [RFC 9111 3] ----

STORED = {
    "max-age [5.2.2.1]": [FRESH],
    "s-maxage [5.2.2.10]": [("Cache-Control", "s-maxage=3600")],
    "s-maxage outdoes max-age [4.2.1]": [("Cache-Control", "max-age=0, s-maxage=3600")],
    "Expires [5.3]": [("Expires", date(3600)), ("Date", date())],
    "max-age outdoes Expires [5.3]": [FRESH, ("Expires", date(-3600)), ("Date", date())],
    "max-age outdoes an invalid Expires [5.3]": [FRESH, ("Expires", "0")],
    "public with a guess [5.2.2.9]": [("Cache-Control", "public"), ("Last-Modified", date(-86400 * 90))],
    "a guess by Last-Modified [4.2.2]": [("Last-Modified", date(-86400 * 90))],
    "names of directives in capitals [5.2]": [("Cache-Control", "MaX-aGe=3600")],
    "a quoted number [5.2]": [("Cache-Control", 'max-age="3600"')],
    "leading zeros [1.2.2]": [("Cache-Control", "max-age=003600")],
    "a number past 32 bits [1.2.2]": [("Cache-Control", "max-age=99999999999")],
    "unknown directives [5.2.3]": [("Cache-Control", "foo=bar, max-age=3600, x-y")],
    "a comma in an unknown directive's string [5.2.3]": [("Cache-Control", 'foo="a, no-store, b", max-age=3600')],
    "two lines of Cache-Control [5.2]": [("Cache-Control", "public"), FRESH],
    "must-understand, a status that is, no-store [5.2.2.3]": [("Cache-Control", "must-understand, no-store, max-age=3600")],
    "immutable [RFC 8246 2]": [("Cache-Control", "max-age=3600, immutable")],
    "Set-Cookie with public": [("Cache-Control", "public, max-age=3600"), ("Set-Cookie", "a=b")],
    "qualified no-cache [5.2.2.4]": [("Cache-Control", 'max-age=3600, no-cache="X-A"'), ("X-A", "1")],
    "qualified private [5.2.2.7]": [("Cache-Control", 'max-age=3600, private="X-A"'), ("X-A", "1")],
    "Vary on nothing that differs [4.1]": [FRESH, ("Vary", "X-Foo")],
    "an Age below the lifetime [4.2.3]": [FRESH, ("Age", "1800")],
    "a negative Age [5.1]": [FRESH, ("Age", "-7200")],
    "an Age of letters [5.1]": [FRESH, ("Age", "abc")],
    "a broken Age [5.1]": [FRESH, ("Age", "7200.0")],
    "the first member of Age [5.1]": [FRESH, ("Age", "0, 7200")],
    "the first line of Age [5.1]": [FRESH, ("Age", "0"), ("Age", "7200")],
    "Pragma beside Cache-Control [5.4]": [FRESH, ("Pragma", "no-cache")],
    "CDN-Cache-Control [RFC 9213 2.2]": [("Cache-Control", "no-store"), ("CDN-Cache-Control", "max-age=3600")],
    "CDN-Cache-Control outdoes Expires [RFC 9213 2.2]": [("Expires", "0"), ("CDN-Cache-Control", "max-age=3600")],
    "CDN-Cache-Control with parameters [RFC 9213 2.1]": [("CDN-Cache-Control", 'max-age=3600;foo=bar, x=("a" 2;b);c, y=?0')],
    "broken CDN-Cache-Control counts for nothing [RFC 9213 2.1]": [FRESH, ("CDN-Cache-Control", "max-age=0, &")],
    "empty CDN-Cache-Control counts for nothing [RFC 9213 2.2]": [FRESH, ("CDN-Cache-Control", "")],
    "Surrogate-Control": [("Cache-Control", "no-store"), ("Surrogate-Control", "MaX-aGe=3600")],
    "Surrogate-Control for another": [FRESH, ("Surrogate-Control", "no-store;other")],
    "X-Accel-Expires is not obeyed unless trusted": [FRESH, ("X-Accel-Expires", "0")],
}

NOT_STORED = {
    "no-store [5.2.2.5]": [("Cache-Control", "max-age=3600, no-store")],
    "NO-STORE [5.2]": [("Cache-Control", "max-age=3600, NO-STORE")],
    "no-store on another line [5.2]": [FRESH, ("Cache-Control", "no-store")],
    "private [5.2.2.7]": [("Cache-Control", "private, max-age=3600")],
    "no-cache [5.2.2.4]": [("Cache-Control", "no-cache, max-age=3600")],
    "max-age=0 [4.2.1]": [("Cache-Control", "max-age=0")],
    "s-maxage=0 beside max-age [5.2.2.10]": [("Cache-Control", "max-age=3600, s-maxage=0")],
    "a negative number [4.2.1]": [("Cache-Control", "max-age=-3600")],
    "a fraction [4.2.1]": [("Cache-Control", "max-age=3600.0")],
    "letters behind a number [4.2.1]": [("Cache-Control", "max-age=3600a")],
    "letters in front of a number [4.2.1]": [("Cache-Control", "max-age=a3600")],
    "single quotes [5.2]": [("Cache-Control", "max-age='3600'")],
    "no number [4.2.1]": [("Cache-Control", "max-age=")],
    "two numbers that differ [4.2.1]": [("Cache-Control", "max-age=3600, max-age=1800")],
    "max-age in a string [5.2]": [("Cache-Control", 'foo="max-age=3600"')],
    "Expires in the past [5.3]": [("Expires", date(-3600)), ("Date", date())],
    "Expires that is Date [4.2.1]": [("Expires", date()), ("Date", date())],
    "Expires: 0 [5.3]": [("Expires", "0")],
    "two lines of Expires [4.2.1]": [("Expires", date(3600)), ("Expires", date(3601))],
    "an Age past the lifetime [4.2]": [FRESH, ("Age", "7200")],
    "an Age of 2147483647 [4.2]": [FRESH, ("Age", "2147483647")],
    "an Age of 2147483648 [1.2.2]": [FRESH, ("Age", "2147483648")],
    "an old first member of Age [5.1]": [FRESH, ("Age", "7200, 0")],
    "an old Age with a parameter [5.1]": [FRESH, ("Age", "7200;foo=bar")],
    "an old first line of Age [5.1]": [FRESH, ("Age", "7200"), ("Age", "0")],
    "an old Date [4.2.3]": [FRESH, ("Date", date(-7200))],
    "Vary: * [4.1]": [FRESH, ("Vary", "*")],
    "* among others [4.1]": [FRESH, ("Vary", "X-Foo, *")],
    "* on a second line [4.1]": [FRESH, ("Vary", "X-Foo"), ("Vary", "*")],
    "* behind an empty member [4.1]": [FRESH, ("Vary", ", *")],
    "Set-Cookie": [FRESH, ("Set-Cookie", "a=b")],
    "no lifetime at all [3]": [],
    "must-understand, a status that is not [5.2.2.3]": ("299 Odd", [("Cache-Control", "must-understand, max-age=3600")]),
    "a part [3.3]": ("206 Partial Content", [FRESH, ("Content-Range", "bytes 0-5/10")]),
    "a guess for a status that has none [4.2.2]": ("201 Created", [("Last-Modified", date(-86400 * 90))]),
    "CDN-Cache-Control [RFC 9213 2.2]": [FRESH, ("CDN-Cache-Control", "no-store")],
    "CDN-Cache-Control, a number past the list [RFC 9213 2.2]": [FRESH, ("CDN-Cache-Control", "max-age=0")],
    "the last of two members counts [RFC 9213 2.1]": [("CDN-Cache-Control", "max-age=3600, max-age=0")],
}

DATES = ["Thu, 18 Aug 2050 02:01:18 PST", "Thu, 18-Aug-2050 02:01:18 GMT", "Thu, 18 Aug 50 02:01:18 GMT",
         "Thu 18 Aug 2050 02:01:18 GMT", "Thu, 18  Aug  2050 02:01:18 GMT", "Thu, 18 Aug 2050 02.01.18 GMT",
         "Thu, 18 Aug 2050 2:01:18 GMT", "18 Aug 2050 02:01:18 GMT", "Thu, 18 Aug 2050 02:01:18", "tomorrow", ""]


def split(case):
    return case if isinstance(case, tuple) else ("200 OK", case)


@pytest.mark.parametrize("name", STORED)
def test_is_stored_and_used(front, name):
    status, fields = split(STORED[name])
    assert is_used(front, *fields, status=status)


@pytest.mark.parametrize("name", NOT_STORED)
def test_is_not_used_without_asking(front, name):
    status, fields = split(NOT_STORED[name])
    assert not is_used(front, *fields, status=status)


@pytest.mark.parametrize("text", DATES)
def test_what_is_no_date_has_expired(front, text):
    """[RFC 9111 5.3]"""
    assert not is_used(front, ("Expires", text))


@pytest.mark.parametrize("text", ["Thu, 18 Aug 2050 02:01:18 GMT", "Thu Aug 18 02:01:18 2050"])
def test_expires_in_the_forms_of_http(front, text):
    """[RFC 9110 5.6.7]"""
    assert is_used(front, ("Expires", text))


@pytest.mark.parametrize("status", ["200 OK", "203 Odd", "299 Odd", "300 Several", "301 Moved", "302 Found", "307 There",
                                    "308 There", "400 Bad", "404 Not Found", "405 No", "410 Gone", "414 Long", "451 Law",
                                    "499 Odd", "500 Error", "501 No", "503 Busy", "599 Odd"])
def test_a_status_with_a_lifetime_is_stored(front, status):
    """[RFC 9111 3]"""
    assert is_used(front, FRESH, status=status)


@pytest.mark.parametrize("status", ["200 OK", "203 Odd", "300 Several", "301 Moved", "308 There", "404 Not Found", "405 No",
                                    "410 Gone", "414 Long", "501 No"])
def test_a_status_that_may_be_guessed_about(front, status):
    """[RFC 9111 4.2.2; RFC 9110 15.1]"""
    assert is_used(front, ("Last-Modified", date(-86400 * 90)), status=status)


def test_a_bodiless_status_is_stored(front):
    one = front(b"HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\n\r\n")
    assert one.get().status == 204 and one.get().status == 204 and one.asked == 1


# ---- Authorization. [RFC 9111 3.5] ----

AUTH = [("Authorization", "Basic YTpi")]


@pytest.mark.parametrize("control", ["public, max-age=3600", "s-maxage=3600", "must-revalidate, max-age=3600"])
def test_a_response_to_authorization_is_stored_when_it_says_so(front, control):
    assert is_used(front, ("Cache-Control", control), first=AUTH)


@pytest.mark.parametrize("fields", [[FRESH], [("Expires", date(3600))], [("Cache-Control", "proxy-revalidate, max-age=3600")]])
def test_a_response_to_authorization_is_not_stored_otherwise(front, fields):
    assert not is_used(front, *fields, first=AUTH)


def test_what_is_stored_answers_a_request_with_authorization(front):
    assert is_used(front, FRESH, second=AUTH)


# ---- What is sent on a hit. ----

def test_a_hit_has_age_and_the_origins_date(front):
    """[RFC 9111 4, 5.1]"""
    when = date(-30)
    one = front(answer(fields=[FRESH, ("Date", when)]))
    one.get()
    hit = one.get()
    assert hit.get("Date") == when and 30 <= int(hit.get("Age")) <= 40 and hit.get("X-Cache") == "HIT"


def test_age_goes_on_from_the_one_that_came(front):
    """[RFC 9111 4.2.3]"""
    one = front(answer(fields=[FRESH, ("Age", "100")]))
    one.get()
    hit = one.get()
    assert 100 <= int(hit.get("Age")) <= 110 and len(hit.all("Age")) == 1


def test_fields_of_the_hop_are_not_stored(front):
    """[RFC 9111 3.1]"""
    one = front(answer(fields=[FRESH, ("Connection", "X-Hop"), ("X-Hop", "1"), ("Proxy-Authenticate", "x"), ("X-End", "1")]))
    one.get()
    hit = one.get()
    assert hit.get("X-End") == "1" and hit.get("X-Hop") is None and hit.get("Proxy-Authenticate") is None


def test_fields_listed_by_no_cache_and_private_are_not_stored(front):
    """[RFC 9111 5.2.2.4, 5.2.2.7]"""
    one = front(answer(fields=[("Cache-Control", 'max-age=60, no-cache="X-A", private="X-B, Set-Cookie"'), ("X-A", "1"),
                               ("X-B", "1"), ("X-C", "1")]))
    assert one.get().get("X-A") == "1"
    hit = one.get()
    assert hit.get("X-Cache") == "HIT" and hit.get("X-C") == "1" and hit.get("X-A") is None and hit.get("X-B") is None


def test_fields_order_and_repetition_stay(front):
    fields = [("X-A", "1"), ("X-B", "2"), ("X-A", "3"), ("Link", "</a>"), ("Link", "</b>")]
    one = front(answer(fields=[FRESH, *fields]))
    one.get()
    hit = one.get()
    assert [f for f in hit.fields if f[0] in ("X-A", "X-B", "Link")] == fields


@pytest.mark.parametrize("size", [0, 1, 1000, 65536, 300000, 3000000])
@pytest.mark.parametrize("chunks", [False, True])
def test_bodies_come_back_as_they_came(front, size, chunks):
    body = bytes(i * 7 % 251 for i in range(1000)) * (size // 1000) + b"x" * (size % 1000)
    reply = chunked(*([body] if body else []), fields=[FRESH]) if chunks else answer(body, fields=[FRESH])
    one = front(reply)
    assert one.get().body == body and one.get().body == body
    assert one.asked == 1


def test_a_body_that_is_cut_is_not_stored(front):
    """[RFC 9111 3.3]"""
    def cut(request):
        request.last = True
        return b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nabc"
    one = front(cut, answer(b"whole", fields=[FRESH]))
    with pytest.raises(Exception):
        one.get()
    assert one.get().body == b"whole"


# ---- HEAD. ----

def test_a_head_is_answered_from_a_gets_entry(front):
    """[RFC 9111 4]"""
    one = front(answer(b"12345", fields=[FRESH]))
    one.get()
    head = one.get(method="HEAD")
    assert head.get("X-Cache") == "HIT" and head.get("Content-Length") == "5" and one.asked == 1


def test_a_head_fetches_the_whole(front):
    one = front(answer(b"12345", fields=[FRESH]))
    head = one.get(method="HEAD")
    assert head.status == 200 and head.get("Content-Length") == "5"
    wait_for("the body", lambda: one.get().get("X-Cache") == "HIT")
    assert [r.method for r in one.origin.requests] == ["GET"]


def test_convert_head_off_passes_it_on(front):
    one = front(answer(b"", fields=[FRESH]), more="proxy_cache_convert_head off;")
    one.get(method="HEAD")
    one.get(method="HEAD")
    assert [r.method for r in one.origin.requests] == ["HEAD", "HEAD"]


# ---- Vary. [RFC 9111 4.1] ----

VARY_SAME = [
    ("X-A", [("X-A", "1")], [("X-A", "1")]),
    ("x-a", [("X-A", "1")], [("X-A", "1")]),
    ("X-A, X-B", [("X-A", "1"), ("X-B", "2")], [("X-B", "2"), ("X-A", "1")]),
    ("X-A", [("X-A", "1"), ("X-A", "2")], [("X-A", "1, 2")]),
    ("Accept-Language", [("Accept-Language", "en, de")], [("Accept-Language", "en,de")]),
    ("Accept-Language", [("Accept-Language", "en, de")], [("Accept-Language", "de, en")]),
    ("Accept-Language", [("Accept-Language", "en")], [("Accept-Language", "EN")]),
    ("Accept-Encoding", [("Accept-Encoding", "gzip;q=1, br")], [("Accept-Encoding", "br, gzip ; q=1")]),
    ("X-A", [("X-A", "1,2")], [("X-A", "1 , 2")]),
    ("X-A", [], []),
]
VARY_OTHER = [
    ("X-A", [("X-A", "1")], [("X-A", "2")]),
    ("X-A", [("X-A", "1")], []),
    ("X-A", [], [("X-A", "")]),
    ("X-A, X-B", [("X-A", "1"), ("X-B", "2")], [("X-A", "1"), ("X-B", "3")]),
    ("X-A", [("X-A", "a")], [("X-A", "A")]),
    ("X-A", [], [("X-A", "1")]),
    ("Accept-Encoding", [("Accept-Encoding", "gzip")], [("Accept-Encoding", "gzip, br")]),
]


@pytest.mark.parametrize("vary,first,second", VARY_SAME)
def test_a_variant_is_used_for_the_same_choice(front, vary, first, second):
    assert is_used(front, FRESH, ("Vary", vary), first=first, second=second)


@pytest.mark.parametrize("vary,first,second", VARY_OTHER)
def test_a_variant_is_not_used_for_another_choice(front, vary, first, second):
    assert not is_used(front, FRESH, ("Vary", vary), first=first, second=second)


def test_variants_lie_beside_each_other(front):
    one = front(numbered(FRESH, ("Vary", "X-A")))
    for n in ("1", "2", "3"):
        assert one.get(fields=[("X-A", n)]).get("X-N") == n
    for n in ("2", "1", "3"):
        assert one.get(fields=[("X-A", n)]).get("X-N") == n
    assert one.asked == 3


def test_vary_on_two_lines_counts_whole(front):
    fields = [FRESH, ("Vary", "X-A"), ("Vary", "X-B")]
    assert not is_used(front, *fields, first=[("X-B", "1")], second=[("X-B", "2")])


def test_another_vary_takes_the_place_of_the_first(front):
    one = front(answer(b"a", fields=[FRESH, ("Vary", "X-A")]), answer(b"b", fields=[FRESH, ("Vary", "X-B")]))
    one.get(fields=[("X-A", "1")])
    assert one.get(fields=[("X-A", "2"), ("X-B", "1")]).body == b"b"
    assert one.get(fields=[("X-A", "1"), ("X-B", "1")]).body == b"b" and one.asked == 2


DEVICE = "proxy_cache_key $uri; proxy_set_header X-Device $arg_d;"


def test_a_field_that_is_set_for_the_origin_chooses_as_the_origin_sees_it(front):
    """It is what the response was made from. [RFC 9111 4.1]"""
    one = front(lambda request: answer((request.get("X-Device") or "none").encode(), fields=[FRESH, ("Vary", "X-Device")]), more=DEVICE)
    for _ in range(2):
        for device in ("phone", "desk"):
            assert one.get(f"/?d={device}", fields=[("X-Device", "other")]).body == device.encode()
        assert one.get("/", fields=[("X-Device", "other")]).body == b"none"
    assert one.asked == 3


@pytest.mark.parametrize("more", ['proxy_set_header Accept-Language "";', "proxy_set_header Accept-Language en;",
                                  "proxy_pass_request_headers off;"])
def test_a_field_that_the_origin_does_not_see_chooses_nothing(front, more):
    one = front(numbered(FRESH, ("Vary", "Accept-Language")), more=more)
    assert [one.get(fields=[("Accept-Language", a)]).body for a in ("de", "fr")] == [b"body 1"] * 2 and one.asked == 1


@pytest.mark.parametrize("before,after", [([], [("Vary", "X-A")]), ([("Vary", "X-B")], [("Vary", "X-A")]), ([("Vary", "X-A")], [("Vary", "X-B")])])
def test_what_a_304_says_to_vary_is_not_used_for_another_choice(front, before, after):
    """[RFC 9111 4.1, 4.3.4]"""
    one = front(answer(b"old", fields=[*STALE, TAG, *before]), confirmed(FRESH, TAG, *after), numbered(FRESH, *after))
    ask = [("X-A", "1"), ("X-B", "1")]
    assert one.get(fields=ask).body == one.get(fields=ask).body == b"old"
    assert one.get(fields=[("X-A", "2"), ("X-B", "2")]).body == b"body 1" and one.asked == 3


@pytest.mark.parametrize("after", [[], [("Vary", "x-a")]])
def test_a_304_that_says_the_same_of_variants_keeps_them(front, after):
    one = front(answer(b"old", fields=[*STALE, TAG, ("Vary", "X-A")]), confirmed(FRESH, TAG, *after))
    for _ in range(3):
        assert one.get(fields=[("X-A", "1")]).body == b"old"
    assert one.asked == 2


@pytest.mark.parametrize("name,value,how", [("X-A", "1", ""), ("Accept-Language", "de", ""),
                                            ("X-A", "1", "proxy_cache_key $uri$http_x_a; proxy_ignore_headers Vary;")])
def test_a_field_that_connection_keeps_from_the_origin_chooses_nothing_for_others(front, name, value, how):
    """[RFC 9110 7.6.1; RFC 9111 4.1]"""
    one = front(lambda request: answer((request.get(name) or "none").encode(), fields=[FRESH, ("Vary", name)]), more=how)
    client = Connection(one.server.port)
    client.send(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: {name}\r\n{name}: {value}\r\n\r\n".encode())
    assert client.response(b"GET").body == b"none"
    for _ in range(2):
        assert one.get(fields=[(name, value)]).body == value.encode()
    assert one.asked == 2


@pytest.mark.parametrize("said", ["keep-alive", "close", "X-A", "TE, close", "Upgrade, HTTP2-Settings"])
def test_what_connection_says_of_the_connection_alone_is_no_matter(front, said):
    one = front(answer(b"x", fields=[FRESH]))
    client = Connection(one.server.port)
    client.send(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: {said}\r\nTE: trailers\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n".encode())
    assert client.response(b"GET").body == b"x" and one.get().get("X-Cache") == "HIT"


# ---- Preconditions and ranges answered here. [RFC 9111 4.3.2; RFC 9110 13, 14] ----

VALIDATORS = [FRESH, ("ETag", '"a"'), ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")]
LATER, EARLIER = "Mon, 07 Nov 1994 08:49:37 GMT", "Sat, 05 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize("fields,status", [
    ([("If-None-Match", '"a"')], 304), ([("If-None-Match", 'W/"a"')], 304), ([("If-None-Match", '"b", "a"')], 304),
    ([("If-None-Match", "*")], 304), ([("If-None-Match", '"b"')], 200), ([("If-Modified-Since", LATER)], 304),
    ([("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")], 304), ([("If-Modified-Since", EARLIER)], 200),
    ([("If-None-Match", '"b"'), ("If-Modified-Since", LATER)], 200),
    ([("If-None-Match", '"a"'), ("If-Modified-Since", EARLIER)], 304),
    ([("If-Match", '"b"')], 412), ([("If-Match", '"a"')], 200), ([("If-Unmodified-Since", EARLIER)], 412),
    ([("If-Modified-Since", "nonsense")], 200)])
@pytest.mark.parametrize("hit", [False, True])
def test_preconditions(front, fields, status, hit):
    one = front(answer(b"12345", fields=VALIDATORS))
    if hit:
        one.get()
    assert one.get(fields=fields).status == status
    wait_for("the body", lambda: one.get().get("X-Cache") == "HIT")
    assert one.asked == 1
    assert not {"If-None-Match", "If-Modified-Since", "If-Match"} & {n for n, _ in one.origin.requests[0].fields}


def test_a_304_has_the_fields_that_it_must(front):
    """[RFC 9110 15.4.5]"""
    one = front(answer(fields=[*VALIDATORS, ("Vary", "X-A"), ("Content-Location", "/x"), ("Expires", date(3600))]))
    one.get()
    got = one.get(fields=[("If-None-Match", '"a"')])
    assert got.status == 304
    for name in ("Cache-Control", "Content-Location", "Date", "ETag", "Expires", "Vary", "Age"):
        assert got.get(name) is not None, name


@pytest.mark.parametrize("text,status,body", [
    ("bytes=0-1", 206, b"01"), ("bytes=8-", 206, b"89"), ("bytes=-3", 206, b"789"), ("bytes=20-", 416, None),
    ("items=0-1", 200, b"0123456789")])
@pytest.mark.parametrize("hit", [False, True])
def test_ranges_of_what_is_whole(front, text, status, body, hit):
    one = front(answer(b"0123456789", fields=VALIDATORS))
    if hit:
        one.get()
    got = one.get(fields=[("Range", text)])
    assert got.status == status and (body is None or got.body == body)
    assert one.get().body == b"0123456789" and one.asked == 1
    assert one.origin.requests[0].get("Range") is None


def test_if_range(front):
    one = front(answer(b"0123456789", fields=VALIDATORS))
    one.get()
    assert one.get(fields=[("Range", "bytes=0-1"), ("If-Range", '"a"')]).status == 206
    assert one.get(fields=[("Range", "bytes=0-1"), ("If-Range", '"b"')]).status == 200


def test_a_range_behind_the_offset_is_passed_on(front):
    one = front(answer(b"0123456789", fields=VALIDATORS), more="proxy_cache_max_range_offset 4;")
    one.get(fields=[("Range", "bytes=5-6")])
    assert one.origin.requests[0].get("Range") == "bytes=5-6"
    assert one.get().get("X-Cache") == "MISS"


# ---- Revalidation. [RFC 9111 4.3] ----

def test_a_stale_response_is_asked_about_by_its_validators(front):
    """[RFC 9111 4.3.1]"""
    one = front(answer(b"x", fields=[*STALE, ("ETag", '"a"'), ("Last-Modified", LATER)]),
                confirmed(("ETag", '"a"'), FRESH))
    one.get()
    got = one.get(fields=[("If-None-Match", '"mine"')])
    assert got.status == 200 and got.body == b"x" and got.get("X-Cache") == "REVALIDATED"
    assert one.origin.requests[1].all("If-None-Match") == ['"a"']
    assert one.origin.requests[1].all("If-Modified-Since") == [LATER]
    assert one.get().get("X-Cache") == "HIT" and one.asked == 2


def test_a_304_brings_the_fields_up_to_date(front):
    """[RFC 9111 3.2, 4.3.4]"""
    one = front(answer(b"old", fields=[*STALE, ("ETag", '"a"'), ("X-A", "1"), ("X-B", "1"), ("Content-Foo", "1"),
                                       ("Content-Type", "text/plain")]),
                confirmed(("ETag", '"a"'), FRESH, ("X-A", "2"), ("X-A", "3"), ("X-C", "4"), ("Content-Foo", "2"),
                          ("Content-Length", "77"), ("Content-Type", "text/html"), ("Content-Encoding", "gzip")))
    one.get()
    for got in (one.get(), one.get()):
        assert got.all("X-A") == ["2", "3"] and got.all("X-B") == ["1"] and got.get("X-C") == "4"
        assert got.get("Content-Foo") == "2" and got.get("Content-Length") == "3" and got.body == b"old"
        assert got.get("Content-Type") == "text/html" and got.get("Content-Encoding") is None
        assert got.get("Cache-Control") == "max-age=3600"
    assert one.asked == 2


@pytest.mark.parametrize("name,value", [("Content-Encoding", "gzip"), ("Content-Range", "bytes 0-1/9"), ("Content-Length", "99"), ("ETag", 'W/"a"')])
def test_a_304_does_not_change_what_is_said_of_the_body(front, name, value):
    """[RFC 9111 3.2]"""
    one = front(answer(b"old", fields=[*STALE, TAG]), confirmed(FRESH, TAG, (name, value)) if name != "ETag" else confirmed(FRESH, (name, value)))
    one.get()
    for got in (one.get(), one.get()):
        assert got.body == b"old" and got.get("ETag") == '"a"' and got.get(name) != value
    assert one.asked == 2


def test_an_unsafe_request_is_written_through(front):
    """[RFC 9111 4]"""
    one = front(numbered(FRESH))
    one.get()
    for method in ("POST", "PUT", "DELETE", "PATCH", "MKCOL"):
        assert one.get(method=method).get("X-N") == str(one.asked) and one.origin.requests[-1].method == method


def test_a_304_answers_a_client_that_has_it(front):
    one = front(answer(b"x", fields=[*STALE, ("ETag", '"a"')]), confirmed(("ETag", '"a"'), FRESH))
    one.get()
    assert one.get(fields=[("If-None-Match", '"a"')]).status == 304


def test_a_new_response_takes_the_place_of_the_stale_one(front):
    """[RFC 9111 4.3.3]"""
    one = front(answer(b"old", fields=[*STALE, ("ETag", '"a"')]), answer(b"new", fields=[FRESH, ("ETag", '"b"')]))
    one.get()
    got = one.get()
    assert got.body == b"new" and got.get("X-Cache") == "EXPIRED" and one.get().body == b"new" and one.asked == 2


def test_no_cache_is_stored_and_asked_about_each_time(front):
    """[RFC 9111 5.2.2.4]"""
    one = front(answer(b"x", fields=[("Cache-Control", "no-cache"), ("ETag", '"a"')]), confirmed(("ETag", '"a"')))
    for _ in range(3):
        assert one.get().body == b"x"
    assert [r.get("If-None-Match") for r in one.origin.requests] == [None, '"a"', '"a"']


def test_revalidate_off_fetches_the_whole(front):
    one = front(answer(b"x", fields=[*STALE, ("ETag", '"a"')]), more="proxy_cache_revalidate off;")
    one.get()
    one.get()
    assert one.origin.requests[1].get("If-None-Match") is None


# ---- Stale responses. [RFC 9111 4.2.4; RFC 5861] ----

def closing(request):
    return None


BROKEN = {"closed": closing, "500": answer(status="500 Error"), "503": answer(status="503 Busy"),
          "garbage": b"what is this\r\n\r\n"}
@pytest.mark.parametrize("control,served", [
    ("max-age=10", True), ("max-age=10, must-revalidate", False), ("max-age=10, proxy-revalidate", False),
    ("no-cache, max-age=10", False), ("s-maxage=10", False), ("s-maxage=10, stale-if-error=60", True)])
def test_stale_when_the_origin_closes(front, control, served):
    one = front(answer(b"old", fields=[("Cache-Control", control), ("Age", "20"), TAG]), closing)
    one.get()
    got = one.get()
    assert (got.status, got.body) == (200, b"old") if served else got.status == 502
    assert not served or (got.get("X-Cache") == "STALE" and int(got.get("Age")) >= 20)


@pytest.mark.parametrize("how,span,served", [
    ("500", 60, True), ("503", 60, True), ("closed", 60, True), ("garbage", 60, True), ("500", 5, False), ("503", 0, False)])
def test_stale_if_error(front, how, span, served):
    """[RFC 5861 4]"""
    one = front(answer(b"old", fields=[("Cache-Control", f"max-age=10, stale-if-error={span}"), ("Age", "20"), TAG]),
                BROKEN[how], more="proxy_cache_use_stale off;")
    one.get()
    assert (one.get().status == 200) == served


@pytest.mark.parametrize("status,word", [("500 Error", "http_500"), ("403 No", "http_403"), ("404 Not Found", "http_404"),
                                         ("429 Slow", "http_429")])
def test_use_stale_names_failures(front, status, word):
    one = front(answer(b"old", fields=[*STALE, TAG]), answer(status=status), more=f"proxy_cache_use_stale {word};")
    one.get()
    assert one.get().body == b"old"
    other = front(answer(b"old", fields=[*STALE, TAG]), answer(status=status))
    other.get()
    assert other.get().status == int(status[:3])


def test_stale_while_revalidate(front):
    """[RFC 5861 3]"""
    one = front(answer(b"old", fields=[("Cache-Control", "max-age=10, stale-while-revalidate=60"), ("Age", "20"), TAG]),
                answer(b"new", fields=[FRESH]))
    one.get()
    got = one.get()
    assert got.body == b"old" and got.get("X-Cache") == "STALE"
    wait_for("the new one", lambda: one.get().body == b"new")
    assert one.asked == 2


def test_stale_while_revalidate_only_within_its_window(front):
    one = front(answer(b"old", fields=[("Cache-Control", "max-age=10, stale-while-revalidate=5"), ("Age", "20"), TAG]),
                answer(b"new", fields=[FRESH]))
    one.get()
    assert one.get().body == b"new"


def test_a_background_update_by_a_304(front):
    one = front(answer(b"old", fields=[("Cache-Control", "max-age=10, stale-while-revalidate=60"), ("Age", "20"), TAG]),
                confirmed(TAG, FRESH))
    one.get()
    assert one.get().get("X-Cache") == "STALE"
    wait_for("the update", lambda: one.get().get("X-Cache") == "HIT")
    assert one.asked == 2 and one.origin.requests[1].get("If-None-Match") == '"a"'


def test_use_stale_updating(front):
    release = threading.Event()

    def slow(request):
        release.wait(30)
        return answer(b"new", fields=[FRESH])
    one = front(answer(b"old", fields=[*STALE, TAG]), slow, more="proxy_cache_use_stale updating;")
    one.get()
    assert one.get().get("X-Cache") == "STALE"
    wait_for("the update", lambda: one.asked == 2)
    assert one.get().get("X-Cache") == "UPDATING" and one.asked == 2
    release.set()
    wait_for("the new one", lambda: one.get().body == b"new")


# ---- Invalidation. [RFC 9111 4.4] ----

@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "FOO"])
def test_an_unsafe_method_makes_invalid(front, method):
    one = front(numbered(FRESH))
    one.get("/a")
    one.get("/a", method=method)
    assert one.get("/a").get("X-N") == "3"


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_a_safe_method_does_not(front, method):
    one = front(numbered(FRESH))
    one.get("/a")
    one.get("/a", method=method)
    assert one.get("/a").get("X-N") == "1"


@pytest.mark.parametrize("status", ["404 Not Found", "500 Error"])
def test_an_error_makes_nothing_invalid(front, status):
    one = front(answer(b"x", fields=[FRESH]), answer(status=status))
    one.get()
    one.get(method="POST")
    assert one.get().body == b"x" and one.asked == 2


@pytest.mark.parametrize("name", ["Location", "Content-Location"])
@pytest.mark.parametrize("value,gone", [("/b", True), ("b", True), ("http://a/b", True), ("//a/b", True), ("../b", True),
                                        ("http://other/b", False), ("https://a/b", False), ("/c", False)])
def test_other_uris_of_the_same_origin_are_made_invalid(front, name, value, gone):
    one = front(numbered(FRESH), lambda r: answer(fields=[(name, value)]))
    replies = numbered(FRESH)
    one.replies = [lambda r: answer(fields=[(name, value)]) if r.method == "POST" else replies(r)]
    one.get("/b")
    one.get("/a", method="POST")
    assert (one.get("/b").get("X-N") == "2") == gone


@pytest.mark.parametrize("target", ["/a", "http://a/a"])
def test_other_uris_are_read_against_the_requests_own(front, target):
    """Whichever form the request's target has.  [RFC 9112 3.2.2]"""
    replies = numbered(FRESH)
    one = front(lambda r: answer(fields=[("Location", "b")]) if r.method == "POST" else replies(r))
    one.get("/b")
    one.get(target, method="POST")
    assert one.get("/b").get("X-N") == "2"


def test_all_variants_are_made_invalid(front):
    one = front(numbered(FRESH, ("Vary", "X-A")))
    one.get(fields=[("X-A", "1")])
    one.get(fields=[("X-A", "2")])
    one.get(method="POST")
    assert one.get(fields=[("X-A", "1")]).get("X-N") == "4" and one.get(fields=[("X-A", "2")]).get("X-N") == "5"


def test_a_group_is_made_invalid(front):
    """[RFC 9875 3]"""
    replies = numbered(FRESH, ("Cache-Groups", '"g", "h"'))
    one = front(lambda r: answer(fields=[("Cache-Group-Invalidation", '"h"')]) if r.method == "POST" else replies(r))
    one.get("/a")
    one.get("/other", method="POST")
    wait_for("the group to go", lambda: one.get("/a").get("X-N") != "1")


# ---- Interim responses. ----

@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints"])
def test_interim_responses_are_not_stored(front, status):
    """[RFC 9111 3]"""
    one = front(f"HTTP/1.1 {status}\r\nLink: </a>\r\nX-I: 1\r\n\r\n".encode() + answer(b"x", fields=[FRESH]))
    one.get()
    hit = one.get()
    assert hit.body == b"x" and hit.get("X-I") is None and one.asked == 1


# ---- Wishes of requests. [RFC 9111 5.2.1] ----

@pytest.mark.parametrize("wish,used", [
    ("no-cache", False), ("max-age=0", False), ("max-age=10", False), ("max-age=100", True), ("min-fresh=10", True),
    ("min-fresh=3590", False), ("only-if-cached", True), ("foo", True)])
def test_wishes_are_obeyed_where_that_is_said(front, wish, used):
    fields = [FRESH, ("Age", "50")]
    assert is_used(front, *fields, second=[("Cache-Control", wish)], more="cache_obey_request on;") == used
    assert is_used(front, *fields, second=[("Cache-Control", wish)])


def test_only_if_cached_and_nothing_is(front):
    one = front(answer(fields=[FRESH]), more="cache_obey_request on;")
    assert one.get(fields=[("Cache-Control", "only-if-cached")]).status == 504 and one.asked == 0


def test_no_store_in_a_request(front):
    assert not is_used(front, FRESH, first=[("Cache-Control", "no-store")], more="cache_obey_request on;")


def test_max_stale(front):
    one = front(answer(b"x", fields=[*STALE, TAG]), more="cache_obey_request on;")
    one.get()
    assert one.get(fields=[("Cache-Control", "max-stale=100")]).get("X-Cache") == "HIT"
    assert one.get(fields=[("Cache-Control", "max-stale=5")]).get("X-Cache") == "EXPIRED"
