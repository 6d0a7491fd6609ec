"""Sealed and signed cookies: what a browser holds, what the application sees, what happens to what was tampered with."""

import base64
import hashlib
import hmac
import os
import signal

import pytest

from weir.server import wait_for
from weir.wire import fetch

pytestmark = pytest.mark.weir_only
FIRST, SECOND = os.urandom(32).hex(), os.urandom(40).hex()
CONF = """
    cookie_keys %s;
    cookie_policy id* seal; cookie_policy name sign; cookie_policy both seal rename=__Host-both;
    location = /set { add_header Set-Cookie "$arg_cookie; Path=/"; add_header Set-Cookie "free=1"; return 200 set; }
    location / { return 200 "$http_cookie"; }
    location /one { return 200 "$cookie_id|$cookie_name"; }
    location /far { proxy_pass http://127.0.0.1:%%PORT2%%; }
    location /open { cookie_open_limit 2; return 200 "$http_cookie"; }
    location /other { cookie_keys hex:%s; return 200 "$http_cookie"; }
"""
FAR = ["listen 127.0.0.1:%PORT2%; location / { return 200 \"$http_cookie\"; }"]


@pytest.fixture
def server(make_server):
    return make_server(CONF % (f"hex:{FIRST}", SECOND), servers=FAR).start()


def given(server, cookie):
    """What the browser gets for a cookie of the application's: its pair, and the rest of the line."""
    lines = fetch(server.port, f"/set?cookie={cookie}").all("Set-Cookie")
    assert lines[1] == "free=1"
    return lines[0].partition(";")[0], lines[0].partition(";")[2]


def seen(server, cookie, path="/"):
    """What the application gets of a Cookie field."""
    return fetch(server.port, path, fields=[f"Cookie: {cookie}"]).body.decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def derived(key, use):
    return hmac.new(bytes.fromhex(key), use, hashlib.sha256).digest()


def test_a_sealed_value_shows_nothing_and_comes_back(server):
    pair, rest = given(server, "id=secret-value")
    assert pair.startswith("id=") and rest == " Path=/" and "secret" not in pair
    assert b"secret" not in decoded(pair[3:]) and len(decoded(pair[3:])) == 12 + len("secret-value") + 16
    assert seen(server, pair) == "id=secret-value"
    assert seen(server, f"a=1; {pair}; b=2", "/far") == "a=1; id=secret-value; b=2"


def test_the_same_value_is_sealed_anew_each_time(server):
    assert given(server, "id=x")[0] != given(server, "id=x")[0]


def test_a_signed_value_is_readable_and_its_signature_is_what_it_says(server):
    pair = given(server, "name=Joe")[0]
    value, _, signature = pair[len("name="):].rpartition(".")
    assert value == "Joe"
    assert decoded(signature) == hmac.new(derived(FIRST, b"weir cookie sign 1"), b"name=Joe", hashlib.sha256).digest()
    assert seen(server, pair) == "name=Joe"


def test_variables_have_what_was_opened(server):
    both = "; ".join([given(server, "id=7")[0], given(server, "name=Joe")[0]])
    assert seen(server, both, "/one") == "7|Joe"


def test_every_byte_of_it_counts(server):
    for cookie in ("id=1", "name=Joe"):
        pair = given(server, cookie)[0]
        for i in range(pair.index("=") + 1, len(pair)):
            other = "A" if pair[i] != "A" else "B"
            assert seen(server, pair[:i] + other + pair[i + 1:]) == "", f"byte {i} of {pair}"
            assert seen(server, pair[:i]) == ""
        assert seen(server, pair + "A") == ""
        assert seen(server, f"{cookie}") == ""


def test_a_value_belongs_to_its_name(server):
    sealed = given(server, "id=1")[0].partition("=")[2]
    assert seen(server, f"id2={sealed}") == ""
    assert seen(server, f"name={sealed}") == ""
    signed = given(server, "name=1")[0].partition("=")[2]
    assert seen(server, f"id={signed}") == ""


