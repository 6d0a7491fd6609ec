"""The command line: nginx's options, their exit codes, and weir's own -M."""

import json
import os
import re
import subprocess

import pytest

from weir.server import BINARY, FLAVOUR, TOP, wait_for, with_comments
from weir.wire import fetch

NAME = FLAVOUR
OK = 'location / { return 200 "ok"; }'


def output(result):
    return result.stdout + result.stderr


def test_v_says_name_and_version(make_server):
    result = make_server(OK).run("-v", binary_only=True)
    assert result.returncode == 0
    assert re.search(rf"^{NAME} version: {NAME}/\d+\.\d+\.\d+$", result.stderr, re.M)


def test_capital_v_says_how_it_was_built(make_server):
    said = output(make_server(OK).run("-V", binary_only=True))
    assert re.search(rf"^{NAME} version: {NAME}/\d", said)
    assert re.search(r"^configure arguments:", said, re.M)
    assert re.search(r"^built (with|by) ", said, re.M)


@pytest.mark.weir_only
def test_capital_v_names_the_libraries(make_server):
    said = output(make_server(OK).run("-V", binary_only=True))
    for library in ("OpenSSL", "PCRE2", "cJSON", "zlib"):
        assert re.search(rf"^built with {library} \d+\.\d+", said, re.M), said


@pytest.mark.parametrize("option", ["-h", "-?"])
def test_help_names_every_option(make_server, option):
    result = make_server(OK).run(option, binary_only=True)
    assert result.returncode == 0
    for word in ("-v", "-V", "-t", "-T", "-q", "-s", "-p", "-e", "-c", "-g"):
        assert word in output(result)


def test_t_passes_a_good_configuration(make_server):
    server = make_server(OK)
    result = server.run("-t")
    assert result.returncode == 0
    assert "weir.conf syntax is ok" in result.stderr
    assert "weir.conf test is successful" in result.stderr
    assert FLAVOUR == "nginx" or not server.pid_file.exists()


def test_t_refuses_a_bad_configuration(make_server):
    server = make_server("nonsense here;")
    result = server.run("-t")
    assert result.returncode == 1
    assert "nonsense" in output(result) and "test failed" in output(result)


def test_q_is_silent_when_all_is_well(make_server):
    result = make_server(OK).run("-t", "-q")
    assert (result.returncode, output(result)) == (0, "")


def test_q_keeps_warnings(make_server):
    server = make_server("server_name a; }\n server { listen 127.0.0.1:%PORT%; server_name a;")
    result = server.run("-tq")
    assert result.returncode == 0
    assert "[warn] conflicting server name" in output(result)
    assert "syntax is ok" not in output(result)


