"""Coming back to a TLS session: in other workers, after a reload, and never at a site it was not made at."""

import itertools
import os
import signal
import ssl

import pytest

from weir.authority import authority
from weir.server import wait_for
from weir.tls import V12, V13, TlsConnection, context, s_client

LISTEN = "listen 127.0.0.1:%PORT% ssl;"
PAIR = "ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;"
WHO = 'location / { return 200 "$pid $ssl_session_reused $ssl_session_id"; }'


def one_site(make_server, more, **rest):
    return make_server(f"{PAIR}{more}{WHO}", listen=rest.pop("listen", LISTEN), **rest)


def visit(server, with_context, session=None, name="a.example", path="/"):
    """One connection and request: (pid, resumed as both ends see it, session)."""
    with TlsConnection(server.port, name, with_context, session) as conn:
        body = conn.get(path, host=name).body.decode().split()
        assert (body[1] == "r") == conn.reused
        return int(body[0]), conn.reused, conn.session


def resumes(server, with_context, **rest):
    session = visit(server, with_context, **rest)[2]
    return visit(server, with_context, session, **rest)[1]


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("conf, tickets, ids", [
    ("", True, False),
    ("ssl_session_tickets off;", False, False),
    ("ssl_session_cache off; ssl_session_tickets off;", False, False),
    ("ssl_session_cache none; ssl_session_tickets off;", False, False),
    ("ssl_session_cache builtin; ssl_session_tickets off;", True, True),
    ("ssl_session_cache builtin:100 shared:s:64k; ssl_session_tickets off;", True, True),
    ("ssl_session_cache shared:s:64k;", True, True),
])
def test_where_sessions_are_kept(make_server, version, conf, tickets, ids):
    server = one_site(make_server, conf).start()
    assert resumes(server, context(version)) == tickets
    if version == V12:                          # without tickets, by the session's id alone
        assert resumes(server, context(version, tickets=False)) == ids


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("conf", ["", "ssl_session_tickets off; ssl_session_cache shared:s:1m;"])
def test_sessions_are_all_workers(make_server, version, conf):
    server = one_site(make_server, conf, single=False, main="worker_processes 3;").start()
    c = context(version)
    seen, session, resumed = set(), None, []
    for visits in range(16):
        if visits == 8 and len(seen) == 1:      # the kernel may well prefer one: make that one deaf
            os.kill(next(iter(seen)), signal.SIGSTOP)
        pid, again, fresh = visit(server, c, session)
        resumed.append(again)
        session = fresh
        seen.add(pid)
    for pid in seen:
        os.kill(pid, signal.SIGCONT)
    assert len(seen) > 1
    assert not resumed[0] and all(resumed[1:])


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("conf", ["", "ssl_session_tickets off; ssl_session_cache shared:s:1m;"])
def test_sessions_outlive_a_reload(make_server, version, conf):
    server = one_site(make_server, conf, single=False).start()
    old = wait_for("a worker", server.workers)
    c = context(version)
    first, _, session = visit(server, c)
    server.kill(signal.SIGHUP)
    wait_for("new workers", lambda: server.workers() and not set(old) & set(server.workers()))
    pid, again, _ = visit(server, c, session)
    assert pid != first and again


def test_keys_of_files_are_used_by_all_that_have_them(make_server):
    one = one_site(make_server, "ssl_session_ticket_key %TLS%/ticket80;").start()
    two = one_site(make_server, "ssl_session_ticket_key %TLS%/ticket48; ssl_session_ticket_key %TLS%/ticket80;",
                   listen=LISTEN).start()
    other = one_site(make_server, "ssl_session_ticket_key %TLS%/ticket48;").start()
    # The site's identity has its address in it: only the same one takes its sessions, so the ports have to be the same.
    c = context(V13)
    session = visit(one, c)[2]
    assert visit(one, c, session)[1]
    assert not visit(other, c, session)[1]
    assert resumes(two, c)


def test_sessions_end_with_their_time(make_server):
    server = one_site(make_server, "ssl_session_timeout 1s;").start()
    said = s_client(server, "-tls1_2")
    assert "Timeout   : 7200" in said or "lifetime hint: 1 " in said
    assert "lifetime hint: 1 (seconds)" in said
    day = one_site(make_server, "ssl_session_timeout 1d;").start()
    assert "lifetime hint: 86400 (seconds)" in s_client(day, "-tls1_2")