def test_a_tampered_cookie_leaves_the_others_alone_and_is_counted(make_server):
    server = make_server(CONF % (f"hex:{FIRST}", SECOND) + "location = /status { metrics prometheus; }", servers=FAR).start()
    assert seen(server, "a=1; id=forged; b=2") == "a=1; b=2"
    counted = fetch(server.port, "/status").body.decode()
    assert 'weir_cookies_opened_total{result="refused"} 1' in counted


def test_the_name_that_browsers_know_is_bound_too(server):
    pair, rest = given(server, "both=1")
    assert pair.startswith("__Host-both=") and rest == " Path=/; Secure"
    assert seen(server, pair) == "both=1"
    assert seen(server, pair.replace("__Host-both", "both")) == ""


def test_the_first_key_makes_and_all_open(make_server):
    old = make_server(CONF % (f"hex:{FIRST}", SECOND), servers=FAR).start()
    new = make_server(CONF % (f"hex:{SECOND} hex:{FIRST}", SECOND), servers=FAR).start()
    for cookie in ("id=1", "name=1"):
        assert seen(new, given(old, cookie)[0]) == cookie
        assert seen(new, given(new, cookie)[0]) == cookie
        assert seen(old, given(new, cookie)[0]) == ""


def test_a_location_may_have_keys_of_its_own(server):
    assert seen(server, given(server, "id=1")[0], "/other") == ""


def test_keys_come_from_files_and_follow_a_reload(make_server):
    server = make_server(CONF % ("%PREFIX%/key", SECOND), servers=FAR, single=False)
    key = server.prefix / "key"
    key.write_text(FIRST + "\n")
    server.start()
    before = given(server, "id=1")[0]
    assert seen(server, before) == "id=1"
    key.write_text(SECOND + "\n")
    server.kill(signal.SIGHUP)
    wait_for("the new key", lambda: seen(server, before) == "")
    assert seen(server, given(server, "id=2")[0]) == "id=2"


@pytest.mark.parametrize("cookie", ["=id=evil", "ID=evil", "Id=evil", "a=1; =id=evil"])
def test_a_line_for_all_other_cookies_lets_nothing_pose(make_server, cookie):
    server = make_server(f"cookie_keys hex:{FIRST}; cookie_policy id seal; cookie_policy * plain;"
                         "location / { return 200 \"$http_cookie|$cookie_id\"; }").start()
    assert "evil" not in seen(server, cookie)


def test_nothing_poses_as_a_guarded_cookie(server):
    good = given(server, "id=1")[0]
    assert seen(server, f"ID=evil; {good}", "/one") == "1|"
    for cookie in ("=id=evil", "= id=evil", "Name=evil", "BOTH=evil", "both=evil", 'x="y; id=evil"'):
        assert "evil" not in seen(server, cookie), cookie
    assert seen(server, "alone; Free=1") == "alone; Free=1"


@pytest.mark.parametrize("value", ["1", "12", "123", "1234"])
@pytest.mark.parametrize("name", ["id", "name"])
def test_a_sealed_value_is_spelt_in_one_way(server, name, value):
    pair = given(server, f"{name}={value}")[0]
    assert seen(server, pair) == f"{name}={value}"
    for more in ("A", "AA", "=", "==", "A=", "AAAA"):
        assert seen(server, pair + more) == "", more


def test_names_may_be_longer_for_the_application_than_in_the_browser(make_server):
    long = [f"the_application_s_own_name_of_cookie_{n}" for n in range(20)]
    rules = "".join(f"cookie_policy {name} plain rename=c{n};" for n, name in enumerate(long))
    server = make_server(f"cookie_keys hex:{FIRST}; {rules} location / {{ return 200 $http_cookie; }}").start()
    came = "; ".join(f"c{n}={n}" for n in range(20))
    assert seen(server, came) == "; ".join(f"{name}={n}" for n, name in enumerate(long))


def test_no_more_are_opened_than_the_limit_says(server):
    pair = given(server, "id=1")[0]
    assert seen(server, "; ".join([pair] * 4), "/open") == "id=1; id=1"


def test_what_would_be_too_long_for_a_browser_is_not_sent(server):
    server.allowed = "too long then"
    answer = fetch(server.port, "/set?cookie=id=" + "x" * 3500)
    assert answer.all("Set-Cookie") == ["free=1"]
