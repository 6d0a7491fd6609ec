"""Clients' certificates that authorities are asked about: nobody comes in without a good word.  [RFC 6960; nginx ssl_ocsp]"""

import tempfile
import threading
from pathlib import Path

import pytest

from weir.authority import authority, make_leaf, openssl
from weir.http2 import Http2
from weir.origin import Origin
from weir.server import wait_for
from weir.tls import V12, V13, TlsConnection, context

LISTEN = "listen 127.0.0.1:%PORT% ssl;"
PAIR = "ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;"
VERIFY = "ssl_verify_client on; ssl_client_certificate %TLS%/clients.pem;"
BAD = "FAILED:certificate status request failed"


class Responder(Origin):
    """The clients' authority. states: by the name of a certificate, V(alid) or R(evoked); who is not in it is unknown. asked:
    how many questions came; hold: an event to wait for before answering."""

    def __init__(self, states, folder=None, hold=None, days=7, signers=None):
        self.states, self.asked, self.days, self.signers = states, [], days, signers or {"alice": "clients"}
        self.folder = folder or authority()
        self.lock = threading.Lock()

        def script(talk):
            while (request := talk.request()) is not None:
                self.asked.append(request)
                if hold:
                    hold.wait(30)
                answer = self.answer(request.partition(b"\r\n\r\n")[2])
                talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)

        super().__init__(script)

    def answer(self, question):
        with self.lock, tempfile.TemporaryDirectory() as place:
            place = Path(place)
            (place / "question").write_bytes(question)
            words = openssl(place, "ocsp", "-reqin", "question", "-req_text")
            serial = words.split("Serial Number:")[1].split()[0]
            names = {openssl(self.folder, "x509", "-in", f"{n}.pem", "-noout", "-serial").split("=")[1].strip(): n
                     for n in ("alice", "bob", "carol", "middle")}
            name = names[serial]
            root = "middle" if name == "carol" else "clients"
            lines = [f"{state}\t351231235959Z\t{'260101000000Z' if state == 'R' else ''}\t{s}\tunknown\t/CN={n}\n"
                     for s, n in names.items() if (state := self.states.get(n))]
            (place / "index").write_text("".join(lines))
            signer = self.signers.get(name, root)
            openssl(self.folder, "ocsp", "-index", place / "index", "-rsigner", f"{signer}.pem", "-rkey", f"{signer}.key",
                    "-CA", f"{root}.pem", "-reqin", place / "question", "-respout", place / "answer",
                    *(("-ndays", self.days) if self.days else ()))
            return (place / "answer").read_bytes()


def one_site(make_server, responder, more="ssl_ocsp on;", verify=VERIFY, pair=PAIR, **rest):
    where = f"ssl_ocsp_responder http://127.0.0.1:{responder.port}/ask;" if responder else ""
    return make_server(f'{pair}{verify}{more} {where} location / {{ return 200 "$ssl_client_verify"; }}',
                       listen=LISTEN, **rest).start()


def ask(server, client, version=V13, session=None, with_context=None):
    with TlsConnection(server.port, with_context=with_context or context(version, client), session=session) as conn:
        answer = conn.get("/")
        return answer.status, answer.body.decode()


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("states, client, more, status", [
    ({"alice": "V"}, "alice", "ssl_ocsp on;", 200),
    ({"alice": "R"}, "alice", "ssl_ocsp on;", 400),
    ({}, "alice", "ssl_ocsp on;", 400),
    ({"carol": "V", "middle": "V"}, "carol", "ssl_ocsp on;", 200),
    ({"carol": "V", "middle": "R"}, "carol", "ssl_ocsp on;", 400),
    ({"carol": "R", "middle": "V"}, "carol", "ssl_ocsp on;", 400),
    ({"carol": "V", "middle": "R"}, "carol", "ssl_ocsp leaf;", 200),
    ({"carol": "R", "middle": "V"}, "carol", "ssl_ocsp leaf;", 400),
])
def test_who_is_let_in(make_server, version, states, client, more, status):
    server = one_site(make_server, Responder(states), more)
    got = ask(server, client, version)
    assert got[0] == status and (status != 200 or got[1] == "SUCCESS"), got


