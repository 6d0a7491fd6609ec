"""Certificates that change while the server runs: taken up without a reload, by workers that may not read the files."""

import os
import shutil
import signal

import pytest

from weir.authority import authority
from weir.server import wait_for
from weir.tls import TlsConnection, context

LISTEN = "listen 127.0.0.1:%PORT% ssl;"
CONF = "ssl_certificate %PREFIX%/site.pem; ssl_certificate_key %PREFIX%/site.key;" 'location / { return 200 "$pid"; }'


def put(server, name, part):
    """Make name's certificate or key the site's, as tools do: a new file under the old name."""
    fresh = server.prefix / f"fresh{part}"
    shutil.copyfile(authority() / f"{name}{part}", fresh)
    fresh.chmod(0o600)
    fresh.rename(server.prefix / f"site{part}")


def make(make_server, more="", **rest):
    server = make_server(more + CONF, listen=LISTEN, **rest)
    for part in (".pem", ".key"):
        put(server, "a.example", part)
    return server.start()


def shown(server):
    """(common name, pid) as a new connection sees it."""
    c = context()
    c.check_hostname = False
    with TlsConnection(server.port, "a.example", c) as conn:
        return conn.peer, int(conn.get("/").body)


@pytest.mark.parametrize("single", [True, False])
def test_a_new_certificate_is_taken_up(make_server, single):
    server = make(make_server, single=single, **({} if single else {"main": "worker_processes 2;"}))
    before = {shown(server)[1] for _ in range(20)}
    assert shown(server)[0] == "a.example"
    put(server, "b.example", ".key")                    # half of it changes nothing
    wait_for("the half", lambda: "key values mismatch" in server.log() and "stays" in server.log())
    assert shown(server)[0] == "a.example"
    put(server, "b.example", ".pem")
    wait_for("the whole", lambda: all(shown(server)[0] == "b.example" for _ in range(8)))
    assert {shown(server)[1] for _ in range(20)} <= before or not single
    assert "certificate" in server.log() and "has changed and is used from now on" in server.log()


def test_a_worker_that_comes_later_has_it_too(make_server):
    server = make(make_server, single=False)
    worker = wait_for("a worker", server.workers)[0]
    for part in (".key", ".pem"):
        put(server, "b.example", part)
    wait_for("it", lambda: shown(server)[0] == "b.example")
    assert shown(server)[1] == worker
    server.allowed = "exited on signal"
    os.kill(worker, signal.SIGKILL)
    wait_for("another", lambda: server.workers() and worker not in server.workers())
    assert shown(server)[0] == "b.example"


def test_rubbish_changes_nothing(make_server):
    server = make(make_server)
    (server.prefix / "site.pem").write_text("rubbish")
    wait_for("a word", lambda: "the one in use stays" in server.log())
    assert shown(server)[0] == "a.example"
    (server.prefix / "site.pem").unlink()
    assert shown(server)[0] == "a.example"
    put(server, "a.example", ".pem")
    put(server, "weak.example", ".key")
    put(server, "weak.example", ".pem")
    wait_for("a word", lambda: shown(server)[0] == "a.example" and "the certificate in use stays" in server.log())


def test_only_where_it_is_wanted(make_server):
    server, other = make(make_server, http="ssl_certificate_reload off;"), make(make_server)
    for part in (".key", ".pem"):
        put(server, "b.example", part)
    for _ in range(2):                                  # twice the time in which the other one looks
        for name in ("b.example", "a.example"):
            for part in (".key", ".pem"):
                put(other, name, part)
            wait_for("the other", lambda: shown(other)[0] == name)
    assert shown(server)[0] == "a.example"