def test_options_may_be_joined(make_server):
    server = make_server(OK)
    result = server.run("-tq")
    assert (result.returncode, output(result)) == (0, "")
    joined = [BINARY, f"-p{server.prefix}/", "-elogs/error.log", "-cconf/weir.conf", "-t"]
    result = subprocess.run(joined, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_capital_t_dumps_the_configuration_with_its_includes(make_server):
    server = make_server("include extra.inc;")
    (server.conf.parent / "extra.inc").write_text('location /from-include { return 200 "x"; }\n')
    result = server.run("-T")
    assert result.returncode == 0
    assert "# configuration file" in result.stdout
    assert "location /from-include" in result.stdout
    assert "worker_connections 1024;" in result.stdout


def test_a_dump_of_a_dump_is_accepted_again(make_server):
    server = make_server(OK)
    dump = server.run("-T").stdout
    server.conf.write_text(dump)
    assert server.run("-t").returncode == 0


def test_t_does_not_mind_a_busy_port(make_server):
    server = make_server(OK).start()
    assert server.run("-t").returncode == 0


def test_an_unknown_option_is_refused(make_server):
    result = make_server(OK).run("-Z")
    assert result.returncode == 1
    assert "-Z" in output(result) or '"Z"' in output(result)


def test_an_option_without_its_argument_is_refused(make_server):
    result = make_server(OK).run("-c", binary_only=True)
    assert result.returncode == 1
    assert "-c" in output(result)


def test_a_missing_configuration_is_told(make_server):
    server = make_server(OK)
    server.conf.unlink()
    result = server.run("-t")
    assert result.returncode == 1
    assert "weir.conf" in output(result) and "No such file" in output(result)


def test_a_bad_configuration_does_not_start(make_server):
    server = make_server("nonsense;")
    result = server.run()
    assert result.returncode == 1
    assert "nonsense" in result.stderr
    assert "nonsense" in server.log(whole=True)
    assert not server.pid_file.exists()
    server.allowed = "nonsense|test failed"


def test_g_sets_main_directives(make_server):
    server = make_server(OK)
    server.conf.write_text(server.conf.read_text().replace(
        f"pid {server.prefix}/logs/weir.pid;", ""))
    server.pid_file = server.prefix / "logs/other.pid"
    command = server.command
    server.command = lambda *more: command("-g", f"pid {server.pid_file};", *more)
    server.start()
    wait_for("pid file", server.pid_file.exists)


def test_an_error_log_that_is_stderr_stays_there(make_server):
    """Also when it is a location's alone, and the main one a file, which stderr goes to otherwise."""
    server = make_server("location /told/ { error_log stderr; } location / { }").start()
    assert fetch(server.port, "/told/missing").status == 404
    wait_for("a line on stderr", lambda: "/told/missing" in server.stderr.read_text())
    assert "/told/missing" not in server.log(whole=True)


def test_an_error_log_in_memory_makes_no_file(make_server):
    server = make_server("location /own/ { error_log memory:32m debug; } location / { }").start()
    assert fetch(server.port, "/own/missing").status == 404
    assert fetch(server.port, "/missing").status == 404
    wait_for("a line of the other location", lambda: "/missing" in server.log())
    assert "/own/missing" not in server.log()
    assert not list(server.prefix.rglob("memory*"))


def test_g_takes_no_directive_of_http(make_server):
    result = make_server(OK).run("-t", "-g", "sendfile on;")
    assert result.returncode == 1
    assert "sendfile" in output(result)


def test_an_unknown_signal_name_is_refused(make_server):
    result = make_server(OK).run("-s", "dance")
    assert result.returncode == 1
    assert 'invalid option: "-s dance"' in output(result)


def test_a_signal_without_a_server_fails(make_server):
    server = make_server(OK)
    assert server.run("-s", "stop").returncode == 1
    server.allowed = "weir.pid"


@pytest.mark.weir_only
def test_closed_standard_descriptors_are_filled(make_server):
    """The log or a socket must not become descriptor 0, 1 or 2."""
    server = make_server(OK)
    server.start(close_fds=True, preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)])
    assert fetch(server.port).body == b"ok"


def test_the_shipped_configurations_pass(make_server):
    server = make_server(OK)
    for path in sorted((TOP / "conf").glob("*.conf")) + sorted((TOP / "conf/examples").glob("*.conf")):
        if path.name in ("fastcgi.conf",):
            continue
        result = subprocess.run([BINARY, "-t", "-p", f"{server.prefix}/", "-e", "logs/error.log",
                                 "-c", str(path)], capture_output=True, text=True)
        assert result.returncode == 0, f"{path}:\n{result.stderr}"


@pytest.mark.weir_only
def test_what_the_example_of_a_site_says_in_comments_passes(make_server):
    text = with_comments((TOP / "conf/sites/example.conf").read_text())
    assert "proxy_pass" in text and "#location" not in text
    text = text.replace("/etc/ssl/example.test.pem", "%TLS%/a.example.pem")
    text = text.replace("/etc/ssl/example.test.key", "%TLS%/a.example.key")
    cache = "proxy_cache_path cache keys_zone=pages:1m;\n"     # which the comment says weir.conf has to have
    result = make_server(OK, http=cache + text).run("-t")
    assert result.returncode == 0, output(result)


@pytest.mark.weir_only
def test_m_lists_modules_and_their_directives(make_server):
    result = make_server(OK).run("-M")
    assert result.returncode == 0, output(result)
    for word in ("gzip", "headers", "log"):
        assert re.search(rf"\b{word}\b", result.stdout)


@pytest.mark.weir_only
def test_m_of_a_path_shows_its_pipeline(make_server):
    server = make_server('gzip on; location /app/ { add_header X y; return 200 "x"; }')
    result = server.run("-M", "/app/x")
    assert result.returncode == 0, output(result)
    assert "location" in result.stdout and "/app/" in result.stdout
    assert re.search(r"weir\.conf:\d+", result.stdout)
    assert re.search(r"^\s*headers\b.*gzip", result.stdout, re.M)
    assert re.search(r"^\s*headers\b.*headers", result.stdout, re.M)


@pytest.mark.weir_only
@pytest.mark.parametrize("asked, said", [("nonsense", "no http:// URL"), ("/%zz", "no path"),
                                         ("http://a:1/", "no server listens at that port")])
