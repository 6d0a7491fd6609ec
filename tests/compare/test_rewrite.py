"""One configuration full of rewrites, ifs, maps, geos and internal redirects, served by weir and by nginx: the same answers.

Statuses, bodies, and the fields that rewriting touches are compared. What differs stands in KNOWN with its reason, and in
docs/differences.md; one that does not differ any more fails, too.
"""

import itertools

import pytest

from weir.beside import compare, start

FIELDS = ("Location", "Content-Type", "X-A", "X-B", "X-V", "Cache-Control", "Allow")

HTTP = r"""
    map $arg_x $text { default none; a "is a"; "c d" "is c d"; ~^re(?<tail>\d*)$ "re:$tail"; ~*fold "fold"; "" empty; v $arg_y; }
    map $http_host $host_kind { hostnames; default other; .example.com sub; mail.* mail; ~^(?<first>\w+)\.org$ "org $first"; }
    map "$request_method:$uri" $both { default -; ~^GET:/map/(\w)(\w) "$2$1"; }
    map $uri $lazy { volatile; default "<$uri>"; }
    map $arg_to $target { default ""; one /return/text; two /files/a.txt; "three" "/nested/x/y"; }
    geo $arg_ip $where { default none; 10.0.0.0/8 ten; 10.1.0.0/16 "ten one"; 2001:db8::/32 six; 255.255.255.255 broken; }
    geo $arg_ip $range { ranges; default none; 10.0.0.0-10.0.0.9 low; 10.0.0.10-10.1.0.0 high; }
    split_clients "$arg_x" $part { 25% one; 33.33% two; * three; }
"""

