"""The collector of reports: what is taken, written, learned and refused.  [CSP3 5.3; Reporting API 3.1]"""

import json
import signal

import pytest

from weir.server import wait_for
from weir.wire import Connection, fetch

pytestmark = pytest.mark.weir_only
CLASSIC, LIST = ("Content-Type: application/csp-report",), ("Content-Type: application/reports+json",)
POLICY = "default-src 'self'; script-src 'self' 'nonce-abc'; report-uri /r"


def classic(**more):
    report = {"document-uri": "https://a.example/page?token=1#x", "referrer": "", "effective-directive": "img-src",
              "violated-directive": "img-src 'self'", "original-policy": POLICY, "blocked-uri": "https://b.example/x.png?y",
              "line-number": 7, "column-number": 3, "source-file": "https://a.example/app.js?v=2", "status-code": 200,
              "script-sample": 'a"\n', "disposition": "enforce"}
    report.update({k.replace("_", "-"): v for k, v in more.items()})
    return json.dumps({"csp-report": report}).encode()


def modern(**more):
    return {"type": "csp-violation", "age": 1, "url": "https://a.example/page", "user_agent": "x", "body": {
        "documentURL": "https://a.example/page", "effectiveDirective": "script-src-elem", "originalPolicy": POLICY,
        "blockedURL": "https://c.example:8443/s.js", "disposition": "report", "statusCode": 200, "lineNumber": 2,
        "columnNumber": 1, "sourceFile": "https://a.example/page", "sample": "", **more}}


@pytest.fixture
def collector(make_server):
    def make(words="", **parts):
        server = make_server(f"location = /r {{ csp_report logs/csp.log; csp_learn learned/policy.conf; {words} }}"
                             "location = /metrics { metrics json; }", **parts).start()
        server.lines = lambda: [json.loads(line) for line in (server.prefix / "logs/csp.log").read_text().splitlines()]
        server.learned = lambda: (server.prefix / "learned/policy.conf").read_text().splitlines()[1:]
        return server
    return make


def post(server, body, fields=CLASSIC):
    return fetch(server.port, "/r", "POST", fields=fields, body=body).status


def counted(server):
    return json.loads(fetch(server.port, "/metrics").body)["metrics"]["weir_csp_reports_total"]["values"]


def test_a_report_becomes_a_line_of_json(collector):
    server = collector()
    assert post(server, classic()) == 204
    wait_for("the line", server.lines)
    line, = server.lines()
    assert line.pop("time") > 1_600_000_000
    assert line == {"client": "127.0.0.1", "document": "https://a.example/page", "directive": "img-src",
                    "blocked": "https://b.example/x.png", "source": "https://a.example/app.js", "line": 7, "column": 3,
                    "status": 200, "sample": 'a"\n', "disposition": "enforce"}


def test_a_list_of_reports_is_taken_apart(collector):
    server = collector()
    reports = [modern(), {"type": "deprecation", "body": {}}, modern(lineNumber=3), 7, {"type": "csp-violation"}]
    assert post(server, json.dumps(reports).encode(), LIST) == 204
    wait_for("the lines", lambda: len(server.lines()) == 2)
    assert [line["line"] for line in server.lines()] == [2, 3]
    assert counted(server) == {"logged": 2, "repeated": 0, "other": 3, "dropped": 0, "refused": 0, "limited": 0}


def test_what_has_been_seen_is_counted_and_not_written_again(collector):
    server = collector()
    for _ in range(3):
        assert post(server, classic()) == 204
    assert post(server, classic(line_number=8)) == 204
    wait_for("the lines", lambda: len(server.lines()) == 2)
    assert (counted(server)["logged"], counted(server)["repeated"]) == (2, 2)


def test_it_is_written_again_when_its_time_is_over(collector):
    server = collector("csp_report_repeat 1ms;")
    post(server, classic())
    wait_for("a second line", lambda: post(server, classic()) and len(server.lines()) >= 2)


def test_more_reports_than_a_body_may_have_are_dropped(collector):
    server = collector()
    assert post(server, json.dumps([modern(lineNumber=n) for n in range(40)]).encode(), LIST) == 204
    assert (counted(server)["logged"], counted(server)["dropped"]) == (32, 8)


@pytest.mark.parametrize("body, fields, status", [
    (b"{", CLASSIC, 400), (b"", CLASSIC, 400), (b'{"a":1}', CLASSIC, 400), (b"7", LIST, 400),
    (b"[" * 33 + b"]" * 33, LIST, 400), (classic(), ("Content-Type: text/plain",), 415), (classic(), (), 415),
    (classic(), (*CLASSIC, "Content-Encoding: gzip"), 415), (classic(script_sample="x" * 1000), CLASSIC, 413)])