def test_m_of_what_cannot_be_asked_says_why(make_server, asked, said):
    result = make_server(OK).run("-M", asked)
    assert result.returncode == 1 and said in result.stderr


@pytest.mark.weir_only
def test_m_of_a_host_finds_the_port_where_it_is(make_server):
    server = make_server("server_name one.test; }\nserver { listen 127.0.0.1:%PORT2%; server_name two.test;")
    result = server.run("-M", "http://two.test/")
    assert re.search(r"^server +two\.test", result.stdout, re.M), output(result)


@pytest.mark.weir_only
def test_m_follows_what_is_rewritten_to_the_servers_that_are_asked(make_server):
    server = make_server("""
        rewrite ^/very/(.*)$ /old/$1;
        location /old/ { rewrite ^/old/(.*)$ /app/$1 last; }
        location /app/ { allow 127.0.0.1; deny all; limit_req zone=one burst=5;
                         rewrite ^/nope$ /x; if ($arg_x) { return 404; }
                         proxy_pass http://app/v1/; proxy_set_header X y; }
        location /gone { rewrite ^/gone /new redirect; }
        location /back { return 410; }""",
        http="upstream app { server 127.0.0.1:9 weight=3; server 127.0.0.1:10 backup; }\n"
             "limit_req_zone $binary_remote_addr zone=one:1m rate=2r/s;")
    said = server.run("-M", "/very/file?q=1", "a").stdout
    assert re.search(r"^rewritten +to /old/file\?q=1 by the server .*\n"
                     r" +to /app/file\?q=1 by location /old/", said, re.M), said
    assert re.search(r'rewrite \(\S+:\d+\): "\^/old/\(\.\*\)\$" on "/old/file"\n +matches: the path becomes "/app/file"', said)
    assert re.search(r'"\^/nope\$" on "/app/file"\n +does not match', said)
    assert re.search(r"if \(\S+:\d+\): \(\$arg_x\) does not hold", said)
    assert 'proxy_pass: asks "app" for /v1/file?q=1\n' in said
    assert "server 127.0.0.1:9 (127.0.0.1:9), weight 3" in said and "backup 127.0.0.1:10" in said
    assert re.search(r"^access .*allow 127\.0\.0\.1 .*\n +deny all", said, re.M)
    assert re.search(r"^preaccess +limit_req .*rate=2r/s.*\n +limit_req zone=one burst=5", said, re.M)
    assert 'matches: 302 to "/new"' in server.run("-M", "/gone", "a").stdout
    assert re.search(r"^answer +410, by rewrite$", server.run("-M", "/back", "a").stdout, re.M)
    assert "rewritten" not in server.run("-M", "/back", "a").stdout


VERDICTS = """
    set $who $connection;
    if ($http_user_agent ~* bot) { return 403; }
    location /if/ { if ($arg_x = 1) { add_header In yes; } if ($who) { add_header Who yes; } root /nowhere; }
    location /net/ { allow 10.0.0.0/8; deny all; error_page 403 /denied?from=$uri; error_page 401 /n$msec; root /nowhere; }
    location /any/ { satisfy any; deny all; auth_basic R; auth_basic_user_file users; root /nowhere; }
    location /ask/ { deny 192.0.2.1; auth_request /auth; auth_request_set $name $upstream_http_name;
                     add_header Name $name; root /nowhere; }
    location /both/ { satisfy any; deny all; auth_request /auth; root /nowhere; }
    location /auth { return 204; }
    location /text/ { error_page 404 /never; return 404 text; }
    location /put/ { limit_except GET { deny all; } root /nowhere; }
    location /when/ { when ($http_accept ~ json and $args) { return 200 j; } else { return 301 https://$host$request_uri; } }
    location /mapped/ { add_header M $mapped always; header set X $upstream_addr status=404,5xx; header set Y y if=$arg_y; root /nowhere; }
    location /real/ { set_real_ip_from 127.0.0.0/8; real_ip_header X-Real-IP; allow 192.0.2.7; deny all; root /nowhere; }
    location /slow/ { limit_req zone=one burst=5 nodelay; limit_conn two 3; root /nowhere; }
    location /regex/ { if ($args ~ "^(a+)+$") { return 200; } root /nowhere; }
"""


def answer_of(said):
    found = re.search(r"^answer +(.*)$", said, re.M)
    return found[1] if found else None