CONF = r"""
    uninitialized_variable_warn off;
    set $seen "server";
    if ($arg_early = 1) { return 202 "early $uri"; }
    if ($arg_early = 2) { set $seen "if"; rewrite ^/early/(.*)$ /show/$1; }
    if ($http_x_break) { break; }
    rewrite ^/srv/(.*)$ /show/srv/$1;
    rewrite ^/srvlast/(\w+)/(\w+)$ /show/$2?$1 last;
    rewrite ^/srvredirect/(.*)$ /to/$1 permanent;
    set $behind 1;

    location /show { return 200 "$uri|$args|$is_args|$seen|$behind|$1|$request_uri"; }
    location /plain/ { rewrite ^/plain/(.*)$ /show/$1; }
    location /query/ { rewrite ^/query/(.*)$ /show?q=$1&r=$1; }
    location /drop/ { rewrite ^/drop/(.*)$ /show/$1?; }
    location /swap/ { rewrite ^/swap/(\w+)/(\w+)$ /show/$2/$1 last; return 404; }
    location /chain/ { rewrite ^/chain/(.*)$ /link/$1; rewrite ^/link/(.*)$ /show/$1; set $seen chain; }
    location /break/ { rewrite ^/break/(.*)$ /files/$1 break; }
    location /named/ { rewrite ^/named/(?<who>\w+)/(?<what>.*)$ /show/$what?who=$who; }
    location /fromarg/ { rewrite ^ $arg_to?; }
    location /fromuri/ { rewrite ^ /show$uri?; }
    location /setquery/ { rewrite ^/setquery/(.*)$ /show/x?a=$arg_a&$1; }
    location /redirect/ { rewrite ^/redirect/(.*)$ /to/$1 redirect; }
    location /permanent/ { rewrite ^/permanent/(.*)$ http://example.org/$1? permanent; }
    location /scheme/ { rewrite ^ $scheme://$host$uri redirect; }
    location /absolute/ { rewrite ^/absolute/(.*)$ https://example.org/?q=$1; return 500; }
    location /request/ { rewrite ^ https://example.org$request_uri? permanent; }
    location /loop/ { rewrite ^ /loop/x; }
    location /nomatch/ { rewrite ^/never$ /show; return 200 "on:$1"; }
    location ~ ^/case/(\w+)/(\w+) { rewrite ^/CASE/(.*) /show/$1; return 200 "$2$1"; }

    location /return/text { return 200 "text $arg_a"; }
    location /return/none { return 204; }
    location /return/teapot { return 418 "short"; }
    location /return/gone { return 410; }
    location /return/to { return 301 /to/$arg_a; }
    location /return/url { return http://example.org$request_uri; }
    location /return/see { return 303 $scheme://$host/x; }
    location /return/json { default_type application/json; return 200 '{"uri":"$uri"}'; }

    location /set/ { set $a "<$arg_a>"; set $b "$a$a"; set $args "n=$b"; return 200 "$b|$args|$arg_n"; }
    location /if/true { if ($arg_a) { return 200 yes; } return 200 no; }
    location /if/equal { if ($arg_a = "b c") { return 200 yes; } return 200 no; }
    location /if/differs { if ($arg_a != b) { return 200 yes; } return 200 no; }
    location /if/match { if ($arg_a ~ "^(\w)(\w*)$") { return 200 "$2$1"; } return 200 "no$1"; }
    location /if/fold { if ($arg_a ~* ^ABC$) { return 200 yes; } return 200 no; }
    location /if/not { if ($arg_a !~ b) { return 200 "yes$1"; } return 200 no; }
    location /if/set { set $r ""; if ($arg_a) { set $r "${r}A"; } if ($arg_b) { set $r "${r}B"; } return 200 "[$r]"; }
    location /if/header { add_header X-A a; expires 60;
        if ($arg_a) { add_header X-B b; } if ($arg_b) { expires 120; } root %ROOT%; }
    location /if/rewrite/ { if ($uri ~ ^/if/rewrite/(\w+)/(\w+)) { rewrite ^ /show/$2; } }
    location /if/last/ { if ($arg_a) { rewrite ^/if/last/(.*)$ /show/$1 last; } return 200 stayed; }
    location /if/break/ { if ($arg_a) { break; } return 200 "went on"; }
    location /if/file/ { set $f ""; alias %ROOT%/;
        if (-f $request_filename) { set $f "${f}f"; } if (-d $request_filename) { set $f "${f}d"; }
        if (-e $request_filename) { set $f "${f}e"; } if (!-f $request_filename) { set $f "${f}F"; }
        if (!-e $request_filename) { set $f "${f}E"; } if (-x $request_filename) { set $f "${f}x"; }
        return 200 "$f"; }
    location /if/root/ { if ($arg_a) { root %ROOT%/other; } root %ROOT%; }
    location /if/try/ { try_files /files/a.txt =404; if ($arg_a) { add_header X-A a; } }
    location /if/error/ { error_page 404 /show/missing; if ($arg_a) { return 404; } return 200 fine; }
    location /if/limit/ { limit_except GET { deny all; } if ($arg_a) { return 200 a; } return 200 b; }

    location /map/ { return 200 "$text|$both"; }
    location /hosts { return 200 "$host_kind|$first"; }
    location /lazy/ { set $l $lazy; rewrite ^/lazy/(.*)$ /lazier/$1; }
    location /lazier/ { return 200 "$l$lazy"; }
    location /target { if ($target = "") { return 404; } rewrite ^ $target last; }
    location /geo { return 200 "$where|$range"; }
    location /split { return 200 "$part"; }

    location /nested/ {
        set $n outer; return 200 "outer $n";
        location /nested/x/ { return 200 "inner $n $behind";
            location ~ /nested/x/(\w+)\.php$ { return 200 "php $1"; } }
        location ~ \.php$ { rewrite ^/nested/(.*)$ /show/php/$1; }
        location = /nested/exact { set $n exact; return 200 "$n"; }
    }
    location ^~ /prefix/ { return 200 "prefix"; }
    location ~ ^/regex/(?<id>\d+)/(?<rest>.*)$ { add_header X-V "$id"; rewrite ^/regex/(\d)\d*/(.*)$ /show/$1/$rest?$id last; }
    location ~* \.PNG$ { return 200 "png $uri"; }

    location /try/ { try_files $uri $uri/ /show/tried?$args; }
    location /trynamed/ { try_files $uri @named; }
    location /trycode/ { try_files $uri =418; }
    location /tryquery/ { try_files /none /show?old=$args&uri=$uri; }
    location @named { rewrite ^/trynamed/(.*)$ /show/named/$1 last; return 200 "@named $uri|$args"; }
    location /inside/ { rewrite ^/inside/(.*)$ /internal/$1 last; }
    location /internal/ { internal; return 200 "internal $uri"; }
    location /errors/ { error_page 404 = /show/error; error_page 403 =200 @page; error_page 410 http://example.org/gone;
        if ($arg_code = 403) { return 403; } if ($arg_code = 410) { return 410; } if ($arg_code = 404) { return 404; } }
    location @page { return 200 "page $uri|$args"; }
    location /errors/rewritten/ { error_page 404 /plain/from/error; return 404; }
    location /proxy/ { proxy_pass http://127.0.0.1:%PORT%/show/; if ($arg_h) { add_header X-A a; } }
    location /proxybreak/ { rewrite ^/proxybreak/(.*)$ /show/$1 break; proxy_pass http://127.0.0.1:%PORT%; }
    location /proxyuri/ { rewrite ^/proxyuri/(.*)$ /show/$1 break; proxy_pass http://127.0.0.1:%PORT%/zzz/; }
    location /proxyvar/ { set $to 127.0.0.1:%PORT%; rewrite ^/proxyvar/(.*)$ /show/$1 break; proxy_pass http://$to; }
    location /proxyif/ { if ($arg_a) { rewrite ^ /show/if break; proxy_pass http://127.0.0.1:%PORT%; } return 200 no; }
    location /files/ { }
    location / { }
"""