@pytest.mark.parametrize("states, words", [({"alice": "R"}, "FAILED:certificate revoked"), ({}, BAD)])
def test_a_page_is_told_why(make_server, states, words):
    responder = Responder(states)
    server = make_server(f"{PAIR}{VERIFY} ssl_ocsp on; ssl_ocsp_responder http://127.0.0.1:{responder.port}; "
                         'error_page 495 =403 /sorry; location = /sorry { return 403 "$ssl_client_verify"; }', listen=LISTEN).start()
    assert ask(server, "alice") == (403, words)


def test_who_shows_no_certificate_is_not_asked_about(make_server):
    responder = Responder({"alice": "V"})
    server = one_site(make_server, responder, verify=VERIFY.replace(" on;", " optional;"))
    assert ask(server, None) == (200, "NONE")
    assert ask(server, "mallory")[0] == 400
    assert not responder.asked
    assert ask(server, "alice") == (200, "SUCCESS") and len(responder.asked) == 1


@pytest.mark.parametrize("kind", ["silent", "gone", "rubbish", "500", "stranger", "stale"])
def test_without_a_good_word_nobody_comes_in(make_server, kind):
    if kind == "stranger":                              # who signed has no business to
        responder = Responder({"alice": "V"}, signers={"alice": "strangers"})
    elif kind == "gone":
        responder = Origin(lambda talk: None)
        responder.listener.close()
    else:
        def script(talk):
            if talk.request() and kind != "silent":
                status, body = (b"500 No", b"") if kind == "500" else (b"200 OK", b"rubbish")
                if kind == "stale":                     # it is about another certificate
                    body = (authority() / "ocsp.der").read_bytes()
                talk.send(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
        responder = Origin(script)
    server = one_site(make_server, responder)
    assert ask(server, "alice")[0] == 400


def test_an_authority_that_says_nothing_keeps_only_its_clients_waiting(make_server):
    hold = threading.Event()
    responder = Responder({"alice": "V"}, hold=hold)
    server = one_site(make_server, responder, verify=VERIFY.replace(" on;", " optional;"))
    got = []
    waiting = threading.Thread(target=lambda: got.append(ask(server, "alice")))
    waiting.start()
    wait_for("the question", lambda: responder.asked)
    assert ask(server, None) == (200, "NONE")           # others are served meanwhile
    hold.set()
    waiting.join()
    assert got == [(200, "SUCCESS")]


def test_the_wait_has_an_end(make_server):
    hold = threading.Event()
    server = one_site(make_server, Responder({"alice": "V"}, hold=hold), "ssl_ocsp on; client_header_timeout 2s;")
    with TlsConnection(server.port, with_context=context(V13, "alice")) as conn:
        conn.sock.settimeout(30)
        assert conn.sock.recv(100) == b""
    hold.set()


def test_a_client_may_leave_while_its_authority_is_asked(make_server):
    hold = threading.Event()
    responder = Responder({"alice": "V", "bob": "V"}, hold=hold)
    server = one_site(make_server, responder)
    for n in range(3):
        with TlsConnection(server.port, with_context=context(V13, "alice")):
            wait_for("the question", lambda: len(responder.asked) > n)
    hold.set()
    assert ask(server, "bob") == (200, "SUCCESS")


def test_over_http2_as_well(make_server):
    responder = Responder({"alice": "V", "bob": "R"})
    server = one_site(make_server, responder, "ssl_ocsp on; http2 on;")
    for client, status in (("alice", 200), ("bob", 400)):
        c = context(V13, client, alpn=["h2"])
        c.check_hostname = False
        with Http2(server.port, tls=c) as conn:
            assert conn.get("/").status == status


def test_the_certificate_says_whom_to_ask(make_server, tmp_path):
    import shutil
    responder = Responder({"alice": "V"}, folder=tmp_path)
    for name in authority().iterdir():
        if name.suffix in (".pem", ".key"):
            shutil.copyfile(name, tmp_path / name.name)
    make_leaf(tmp_path, "alice", "clients", "/CN=alice", more=f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{responder.port}/\n")
    server = one_site(make_server, None)
    c = context(V13)
    c.load_cert_chain(tmp_path / "alice.pem", tmp_path / "alice.key")
    assert ask(server, None, with_context=c) == (200, "SUCCESS")
    responder.states["alice"] = "R"
    assert ask(server, None, with_context=c)[0] == 400
    assert ask(server, "bob")[0] == 400                 # whose certificate names nobody


@pytest.mark.parametrize("version", [V12, V13])
def test_a_session_that_is_come_back_to_is_asked_about_again(make_server, version):
    responder = Responder({"alice": "V", "carol": "V", "middle": "V"})
    server = one_site(make_server, responder)
    for client in ("alice", "carol"):
        c = context(version, client)
        with TlsConnection(server.port, with_context=c) as conn:
            assert conn.get("/").status == 200
            session = conn.session
        with TlsConnection(server.port, with_context=c, session=session) as conn:
            assert conn.get("/").body == b"SUCCESS"
            assert conn.reused == (client == "alice")   # no chain of carol's could be made without her help
        responder.states[client] = "R"
        with TlsConnection(server.port, with_context=c, session=session) as conn:
            assert conn.get("/").status == 400


def test_answers_are_kept_for_all_workers(make_server):
    responder = Responder({"alice": "V", "bob": "R"})
    server = one_site(make_server, responder, "ssl_ocsp on; ssl_ocsp_cache shared:answers:128k;", single=False,
                      main="worker_processes 2;")
    for _ in range(8):
        assert ask(server, "alice") == (200, "SUCCESS")
        assert ask(server, "bob")[0] == 400
    assert len(responder.asked) == 2


def test_an_answer_without_an_end_is_not_kept(make_server):
    responder = Responder({"alice": "V"}, days=0)
    server = one_site(make_server, responder, "ssl_ocsp on; ssl_ocsp_cache shared:answers:128k;")
    for n in range(2):
        assert ask(server, "alice") == (200, "SUCCESS")
    assert len(responder.asked) == 2


def test_a_neighbour_that_does_not_ask_is_no_way_in(make_server):
    responder = Responder({"bob": "R"})
    server = make_server(f'{PAIR}{VERIFY} server_name a.example; location / {{ return 200 "a"; }}', listen=LISTEN,
                         http=f"server {{ {LISTEN} server_name b.example; ssl_certificate %TLS%/b.example.pem; "
                              f"ssl_certificate_key %TLS%/b.example.key; {VERIFY} ssl_ocsp on; "
                              f"ssl_ocsp_responder http://127.0.0.1:{responder.port}; location / {{ return 200 b; }} }}").start()
    with TlsConnection(server.port, "a.example", context(V13, "bob")) as conn:
        assert conn.get("/", host="b.example").status == 421


@pytest.mark.parametrize("conf, words", [
    ("ssl_verify_client optional_no_ca; ssl_ocsp on;", '"ssl_ocsp" is incompatible with "ssl_verify_client optional_no_ca"'),
    (VERIFY + "ssl_ocsp on; ssl_ocsp_responder https://127.0.0.1/;", 'invalid URL prefix in OCSP responder "https://127.0.0.1/"'),
    (VERIFY + "ssl_ocsp on; ssl_ocsp_cache nonsense;", 'invalid OCSP cache "nonsense"'),
    (VERIFY + "ssl_ocsp on; ssl_ocsp_cache shared:small:8k;", "too small"),
    ("ssl_ocsp maybe;", 'invalid value "maybe"'),
])
def test_mistakes_are_found_by_the_test(make_server, conf, words):
    done = make_server(PAIR + conf, listen=LISTEN).run("-t")
    assert done.returncode == 1 and words in done.stderr, done.stderr