def test_what_is_no_report_is_refused(collector, body, fields, status):
    server = collector("csp_report_max_size 900;")
    assert post(server, body, fields) == status
    assert counted(server)["refused"] == 1


def test_a_body_that_does_not_fit_into_memory_is_bounded_all_the_same(collector):
    server = collector("client_body_buffer_size 1k;")
    assert post(server, classic(script_sample="x" * 20000)) == 204
    assert post(server, classic()) == 204


def test_nesting_up_to_the_limit_is_read(collector):
    server = collector()
    assert post(server, b"[" * 32 + b"]" * 32, LIST) == 204


def test_bodies_come_at_a_rate(collector):
    server = collector("csp_report_rate 2;")
    with Connection(server.port) as conn:
        got = [conn.get("/r", "POST", fields=CLASSIC, body=classic()).status for _ in range(8)]
    assert got[:2] == [204, 204] and 429 in got
    assert counted(server)["limited"] == got.count(429)


def test_long_texts_are_cut_between_characters(collector):
    server = collector()
    post(server, classic(script_sample="x" + "ä" * 300, document_uri="https://a.example/" + "y" * 5000))
    wait_for("the line", server.lines)
    line, = server.lines()
    assert line["sample"] == "x" + "ä" * 127 and len(line["document"]) == 1024


def test_bytes_that_could_break_the_line_do_not(collector):
    server = collector()
    post(server, classic(script_sample="\u0007\n\"}\\", blocked_uri="javascript:\r\n"))
    wait_for("the line", server.lines)
    assert server.lines()[0]["sample"] == "\u0007\n\"}\\"


def test_the_learned_policy_would_have_let_it_pass(collector):
    server = collector()
    post(server, classic())
    wait_for("the first lesson", lambda: (server.prefix / "learned/policy.conf").exists())
    assert server.learned() == ["csp img-src 'self' https://b.example;"]
    post(server, json.dumps([modern(), modern(blockedURL="inline"), modern(blockedURL="data"),
                             modern(effectiveDirective="font-src", blockedURL="https://a.example/f.woff")]).encode(), LIST)
    wait_for("the others", lambda: len(server.learned()) == 4)
    assert server.learned() == ["csp script-src 'self' https://c.example:8443 data:;", "# csp script-src 'unsafe-inline';",
                                "csp font-src 'self';", "csp img-src 'self' https://b.example;"]
    post(server, classic(line_number=99))
    assert len(server.learned()) == 4


def test_what_is_learned_is_a_configuration(collector, make_server):
    server = collector()
    post(server, classic(blocked_uri="https://b.example; csp off"))
    post(server, classic(blocked_uri="https://$x.example", effective_directive="font-src"))
    post(server, classic(blocked_uri="https://x.example/", effective_directive="nonsense-src"))
    post(server, classic(blocked_uri="https://{.example/", effective_directive="media-src"))
    post(server, classic(blocked_uri="blob", effective_directive="worker-src"))
    wait_for("the lesson", lambda: (server.prefix / "learned/policy.conf").exists())
    assert server.learned() == ["csp worker-src 'self' blob:;"]
    other = make_server(f"include {server.prefix}/learned/policy.conf; location / {{ return 204; }}").start()
    assert fetch(other.port).get("Content-Security-Policy") == "worker-src 'self' blob:"


def test_what_is_learned_is_bounded(collector):
    server = collector("csp_report_rate 0;")
    for i in range(0, 600, 30):
        post(server, json.dumps([modern(blockedURL=f"https://h{n}.example/") for n in range(i, i + 30)]).encode(), LIST)
    wait_for("the lesson", lambda: (server.prefix / "learned/policy.conf").exists())
    assert server.learned()[0].count("https://") == 511      # 512 with 'self'


def test_a_reload_forgets_nothing(collector):
    server = collector(single=False)
    post(server, classic())
    wait_for("the line", server.lines)
    before = server.workers()
    server.kill(signal.SIGHUP)
    wait_for("new workers", lambda: server.workers() and not set(server.workers()) & set(before))
    post(server, classic())
    post(server, classic(blocked_uri="data"))
    wait_for("the lesson", lambda: server.learned() == ["csp img-src 'self' https://b.example data:;"])
    wait_for("the other line, and none for the one that was known", lambda: len(server.lines()) == 2)