SLASHES = r"""
    merge_slashes off;
    location /a//b { return 200 "double $uri"; }
    location /r/ { rewrite ^/r/+(.*)$ /show/$1; }
    location /show { return 200 "$uri|$args"; }
    location / { return 200 "root $uri"; }
"""

NAMES = ("plain", "query", "drop", "swap", "chain", "named", "setquery", "redirect", "permanent", "scheme", "absolute", "srv",
         "srvlast", "srvredirect", "regex/12", "case", "fromuri", "proxy", "proxybreak", "proxyuri", "proxyvar")
TAILS = ("a", "a/b", "a/b?c=d", "a%20b", "a+b?c", "a&b=c", "a;b", "", "%C3%A4/x", "a%25b/c", "a%2Bb/c%26d", "a=1&b=2?x")

SINGLE = """
/show?a=b /early/a?early=1 /early/a?early=2 /early/a?early=3 /loop/a /nomatch/x /break/a.txt /break/none /break/a.txt?x=1
/fromarg/?to=/show/arg /fromarg/?to=/show/a%20b /fromarg/?to=/show?x /request/a /request/a?b=c&d /request/a%20b?c
/return/text?a=b /return/text?a=%20 /return/none /return/teapot /return/gone /return/to?a=b /return/url?x=y /return/see
/return/json /return/json?a /set/?a=b /set/ /if/true /if/true?a=0 /if/true?a=1 /if/true?a /if/true?a=00 /if/equal?a=b
/if/equal?a=b%20c /if/differs /if/differs?a=b /if/match?a=abc /if/match?a=-- /if/match /if/fold?a=aBc /if/fold?a=abcd
/if/not?a=b /if/not?a=c /if/set /if/set?a=1 /if/set?b=1 /if/set?a=1&b=1 /if/header /if/header?a=1 /if/header?b=1
/if/header?a=1&b=1 /if/rewrite/a/b /if/rewrite/a /if/last/a?a=1 /if/last/a /if/break/f?a=1 /if/break/f /if/file/files/a.txt
/if/file/files /if/file/none /if/file/ /if/root/f?a=1 /if/root/f /if/try/x /if/try/x?a=1 /if/error/?a=1 /if/error/
/if/limit/ /if/limit/?a=1 /map/ab?x=a /map/ab?x=A /map/xy?x=re12 /map/xy?x=re /map/?x=unfolded /map/?x= /map/?x=v&y=deep
/map/?x=c%20d /hosts /lazy/a /target?to=one /target?to=two /target?to=three /target?to=four /target /geo?ip=10.0.0.1
/geo?ip=10.1.0.0 /geo?ip=10.1.0.1 /geo?ip=9.9.9.9 /geo?ip=2001:db8::1 /geo?ip=2001:db9::1 /geo?ip=::ffff:10.0.0.10
/geo?ip=nonsense /geo /split?x=1 /split?x=2 /split?x=3 /split?x=12345 /split?x=abcdefg /split /nested/ /nested/x/
/nested/x/a.php /nested/a.php?q /nested/exact /nested/exact/ /nested/x /prefix/a.php /prefix/a.png /regex/7/a/b?c
/regex/a/b /a.png /a.PNG?x /files/a.txt /try/f /try/dir /try/dir/ /try/none?a=b /trynamed/f /trynamed/none?q /trycode/f
/trycode/none /tryquery/x?y=z /inside/a /internal/a /errors/?code=403 /errors/?code=404 /errors/?code=410 /errors/none
/errors/f?code=1 /errors/rewritten/x?a=b //plain//a /plain/./a /plain/b/../a /plain/a/.. /show/%41 /show/a%3Fb
/proxy/a?h=1 /proxyif/a?a=1 /proxyif/a /srv/%3F /plain/%3Fa?b /%70lain/a /trynamed/a%20b /try/a%20b /nested//x/ /if/../show /none /
""".split()

