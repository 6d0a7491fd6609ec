"""Certificates that change while the server runs: taken up without a reload, by workers that may not read the files."""

import os
import shutil
import signal

import pytest

from weir.authority import authority
from weir.server import wait_for
from weir.tls import TlsConnection, context, s_client

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
    assert "site.pem" in server.log() and "has changed and is used from now on" in server.log()


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
    wait_for("a word", lambda: shown(server)[0] == "a.example" and "what is in use stays" in server.log())


def test_only_where_it_is_wanted(make_server):
    server, other = make(make_server, http="ssl_certificate_reload off;"), make(make_server)
    for part in (".key", ".pem"):
        put(server, "b.example", part)
    for name in ("b.example", "a.example"):             # twice the time in which the other one looks
        for part in (".key", ".pem"):
            put(other, name, part)
        wait_for("the other", lambda: shown(other)[0] == name)
    assert shown(server)[0] == "a.example"


@pytest.mark.parametrize("cache, taken_up", [("max=4 inactive=1h valid=1h", False), ("max=4 inactive=1h valid=1ms", True),
                                             ("max=4 inactive=1ms valid=1h", True), ("off", True)])
def test_what_variables_name_is_kept_while_it_holds(make_server, cache, taken_up):
    server = make_server(f"ssl_certificate_cache {cache};" + CONF.replace("site.", "$site."), listen=LISTEN,
                         http="map $ssl_server_name $site { default site; }")
    for name in ("a.example", "b.example"):
        for part in (".key", ".pem"):
            put(server, name, part)
        if name == "a.example":
            assert shown(server.start())[0] == name
    if taken_up:
        wait_for("the other one", lambda: shown(server)[0] == "b.example")
    else:
        assert {shown(server)[0] for _ in range(10)} == {"a.example"}


# ---- Other files.

def place(folder, name, text):
    """Text as the file called name, that none but the master reads."""
    fresh = folder / "fresh"
    fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
    fresh.chmod(0o600)
    fresh.rename(folder / name)


def text_of(name):
    return (authority() / name).read_bytes()


def make_with(make_server, files, conf, single=False):
    server = make_server('ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;' + conf +
                         'location / { return 200 "$ssl_client_verify"; }', listen=LISTEN, single=single)
    for name, text in files.items():
        place(server.prefix, name, text)
    return server.start()


def verify(server, client, session=None, with_context=None):
    with TlsConnection(server.port, with_context=with_context or context(client=client), session=session) as conn:
        answer = conn.get("/")
        return (answer.status, conn.reused, conn.session)


CLIENTS = "ssl_verify_client on; ssl_client_certificate %PREFIX%/clients.pem;"


@pytest.mark.parametrize("single", [True, False])
def test_other_authorities_are_taken_up(make_server, single):
    server = make_with(make_server, {"clients.pem": text_of("clients.pem")}, CLIENTS, single)
    assert verify(server, "alice")[0] == 200 and verify(server, "mallory")[0] == 400
    place(server.prefix, "clients.pem", "nothing")
    wait_for("a word about it", lambda: "clients.pem" in server.log() and "what is in use stays" in server.log())
    assert verify(server, "alice")[0] == 200
    place(server.prefix, "clients.pem", text_of("strangers.pem"))
    wait_for("the others", lambda: verify(server, "mallory")[0] == 200)
    assert verify(server, "alice")[0] == 400


def test_who_is_revoked_later_does_not_come_back(make_server):
    empty = empty_list(authority())
    server = make_with(make_server, {"clients.pem": text_of("clients.pem"), "crl.pem": empty},
                       CLIENTS + "ssl_crl %PREFIX%/crl.pem;")
    c = context(client="bob")
    status, _, session = verify(server, "bob", with_context=c)
    assert status == 200 and verify(server, "bob", session, c)[:2] == (200, True)
    place(server.prefix, "crl.pem", text_of("crl.pem"))
    wait_for("the list", lambda: verify(server, "bob", session, c)[:2] == (400, False))
    assert verify(server, "alice")[0] == 200


def empty_list(folder):
    """What the clients' authority said before it revoked anybody."""
    import tempfile
    from pathlib import Path
    from weir.authority import openssl
    with tempfile.TemporaryDirectory() as place_:
        target = Path(place_)
        for name in ("clients.pem", "clients.key", "ca.cnf"):
            shutil.copyfile(folder / name, target / name)
        (target / "index.txt").write_text("")
        (target / "crlnumber").write_text("01\n")
        openssl(target, "ca", "-config", "ca.cnf", "-cert", "clients.pem", "-keyfile", "clients.key", "-gencrl", "-out", "crl.pem")
        return (target / "crl.pem").read_bytes()


def test_other_responses_are_stapled(make_server, tmp_path):
    from weir.authority import make_ocsp
    for name in ("ca.pem", "ca.key", "a.example.pem"):
        shutil.copyfile(authority() / name, tmp_path / name)
    make_ocsp(tmp_path, "a.example", "ca", "R")
    server = make_with(make_server, {"ocsp.der": text_of("ocsp.der")}, "ssl_stapling on; ssl_stapling_file %PREFIX%/ocsp.der;")
    assert "Cert Status: good" in s_client(server, "-status")
    place(server.prefix, "ocsp.der", (tmp_path / "ocsp.der").read_bytes())
    wait_for("the other", lambda: "Cert Status: revoked" in s_client(server, "-status"))


def test_other_parameters_are_used(make_server):
    from weir.authority import openssl
    server = make_with(make_server, {"dh.pem": text_of("dh.pem")}, "ssl_dhparam %PREFIX%/dh.pem; ssl_ciphers DHE; ssl_certificate "
                       "%TLS%/rsa.example.pem; ssl_certificate_key %TLS%/rsa.example.key;")
    words = ("-tls1_2", "-cipher", "DHE")
    assert "2048 bits" in s_client(server, *words)
    place(server.prefix, "dh.pem", openssl(server.prefix, "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt",
                                           "group:ffdhe3072"))
    wait_for("them", lambda: "3072 bits" in s_client(server, *words))


def test_a_passphrase_may_change_with_its_key(make_server):
    from weir.authority import openssl
    server = make_server("ssl_certificate %PREFIX%/site.pem; ssl_certificate_key %PREFIX%/site.key; "
                         'ssl_password_file %PREFIX%/pass; location / { return 200 "$pid"; }', listen=LISTEN, single=False)
    place(server.prefix, "site.pem", text_of("a.example.pem"))
    place(server.prefix, "site.key", text_of("locked.key"))
    place(server.prefix, "pass", text_of("locked.pass"))
    server.start()
    assert shown(server)[0] == "a.example"
    locked = openssl(authority(), "ec", "-in", "b.example.key", "-aes256", "-passout", "pass:another")
    place(server.prefix, "site.key", locked)
    place(server.prefix, "site.pem", text_of("b.example.pem"))
    wait_for("a word about it", lambda: "stays" in server.log())
    place(server.prefix, "pass", "another\n")
    wait_for("the other", lambda: shown(server)[0] == "b.example")
