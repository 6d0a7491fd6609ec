"""Asking authorities what is stapled to certificates, and showing nothing but a good answer.  [RFC 6960; nginx ssl_stapling]"""

import shutil

import pytest

from weir.authority import authority, make_leaf, make_ocsp, openssl
from weir.origin import Origin
from weir.server import wait_for
from weir.tls import s_client

LISTEN = "listen 127.0.0.1:%PORT% ssl;"
PAIR = "ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;"
STAPLE = "ssl_stapling on; ssl_trusted_certificate %TLS%/ca.pem;"


class Responder(Origin):
    """An authority that always says the same. asked: heads of the questions."""

    def __init__(self, answer, status=b"200 OK"):
        self.asked = []

        def script(talk):
            while (request := talk.request()) is not None:
                self.asked.append(request)
                talk.send(b"HTTP/1.1 %s\r\nContent-Type: application/ocsp-response\r\nContent-Length: %d\r\n\r\n"
                          % (status, len(answer)) + answer)

        super().__init__(script)


def good_answer():
    return (authority() / "ocsp.der").read_bytes()


def one_site(make_server, responder, more=STAPLE, pair=PAIR, **rest):
    return make_server(f'{pair}{more} ssl_stapling_responder http://127.0.0.1:{responder.port}/ask; location / {{ return 200 "ok"; }}',
                       listen=LISTEN, **rest).start()


def stapled(server):
    return "OCSP Response Status: successful" in s_client(server, "-status")


@pytest.fixture
def folder(tmp_path):
    """An authority of the test's own."""
    for name in ("ca.pem", "ca.key"):
        shutil.copyfile(authority() / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("more", [STAPLE, STAPLE + "ssl_stapling_verify on;"])
def test_the_authority_is_asked_and_its_word_shown(make_server, more):
    responder = Responder(good_answer())
    server = one_site(make_server, responder, more)
    wait_for("an answer", lambda: stapled(server))
    head, _, question = responder.asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /ask HTTP/1.1\r\n") and b"Content-Type: application/ocsp-request" in head
    (server.prefix / "question").write_bytes(question)
    said = openssl(server.prefix, "ocsp", "-reqin", "question", "-req_text")
    serial = openssl(authority(), "x509", "-in", "a.example.pem", "-noout", "-serial").split("=")[1].strip()
    assert f"Serial Number: {serial}" in said
    assert "Verify return code: 0" in s_client(server, "-status")


def test_each_worker_asks(make_server):
    responder = Responder(good_answer())
    server = one_site(make_server, responder, single=False, main="worker_processes 2;")
    wait_for("both", lambda: len(responder.asked) == 2)
    wait_for("answers", lambda: all(stapled(server) for _ in range(6)))


def test_the_certificate_says_whom_to_ask(make_server, folder):
    answer = []

    def script(talk):
        if talk.request():
            talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer[0]) + answer[0])

    origin = Origin(script)
    make_leaf(folder, "site", "ca", "/CN=a.example", ["a.example"],
              more=f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{origin.port}/\n")
    make_ocsp(folder, "site", "ca")
    answer.append((folder / "ocsp.der").read_bytes())
    with open(folder / "site.pem", "a") as chain:       # the issuer may stand in the chain
        chain.write((folder / "ca.pem").read_text())
    server = make_server(f"ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.key; ssl_stapling on; "
                         'location / { return 200 "ok"; }', listen=LISTEN).start()
    wait_for("an answer", lambda: stapled(server))


@pytest.mark.parametrize("kind, words", [
    ("rubbish", "d2i_OCSP_RESPONSE"),
    ("other", "certificate status not found in the OCSP response"),
    ("revoked", 'certificate status "revoked" in the OCSP response'),
    ("stranger", "OCSP_basic_verify"),
    ("refused", "OCSP responder .* sent status 500"),
    ("large", ""),
])
def test_what_is_no_good_answer_is_not_shown(make_server, folder, kind, words):
    import re
    shutil.copyfile(authority() / "a.example.pem", folder / "a.example.pem")
    if kind == "revoked":
        make_ocsp(folder, "a.example", "ca", "R")
    elif kind == "other":
        make_leaf(folder, "b", "ca", "/CN=b")
        make_ocsp(folder, "b", "ca")
    elif kind == "stranger":                            # signed by somebody else
        for name in ("strangers.pem", "strangers.key"):
            shutil.copyfile(authority() / name, folder / name)
        make_ocsp(folder, "a.example", "ca", signer="strangers")
    answer = {"rubbish": b"rubbish", "refused": b"no", "large": b"x" * 200000}.get(kind) or (folder / "ocsp.der").read_bytes()
    responder = Responder(answer, b"500 No" if kind == "refused" else b"200 OK")
    server = one_site(make_server, responder)
    wait_for("a question", lambda: responder.asked)
    if words:
        wait_for("a word about it", lambda: re.search(words, server.log()))
    assert not stapled(server)


def test_a_silent_authority_keeps_nobody_waiting(make_server):
    def script(talk):
        while talk.more():
            pass

    server = one_site(make_server, Origin(script))
    assert "Verify return code: 0" in s_client(server, "-status") and not stapled(server)


@pytest.mark.parametrize("conf, words", [
    ("ssl_stapling on;", "issuer certificate not found for certificate"),
    (STAPLE, "no OCSP responder URL in the certificate"),
    (STAPLE + "ssl_stapling_responder https://127.0.0.1/;", "invalid URL prefix in OCSP responder"),
])
def test_what_cannot_be_asked_is_warned_of(make_server, conf, words):
    server = make_server(PAIR + conf, listen=LISTEN)
    done = server.run("-t")
    assert done.returncode == 0 and words in done.stderr, done.stderr