@pytest.mark.weir_only
@pytest.mark.parametrize("words, answer, line", [
    (["/if/?x=1"], None, r"\(\$arg_x = 1\) holds\n.*\(\$who\) is unknown: depends on \$connection"),
    (["/if/?x=1"], None, r"add_header In: yes +\(200, 201"),
    (["/if/", "-H", "User-Agent: A-Bot"], "403, by rewrite", r"bot\) holds\n +return \(\S+weir\.conf:\d+\): the answer is 403"),
    (["/net/"], "403, by access", r"127\.0\.0\.1 is denied by the rule of \S+weir\.conf:\d+"),
    (["/net/"], "403, by access", r"^answer .*\n +whose error_page is /denied\?from=/net/$"),
    (["/net/", "--client", "10.1.2.3"], None, r"10\.1\.2\.3 is allowed by the rule of"),
    (["/any/"], "401, by auth_basic", r'asks for a password of "R" that is in \S+users'),
    (["/any/", "-H", "Authorization: Basic dTpw"], "auth_basic decides; if it lets the request in, it goes on as below",
     r'the password of "u" decides'),
    (["/ask/"], "auth_request decides; if it lets the request in, it goes on as below", r"Name: unknown, depends on \$name"),
    (["/ask/", "--client", "192.0.2.1"], "403, by access", "is denied"),
    (["/both/"], "auth_request decides; if it lets the request in, it goes on as below", "what /auth answers decides"),
    (["/text/"], "404, by rewrite", r"^answer .*\nsettings"),
    (["/put/x"], None, r"location +/put/"),
    (["/put/x", "--method", "PUT"], "403, by access", r"location +limit_except"),
    (["/when/?a", "-H", "Accept: application/json"], "200, by rewrite", r"json and \$args\) holds"),
    (["/when/?a"], "301, by rewrite", r'the answer is 301 to "https://a/when/\?a"'),
    (["/mapped/", "-H", "X: one"], None, r"add_header M: first +\(any status\)\n.*set X: unknown, depends on \$upstream_addr"
                                         r" +\(404, 500-599|set X: unknown"),
    (["/mapped/"], None, r"set Y: left out, if= is"),
    (["/mapped/?y=1"], None, r"set Y: y$"),
    (["/real/", "-H", "X-Real-IP: 192.0.2.7"], None, r"the client is 192\.0\.2\.7: 127\.0\.0\.1 says it"),
    (["/real/"], "403, by access", "127.0.0.1 is denied"),
    (["/slow/"], None, r'zone "one": the key is "127\.0\.0\.1"\n +0\.500 requests a second, 5 more at once, none delayed; then 503'),
    (["/slow/"], None, r'zone "two": 3 at a time of the key "a", then 503'),
    (["/regex/?" + 40 * "a" + "b"], "500, by rewrite", "fails: the answer is 500"),
])
def test_m_says_what_becomes_of_the_request(make_server, words, answer, line):
    server = make_server(VERDICTS, http="map $http_x $mapped { one first; default other; }\n"
                         "limit_req_zone $binary_remote_addr zone=one:1m rate=30r/m; limit_conn_zone $host zone=two:1m;")
    result = server.run("-M", words[0], "a", *words[1:])
    assert result.returncode == 0, output(result)
    assert answer_of(result.stdout) == answer, result.stdout
    assert re.search(line, result.stdout, re.M), result.stdout
    tree = json.loads(server.run("-M", words[0], "a", *words[1:], "--json").stdout)
    decided = answer is not None and answer[0].isdigit()
    assert tree.get("status") == (int(answer[:3]) if decided else None)


FILES = """
    location / { try_files $uri $uri/ /index.php?$args; index no.html index.html; }
    location ~ \\.php$ { proxy_pass http://127.0.0.1:9; }
    location /named/ { try_files $uri @app; }
    location @app { rewrite ^/named/(.*) /folder/$1 last; }
    location /loop/ { try_files /none /loop/x; }
    location /code { try_files /none =418; }
    location /client { try_files /none$connection /folder/file; }
    location /proxied/ { proxy_pass http://127.0.0.1:9; }
"""


