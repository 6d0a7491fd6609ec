"""`sites GLOB;`: a fault in a site's file costs that site alone."""

from weir.server import wait_for
from weir.wire import Connection

SITE = 'server { listen 127.0.0.1:%%PORT%%; server_name %s; return 200 "%s"; }\n'
FAULTY = "emerg.*conf/(sites/|part)|site .* is faulty"


class Sites:
    """A server and the files of its sites."""

    def __init__(self, make_server, http="", **files):
        self.server = make_server(
            'return 200 "main";', listen="listen 127.0.0.1:%PORT% default_server;",
            http=f"{http}\n    sites %PREFIX%/conf/sites/*.conf;", single=False)
        self.server.allowed = FAULTY
        self.folder = self.server.prefix / "conf/sites"
        self.folder.mkdir()
        for name, text in files.items():
            self.put(name, text)

    def put(self, name, text):
        fresh = self.folder / f"{name}.new"
        fresh.write_text(self.server.fill_in(text))
        fresh.rename(self.folder / f"{name}.conf")

    def get(self, host):
        conn = Connection(self.server.port)
        conn.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = conn.response()
        conn.close()
        return answer.status if answer.status != 200 else answer.body.decode()

    def reload(self):
        before = wait_for("workers", self.server.workers)
        assert self.server.run("-s", "reload").returncode == 0
        wait_for("new workers", lambda: self.server.workers() and
                 not set(before) & set(self.server.workers()))

    def log(self):
        return self.server.error_log.read_text()


def site(name, text=None):
    return SITE % (name, text or name)


def test_a_site_that_never_was_good_answers_503_and_the_others_serve(make_server):
    sites = Sites(make_server, a=site("a"), c=site("c"),
                  b='server { listen 127.0.0.1:%PORT%; server_name b; location / { proot /x; } }')
    sites.server.start()
    assert [sites.get(h) for h in "abcx"] == ["a", 503, "c", "main"]
    assert 'unknown directive "proot"' in sites.log()
    assert 'b.conf" is faulty: its names answer 503' in sites.log()


def test_a_file_that_is_no_configuration_harms_nobody(make_server):
    sites = Sites(make_server, a=site("a"), b="}}}; \"", c=site("c"))
    sites.server.start()
    assert [sites.get(h) for h in "abc"] == ["a", "main", "c"]


def test_a_block_that_is_not_closed_does_not_swallow_the_next_file(make_server):
    sites = Sites(make_server, a=site("a").replace("}", ""), b=site("b"))
    sites.server.start()
    assert [sites.get(h) for h in "ab"] == [503, "b"]


def test_a_reload_keeps_the_last_good_version(make_server):
    sites = Sites(make_server, a=site("a"), b=site("b"))
    sites.server.start()
    sites.put("a", site("a", "newer").replace("return", "retrun"))
    sites.put("b", site("b", "newer"))
    sites.reload()
    assert [sites.get(h) for h in "ab"] == ["a", "newer"]
    assert 'a.conf" is faulty: its last good version stays in force' in sites.log()
    sites.reload()
    assert sites.get("a") == "a"
    sites.put("a", site("a", "right"))
    sites.reload()
    assert [sites.get(h) for h in "ab"] == ["right", "newer"]


def test_the_last_good_version_has_its_includes_as_they_were(make_server):
    sites = Sites(make_server, a='include %PREFIX%/conf/part;\n')
    part = sites.server.prefix / "conf/part"
    part.write_text(sites.server.fill_in(site("a")))
    sites.server.start()
    part.write_text("server { bogus; }")
    sites.reload()
    assert sites.get("a") == "a"


def test_a_faulty_part_costs_the_sites_that_include_it(make_server):
    text = 'server { listen 127.0.0.1:%%PORT%%; server_name %s; include %%PREFIX%%/conf/part; }'
    sites = Sites(make_server, a=text % "a", b=site("b"), c=text % "c")
    (sites.server.prefix / "conf/part").write_text("bogus on;")
    sites.server.start()
    assert [sites.get(h) for h in "abc"] == [503, "b", 503]


def test_a_file_that_is_gone_or_cannot_be_read_is_its_sites_fault(make_server):
    sites = Sites(make_server, a=site("a"), b='include %PREFIX%/conf/missing;')
    sites.server.start()
    assert sites.get("a") == "a"
    assert "missing" in sites.log()


def test_a_site_whose_file_is_removed_is_gone(make_server):
    sites = Sites(make_server, a=site("a"), b=site("b"))
    sites.server.start()
    (sites.folder / "a.conf").unlink()
    sites.reload()
    assert [sites.get(h) for h in "ab"] == ["main", "b"]


def test_the_second_of_two_sites_with_one_name_for_a_group_is_the_faulty_one(make_server):
    group = "upstream app { server 127.0.0.1:%PORT%; }\n"
    sites = Sites(make_server, a=group + site("a"), b=group + site("b"))
    sites.server.start()
    assert [sites.get(h) for h in "ab"] == ["a", 503]


def test_a_setting_for_all_sites_is_refused_in_one(make_server):
    sites = Sites(make_server, a="gzip on;\n" + site("a"), b=site("b"))
    sites.server.start()
    assert [sites.get(h) for h in "ab"] == [503, "b"]
    assert '"gzip" in a site\'s file would hold for all sites' in sites.log()


def test_definitions_may_stand_beside_the_servers(make_server):
    sites = Sites(make_server, a="log_format mine $uri;\n" + site("a"))
    sites.server.start()
    assert sites.get("a") == "a"


def test_a_fault_of_everybodys_refuses_the_reload(make_server):
    sites = Sites(make_server, a=site("a"))
    sites.server.allowed = "emerg"
    sites.server.start()
    before = wait_for("workers", sites.server.workers)
    sites.put("a", site("a", "newer"))
    sites.server.configure(sites.server.text.replace("access_log off", "bogus off"))
    sites.server.run("-s", "reload")
    wait_for("refusal", lambda: "the new configuration was refused" in sites.log())
    wait_for("the same workers", lambda: sites.server.workers() == before)
    assert sites.get("a") == "a"


def test_a_test_of_the_configuration_fails_and_names_every_faulty_site(make_server):
    sites = Sites(make_server, a=site("a"), b=site("b").replace("return", "retrun"),
                  c=site("c").replace("listen", "lisen"))
    done = sites.server.run("-t")
    assert done.returncode == 1
    for name in ("b", "c"):
        assert f'{name}.conf" is faulty' in done.stderr
    assert 'a.conf" is faulty' not in done.stderr
    assert 'did you mean "return"?' in done.stderr and 'did you mean "listen"?' in done.stderr


def test_sites_stand_in_http_alone_and_have_none_of_their_own(make_server):
    sites = Sites(make_server, http="server { sites x/*.conf; }", a=site("a"))
    done = sites.server.run("-t")
    assert done.returncode == 1
    assert '"sites" directive is not allowed here' in done.stderr
    sites = Sites(make_server, a="sites more/*.conf;\n" + site("a"), b=site("b"))
    sites.server.start()
    assert [sites.get(h) for h in "ab"] == [503, "b"]
    assert "a site cannot have sites of its own" in sites.log()
