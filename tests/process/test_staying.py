"""What a cache needs of the server: going on with a function, ends that wait, a course taken once more."""

import pytest

from weir.server import wait_for
from weir.wire import Connection, fetch

pytestmark = pytest.mark.weir_only
STAY = r"""location = /twice { twice on; } location = /late { late on; } location = /tagged { tagged on; }
           location ~ ^/again/(.*)$ { again on; says "$1 $is_args"; }
           location /moved { rewrite ^/moved/(.*) /again/$1 last; }"""


@pytest.fixture
def server(make_server):
    return make_server(STAY, main="load_module %MODULE:stay%;").start()


def test_a_function_goes_on_in_the_handlers_place_and_may_wait_again(server):
    with Connection(server.port) as c:
        for _ in range(3):
            assert c.get("/twice").body == b"twice"
    assert "ticket" not in server.error_log.read_text()


def test_an_end_waits_until_it_is_let_go_and_the_connection_does_not(server):
    with Connection(server.port) as c:
        for _ in range(3):
            got = c.get("/late")
            assert got.body == b"late" and got.get("X-Ended") == "0"
        wait_for("the ends", lambda: int(c.get("/late").get("X-Ended")) >= 3)


def test_a_client_that_leaves_ends_what_is_held(server):
    with Connection(server.port) as c:
        assert c.get("/late").body == b"late"
    assert fetch(server.port, "/late").status == 200


@pytest.mark.parametrize("path,says", [("/again/x?y=1", b"/again/x|y=1|42|x ?"), ("/again/a%20b", b"/again/a b||42|a b "),
                                       ("/moved/z?q", b"/again/z|q|42|z ?")])
def test_a_course_is_taken_once_more_from_where_it_stands(server, path, says):
    assert fetch(server.port, path).body == says


@pytest.mark.parametrize("field,status", [
    ('If-None-Match: "t"', 304), ('If-None-Match: "u"', 200), ('If-Match: "u"', 412), ('If-Match: "t"', 200),
    ("If-Modified-Since: Mon, 07 Nov 1994 08:49:37 GMT", 304), ("If-Modified-Since: Sat, 05 Nov 1994 08:49:37 GMT", 200),
    ("If-Unmodified-Since: Sat, 05 Nov 1994 08:49:37 GMT", 412)])
def test_preconditions_by_what_a_module_knows(server, field, status):
    """[RFC 9110 13.2.2]"""
    assert fetch(server.port, "/tagged", fields=[field]).status == status