# Requests that weir answers in another way, and why.
ENCODED = "what a variable brings into a redirect is encoded"
EMPTY = "an answer without content has no Content-Type"
KNOWN = {
    "/scheme/a%20b": ENCODED, "/scheme/%C3%A4/x": ENCODED, "/scheme/a%25b/c": ENCODED,
    "/case/a/b": EMPTY, "/case/a/b?c=d": EMPTY,
    "/trycode/none": "every error has a page",
}


def requests():
    for name, tail in itertools.product(NAMES, TAILS):
        yield "GET", f"/{name}/{tail}", {}
    for path in SINGLE:
        yield "GET", path, {}
    for path in ("/if/limit/", "/if/limit/?a=1", "/errors/?code=404", "/return/text", "/plain/a", "/redirect/a"):
        yield "POST", path, {"fields": ["Content-Length: 0"]}
        yield "HEAD", path, {}
    for host in ("example.com", "www.example.com", "mail.net", "some.org", "x", "www.example.com."):
        yield "GET", "/hosts", {"host": host}
    yield "GET", "/srv/a", {"fields": ["X-Break: 1"]}
    yield "GET", "/show", {"fields": ["X-Break: 1"]}


FILES = ("files/a.txt", "f", "other/if/root/f", "if/root/f", "if/break/f", "if/header", "try/f", "try/dir/index.html",
         "trynamed/f", "trycode/f", "errors/f", "index.html", "a b")


@pytest.fixture(scope="module")
def both():
    pair = start(CONF, HTTP, FILES)
    yield pair
    for server in pair:
        server.stop()


def test_every_answer_is_the_same(both):
    asked = list(requests())
    assert len(asked) > 150
    wrong, idle = compare(both, asked, FIELDS, KNOWN)
    assert not wrong, f"{len(wrong)} differences in {len(asked)} requests:\n" + "\n".join(wrong)
    assert not idle, f"these do not differ: {idle}"


def test_slashes_are_kept_alike():
    pair = start(SLASHES, files=FILES)
    try:
        wrong, _ = compare(pair, [("GET", path, {}) for path in (
            "/a//b", "/a/b", "//a//b", "/r///x//y", "/r/x//y?z", "//", "/a//b//c", "/r/x/../y", "/r//x/./y")], FIELDS)
    finally:
        for server in pair:
            server.stop()
    assert not wrong, "\n".join(wrong)