def test_a_client_gets_one_ticket(make_server):
    server = one_site(make_server, "").start()
    said = s_client(server, "-tls1_3", "-ign_eof", stdin="GET / HTTP/1.0\nHost: a\n\n")
    assert said.count("Post-Handshake New Session Ticket arrived") == 1


# ---- Identity: every pair of sites, names and versions.

def two_sites(make_server, verify="on", more="", **rest):
    def site(name, extra):
        return (f"{LISTEN} server_name {name}; ssl_certificate %TLS%/{name}.pem; ssl_certificate_key %TLS%/{name}.key;"
                f'{extra} location / {{ return 200 "{name} $ssl_client_verify $ssl_session_reused"; }}')
    demands = f"ssl_verify_client {verify}; ssl_client_certificate %TLS%/clients.pem;" if verify else ""
    return make_server(site("a.example", ""), listen="", http=more, servers=[site("b.example", demands)],
                       **rest).start()


CACHES = ["", "ssl_session_tickets off; ssl_session_cache shared:s:1m;", "ssl_session_cache shared:s:1m;"]


@pytest.mark.parametrize("more", CACHES)
@pytest.mark.parametrize("version, tickets", [(V12, True), (V12, False), (V13, True)])
def test_a_guarded_site_is_reached_with_its_certificate_only(make_server, version, tickets, more):
    """Whatever name stands in SNI, in Host, and in the session that is come back with."""
    server = two_sites(make_server, "on", more)
    made = {}
    for sni, client in itertools.product(("a.example", "b.example", None), (None, "alice", "mallory")):
        c = context(version, client, tickets, verify=False)
        with TlsConnection(server.port, sni, c) as conn:
            try:
                conn.get("/", host=sni or "a.example")
            except (ssl.SSLError, AssertionError):
                pass
            made[sni, client] = c, conn.session
    for (origin, client), (c, session) in made.items():
        for sni, host in itertools.product(("a.example", "b.example", None), ("a.example", "b.example")):
            with TlsConnection(server.port, sni, c, session) as conn:
                resumed = conn.reused
                answer = conn.get("/", host=host)
            home = {"a.example": "a.example", "b.example": "b.example", None: "a.example"}
            if resumed:                         # only where it was made
                assert home[origin] == home[sni]
            if host != home[sni]:
                assert answer.status == 421, (origin, sni, host, client)
            elif host == "b.example":
                good = client == "alice"
                assert answer.status == (200 if good else 400), (origin, sni, host, client, answer)
                if good:
                    assert answer.body.startswith(b"b.example SUCCESS")
            else:
                assert answer.status == 200 and answer.body.startswith(b"a.example")


@pytest.mark.parametrize("version", [V12, V13])
def test_sites_with_equal_demands_are_reached_over_one_connection(make_server, version):
    server = two_sites(make_server, verify=None)
    with TlsConnection(server.port, "a.example", context(version)) as conn:
        assert conn.get("/", host="b.example").body.startswith(b"b.example NONE")
    c = context(version)
    c.check_hostname = False
    with TlsConnection(server.port, "a.example", c) as conn:    # its sessions stay its own all the same
        conn.get("/", host="a.example")
        session = conn.session
    with TlsConnection(server.port, "b.example", c, session) as conn:
        conn.get("/", host="b.example")
        assert not conn.reused


@pytest.mark.parametrize("version", [V12, V13])
def test_sessions_end_when_the_authorities_change(make_server, version):
    server = two_sites(make_server, "on", single=False)
    old = wait_for("a worker", server.workers)
    c = context(version, "alice")
    with TlsConnection(server.port, "b.example", c) as conn:
        assert conn.get("/", host="b.example").status == 200
        session = conn.session
    server.configure(server.text.replace("clients.pem", "strangers.pem"))
    server.kill(signal.SIGHUP)
    wait_for("new workers", lambda: server.workers() and not set(old) & set(server.workers()))
    with TlsConnection(server.port, "b.example", c, session) as conn:
        answer = conn.get("/", host="b.example")
        assert not conn.reused and answer.status == 400