@pytest.mark.weir_only
@pytest.mark.parametrize("asked, answer, lines", [
    ("/folder/file", None, [r'^precontent +try_files .*\n +try_files: the file "\S+/folder/file" is there$',
                            r'^content .*\n(?:.*\n)* +static: "\S+/folder/file" is the file$']),
    ("/folder/", None, [r'^moved +to /folder/index\.html by index in location / \(\S+weir\.conf:\d+\)\n'
                        r' +index: "no\.html" is not there\n +index: "index\.html" is taken$', r"^location +/ "]),
    ("/folder", None, [r'the directory "\S+/folder" is there$', "static: .* is a directory"]),
    ("/x?q=1", None, [r"^moved +to /index\.php\?q=1 by try_files in location / ", r"^location +\\\.php\$ +regex",
                      r'proxy_pass: asks "127\.0\.0\.1:9" for /index\.php\?q=1$']),
    ("/named/file", None, [r"^moved +to @app by try_files in location /named/ .*\n(?: +try_files.*\n)+"
                           r"rewritten +to /folder/file by location @app", 'static: .*/folder/file" is the file$']),
    ("/loop/", "500, by try_files", [r"(?:^moved +to /loop/x by try_files in location /loop/ .*\n(?: +try_files.*\n)+){10}location"]),
    ("/code", "418, by try_files", ["try_files: none is there, the answer is 418$"]),
    ("/client", "try_files decides; if it lets the request in, it goes on as below",
     [r"try_files: unknown, depends on \$connection$"]),
    ("/proxied/", None, [r"^location +/proxied/", r"proxy_pass: asks .* for /proxied/$"]),
])
def test_m_follows_files_to_where_they_are(make_server, asked, answer, lines):
    server = make_server(FILES, files={"folder/file": "x", "folder/index.html": "y"})
    said = server.run("-M", asked, "a").stdout
    assert answer_of(said) == answer, said
    for line in lines:
        assert re.search(line, said, re.M), (line, said)
    assert json.loads(server.run("-M", asked, "a", "--json").stdout)["location"]["kind"] in ("prefix", "regex")


@pytest.mark.weir_only
@pytest.mark.parametrize("words, said", [
    (["-H", "nonsense"], '"nonsense" is no field'), (["-H", "A b: c"], "is no field"), (["-H", "A: b\r\nC: d"], "is no field"),
    (["--client", "here"], '"here" is no address'), (["--method", "A B"], '"A B" is no method'),
])
def test_m_refuses_what_no_request_has(make_server, words, said):
    result = make_server(OK).run("-M", "/", "a", *words)
    assert result.returncode == 1 and said in result.stderr


@pytest.mark.weir_only
def test_m_shows_what_tls_shows(make_server):
    server = make_server("listen 127.0.0.1:%PORT2% ssl; server_name a.example; ssl_protocols TLSv1.3;\n"
                         "ssl_certificate %TLS%/a.example.pem; ssl_certificate_key %TLS%/a.example.key;")
    result = server.run("-M", "https://a.example/")
    assert re.search(r"^tls +TLSv1\.3 +certificate of a\.example\n +ssl_\w+ .*weir\.conf:\d+$", result.stdout, re.M), output(result)
    assert "ssl_certificate_key " in result.stdout
    assert re.search(r"^sendfile +off: the connection is encrypted$", result.stdout, re.M)
    assert not re.search(r"^tls", server.run("-M", "http://a.example/").stdout, re.M)


@pytest.mark.weir_only
@pytest.mark.parametrize("more", [[], ["/app/x"], ["/app/x", "example.com"]])
def test_m_as_json_is_json(make_server, more):
    server = make_server('gzip on; location /app/ { return 200 "x"; }')
    result = server.run("-M", *more, "--json")
    assert result.returncode == 0, output(result)
    assert isinstance(json.loads(result.stdout), dict)


@pytest.mark.weir_only
def test_m_says_the_policies(make_server):
    server = make_server("""
        csp default-src 'self'; csp_report_only img-src 'none';
        location /app/ { csp script-src 'nonce-$csp_nonce'; csp_marker data-own s3cret77; csp_meta on; csp_upstream replace; }""")
    said = server.run("-M", "/").stdout
    assert re.search(r"^ +Content-Security-Policy: default-src 'self'$", said, re.M), said
    assert re.search(r"^ +Content-Security-Policy-Report-Only: img-src 'none'$", said, re.M)
    said = server.run("-M", "/app/").stdout
    assert re.search(r"^ +Content-Security-Policy of pages: default-src 'self'; script-src 'nonce-\S{24}'$", said, re.M), said
    assert re.search(r"^ +Content-Security-Policy of others: default-src 'self'; script-src$", said, re.M)
    assert "tags marked with data-own and the secret get the nonce" in said
    assert "written into the head" in said and "are taken away" in said
