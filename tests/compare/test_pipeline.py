"""What stands between a request and its answer, served by weir and by nginx: the same answers.

Maps, geos, splits, referers, links with secrets, corrected addresses, limits, access, error pages, try_files, captures, added
bodies. What differs stands in KNOWN with its reason, and in docs/differences.md; one that does not differ any more fails, too.
"""

import base64
import hashlib

import pytest

from weir.beside import compare, start
from weir.server import wait_for

FIELDS = ("Location", "Content-Type", "X-A", "X-B", "X-C", "X-Limit", "Cache-Control", "WWW-Authenticate", "Expires",
          "Set-Cookie", "Retry-After")

FILES = {
    "f": "f\n", "index.html": "index\n", "a b": "blank\n", "try/f": "try f\n", "try/dir/index.html": "dir index\n",
    "try/sub/x.html": "x\n", "err/404.html": "page 404\n", "err/50x.html": "page 50x\n", "err/401.html": "page 401\n",
    "random/only.html": "only\n", "random/.hidden": "hidden\n", "norandom/.hidden": "h\n", "norandom/sub/x": "x\n",
    "part/head": "<head>", "part/foot": "<foot>", "page.html": "<page>", "page.txt": "text page", "empty.html": "",
    "alias/f": "aliased f\n", "alias/sub/index.html": "aliased index\n", "regex/one.php": "php\n", "%2f": "percent\n",
    "users": "ann:{PLAIN}secret\nbob:$apr1$12345678$0lqb/6VUFP8JY/s/jTrIk0\ncat:{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0\n",
}

HTTP = r"""
    map $arg_x $plain { default other; one 1; "two words" 2; \default literal; "~^(?<cap>[a-z]+)-\d$" "c:$cap"; ~*^FOLD$ folded;
        "" nothing; ~a.c regex; abc exact; $ dollar; }
    map $http_host $hosts { hostnames; default none; .example.com dot; *.example.org star; www.example.org exact; mail.* tail;
        mail.example.com longer; "~^re(?<n>\d)" "re$n"; }
    map $arg_x$arg_y $joined { default -; ab AB; a A; b B; }
    map $uri $chain { default $plain; ~/deep $hosts; }
    map $arg_n $number { default 0; 1 "1"; }
    map $arg_v $volatile_v { volatile; default "v$arg_v"; }
    map $arg_x $mapcap { default -; "~^(.)(.)$" "$2$1"; "~^(?<mapname>c.+)$" "n:$mapname"; }
    map $arg_x $name_of { "~^(?<whole>.+)$" "<$whole>"; }
    map $arg_x $mapcase { CamelCase camel; lower low; "~Case" "re"; default none; }
    map $arg_x $exp { default off; one 60; two max; three epoch; four -1; five nonsense; six @1h30m; }
    geo $arg_ip $geo { default d; 0.0.0.0/0 all; 10.0.0.0/8 ten; 10.1.0.0/16 tenone; 10.1.2.3 host; 127.0.0.0/8 loop;
        2001:db8::/32 doc; 2001:db8:1::/48 doc1; ::1 six1; 10.9.0.0/16 nine; delete 10.9.0.0/16; }
    geo $arg_ip $ranges { ranges; default d; 10.0.0.0-10.0.0.255 first; 10.0.0.128-10.0.0.200 second; 1.1.1.1-1.1.1.1 one;
        255.255.255.0-255.255.255.254 end; 20.0.0.0-20.0.255.255 gone; delete 20.0.0.0-20.0.255.255; }
    geo $proxied { default d; proxy 127.0.0.1; proxy_recursive; 192.0.2.0/24 test; 198.51.100.7 host; 127.0.0.1 local; 10.0.0.0/8 ten;
        proxy 10.0.0.0/8; }
    split_clients "$arg_x$arg_y" $half { 50% a; * b; }
    split_clients $arg_x $parts { 0.5% tiny; 10% ten; 33.33% third; 56% big; * rest; }
    split_clients $arg_x $whole { 100% all; }
    limit_req_zone $arg_k zone=plain:1m rate=1r/m;
    limit_req_zone $arg_k2 zone=other:1m rate=1r/m;
    limit_conn_zone $arg_k zone=conns:1m;
    log_format mirrored "$request_method $request_uri $args $http_x";
    recursive_error_pages off;
"""

CONF = r"""
    uninitialized_variable_warn off;
    location /map { return 200 "$plain|$joined|$chain|$number|$volatile_v|$cap"; }
    location /map/deep { return 200 "$chain"; }
    location /maphost { return 200 "$hosts|$n"; }
    location /mapif { if ($number) { return 200 yes; } return 200 no; }
    location /geo { return 200 "$geo|$ranges"; }
    location /proxied { return 200 "$proxied"; }
    location /split { return 200 "$half|$parts|$whole"; }

    location /referer/ { valid_referers none blocked server_names *.example.com example.* www.example.org/galleries/ ~\.google\.;
        return 200 "[$invalid_referer]"; }
    location /referer/if/ { valid_referers example.com; if ($invalid_referer) { return 403; } return 200 good; }
    location /referer/blocked/ { valid_referers blocked example.com; return 200 "[$invalid_referer]"; }
    location /referer/names/ { valid_referers server_names; return 200 "[$invalid_referer]"; }

    location /secure/ { secure_link $arg_md5,$arg_expires; secure_link_md5 "$secure_link_expires$uri secret";
        return 200 "[$secure_link]$secure_link_expires"; }
    location /securenoexp/ { secure_link $arg_md5; secure_link_md5 "$uri secret"; return 200 "[$secure_link]"; }
    location /p/ { secure_link_secret word; if ($secure_link = "") { return 403; } return 200 "[$secure_link]"; }

    location /real/ { set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8; set_real_ip_from 2001:db8::/32;
        real_ip_header X-Forwarded-For; real_ip_recursive on; add_header X-A "$remote_addr|$realip_remote_addr" always; try_files /f =404; }
    location /realflat/ { set_real_ip_from 127.0.0.1; set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For;
        add_header X-A "$remote_addr|$realip_remote_addr" always; try_files /f =404; }
    location /realip/ { set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP; add_header X-A $remote_addr always; try_files /f =404; }
    location /realnot/ { set_real_ip_from 10.0.0.0/8; real_ip_header X-Real-IP; add_header X-A $remote_addr always; try_files /f =404; }
    location /realdeny/ { set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP; allow 192.0.2.0/24; deny all; try_files /f =404; }

    location /limit/plain { limit_req zone=plain; add_header X-Limit $limit_req_status always; try_files /f =404; }
    location /limit/burst { limit_req zone=plain burst=2 nodelay; limit_req_status 429; add_header X-Limit $limit_req_status always;
        try_files /f =404; }
    location /limit/dry { limit_req zone=plain; limit_req_dry_run on; add_header X-Limit $limit_req_status always; try_files /f =404; }
    location /limit/both { limit_req zone=plain burst=3 nodelay; limit_req zone=other; limit_req_status 429;
        add_header X-Limit $limit_req_status always; try_files /f =404; }
    location /limit/page { limit_req zone=plain; error_page 503 = @busy; try_files /f =404; }
    location /limit/page429 { limit_req zone=plain; limit_req_status 429; error_page 429 /err/50x.html; try_files /f =404; }
    location /limit/conn { limit_conn conns 1; add_header X-Limit $limit_conn_status always; try_files /f =404; }
    location /limit/return { limit_req zone=plain; return 200 "never limited"; }
    location /limit/inside { limit_req zone=plain; try_files /none /limit/plain; }
    location @busy { return 200 "busy $uri $status"; }

    location /err/ { internal; root %ROOT%; }
    location /e/named { error_page 404 = @named; return 404; }
    location /e/named200 { error_page 404 =200 @named; return 404; }
    location /e/keep { error_page 404 @named; return 404; }
    location /e/nocontent { error_page 404 =204 /f; return 404; }
    location /e/file { error_page 404 /err/404.html; return 404; }
    location /e/several { error_page 500 502 503 504 /err/50x.html; return 502; }
    location /e/args { error_page 404 /show?code=$status&uri=$uri; return 404; }
    location /e/redirect { error_page 403 http://example.org/denied?u=$uri; return 403; }
    location /e/redirect301 { error_page 403 =301 http://example.org/; return 403; }
    location /e/code { error_page 404 =410 /err/404.html; return 404; }
    location /e/missing { error_page 404 /err/none; return 404; }
    location /e/loop { error_page 404 /e/loop; return 404; }
    location /e/recursive { recursive_error_pages on; error_page 404 = /e/second; return 404;
        location /e/recursive/no { recursive_error_pages off; error_page 404 = /e/second; return 404; } }
    location /e/second { error_page 403 = @named; return 403; }
    location /e/outer { error_page 404 = @named; location /e/outer/inner { error_page 403 = @named; return 404; } 
        location /e/outer/none { return 404; } }
    location /e/auth { error_page 401 = @login; auth_basic "E"; auth_basic_user_file %ROOT%/users; try_files /f =404; }
    location /e/authfile { error_page 401 /err/401.html; auth_basic "E"; auth_basic_user_file %ROOT%/users; try_files /f =404; }
    location /e/deny { error_page 403 = @named; deny all; }
    location /e/method { error_page 405 =200 /show; }
    location /e/if { error_page 404 = @named; if ($arg_a) { return 404; } return 404; }
    location /e/ifown { error_page 404 = @named; if ($arg_a) { error_page 404 = @login; return 404; } return 404; }
    location /e/200 { error_page 404 =200 /empty; return 404; }
    location /e/header { add_header X-A outer; error_page 404 = @header; return 404; }
    location @header { add_header X-B inner always; return 200 header; }
    location /e/set { set $kept before; error_page 404 = @kept; return 404; }
    location @kept { return 200 "$kept|$uri|$request_uri|$args|$status"; }
    location @named { return 200 "named $uri?$args $status $request_method"; }
    location @login { return 401 "login"; }
    location = /empty { return 200 ""; }
    location /show { return 200 "$uri|$args|$request_method|$status"; }
    location /e/text { error_page 404 = @named; return 404 "own text"; }

    location /try/ { try_files $uri $uri/ $uri.html /show?from=try&$args; }
    location /trydir { try_files /try/dir/ =404; }
    location /trydirnone { try_files /try/none/ /try/f; }
    location /trylast { try_files /none /none2 /also-none; }
    location /trycode { try_files /none =403; error_page 403 = @named; }
    location /tryalias/ { alias %ROOT%/alias/; try_files $uri $uri/index.html =404; }
    location /trybase { root %ROOT%/try; try_files /f =404; }
    location /tryvar { set $file /f; try_files $file =404; }
    location /trynamed { try_files /none @named; }
    location /tryloop { try_files /none /tryloop; }
    location ~ ^/tryre/(\w+)\.(\w+)$ { try_files /regex/$1.$2 /show?re=$1-$2; }
    location /tryheader { add_header X-A try always; try_files /none =404; }
    location /tryproxy { try_files /none @proxy; }
    location @proxy { proxy_pass http://127.0.0.1:%PORT%; rewrite ^/tryproxy(.*)$ /show$1 break; }

    location /trap/header { add_header X-A a; location /trap/header/in { add_header X-B b; return 200 ok; } return 200 ok; }
    location /trap/two { if ($arg_a) { add_header X-A a; } if ($arg_b) { add_header X-B b; } try_files /f =404; }
    location /trap/try { try_files /f =404; if ($arg_a) { set $nothing 1; } }
    location /trap/alias/ { alias %ROOT%/alias/; if ($arg_a) { add_header X-A a; } }
    location /trap/proxy/ { proxy_pass http://127.0.0.1:%PORT%/show/; if ($arg_a) { set $nothing 1; } }
    location /trap/break { if ($arg_a) { set $v 1; break; set $v 2; } set $v "${v}3"; return 200 "$v"; }
    location /trap/nested/ { if ($arg_a) { root %ROOT%/none; } location /trap/nested/x { root %ROOT%; try_files /f =404; } }
    location /trap/chain { set $r a; if ($arg_a) { set $r "${r}b"; rewrite ^ /trap/end; } if ($arg_b) { set $r "${r}c"; } }
    location /trap/end { return 200 "$r"; }
    location /trap/order { return 200 "$late"; set $late x; }
    location /trap/neg { if ($arg_a !~* "^(x|y)") { return 200 "not:$1"; } return 200 "is:$1"; }
    location /trap/zero { if ($arg_a = "") { return 200 empty; } if ($arg_a) { return 200 true; } return 200 false; }
    location /trap/quote { if ($arg_a ~ "a{2}") { return 200 two; } return 200 no; }
    location /trap/limit { limit_except GET POST { deny all; } return 200 "$request_method"; }
    location /trap/limit2 { limit_except GET { deny all; } try_files /f =404; }

    location ~ ^/cap/(\w)(\w*)/try$ { try_files /none @cap; }
    location @cap { return 200 "@[$1|$2]"; }
    location ~ ^/cap/(?<first>\w)(\w*)/err$ { error_page 404 = @capnamed; return 404; }
    location @capnamed { return 200 "[$first|$1|$2]"; }
    location ~ ^/cap/(\w+)/map$ { return 200 "[$1|$plain|$1]"; }
    location ~ ^/cap/(\w+)/if$ { if ($arg_x ~ ^(.)) { return 200 "in[$1]"; } return 200 "out[$1]"; }
    location ~ ^/cap/(\w+)/ifset$ { set $was $1; if ($arg_x ~ ^(.)) { set $now $1; } return 200 "[$was|$now|$1]"; }
    location ~ ^/cap/(\w+)/rewrite$ { rewrite ^/cap/(.)(.*)/rewrite$ /capend/$2/$1?c=$1 last; }
    location ~ ^/capend/(.+)/(.+)$ { return 200 "[$1|$2|$args]"; }
    location ~ ^/cap/(\w+)/named$ { rewrite ^/cap/(?<which>\w)\w*/named$ /capwhich/$1; }
    location /capwhich { return 200 "[$which|$1]"; }
    location ~ ^/cap/(\w+)/inner { location ~ ^/cap/\w+/inner/(\d+)$ { return 200 "[$1]"; } return 200 "outer[$1]"; }
    location ~ ^/cap/(\w+)/alias/(.*)$ { alias %ROOT%/$1/$2; }
    location ~ ^/cap/(\w+)/proxy$ { proxy_pass http://127.0.0.1:%PORT%/show/$1?x=$1; }
    location ~ ^/cap/(\w+)/header$ { add_header X-A "$1"; return 200 "$1"; }
    location ~ ^/cap/(a)?(b)?/opt$ { return 200 "[$1|$2]"; }
    location ~ ^/cap/(?<x1>.+)/dec$ { return 200 "[$x1|$uri|$request_uri]"; }
    location ~ ^/cap/(\w+)/auth$ { auth_request /asked; try_files /none @cap; }
    location = /asked { internal; if ($request_uri ~ /(no)/) { return 403; } return 204; }

    location /order/ { return 200 "prefix"; location /order/in/ { return 200 "in"; location ~ \.b$ { return 200 "in-b"; } }
        location ~ \.a$ { return 200 "order-a"; } location ~ \.b$ { return 200 "order-b"; } location = /order/x.a { return 200 exact; } }
    location ^~ /order/final/ { return 200 "final"; location ~ \.a$ { return 200 "final-a"; } }
    location ~ ^/order/.*\.c$ { return 200 "c1"; }
    location ~ \.c$ { return 200 "c2"; }
    location ~* \.C$ { return 200 "c3"; }
    location ~* ^/order/fold/A { return 200 "fold"; }
    location = /order { return 200 "= order"; }
    location /order/long { return 200 "long"; }
    location /order/longer { return 200 "longer"; }

    location /add/ { root %ROOT%; add_before_body /part/head; add_after_body /part/foot; addition_types text/html text/plain;
        types { text/html html; } default_type text/plain; rewrite ^/add(/.*)$ $1 break; }
    location /addhtml/ { add_before_body /part/head; addition_types text/html; types { text/html html; } default_type text/plain;
        rewrite ^/addhtml(/.*)$ $1 break; }
    location /addnone/ { add_after_body /part/none; addition_types *; rewrite ^/addnone(/.*)$ $1 break; }
    location /addinherit/ { add_before_body /part/head; addition_types *; location /addinherit/off/ { add_before_body ""; 
        rewrite ^/addinherit/off(/.*)$ $1 break; } rewrite ^/addinherit(/.*)$ $1 break; }
    location /random/ { random_index on; }
    location /norandom/ { random_index on; index f; }
    location /gif { empty_gif; }
    location /mirror/ { mirror /mirrored; mirror_request_body off; try_files /f =404; }
    location /mirror2/ { mirror /mirrored; mirror /mirrored2; try_files /f =404; location /mirror2/off/ { mirror off; try_files /f =404; } }
    location = /mirrored { internal; proxy_pass http://127.0.0.1:%PORT%/sink$request_uri; }
    location = /mirrored2 { internal; proxy_pass http://127.0.0.1:%PORT%/sink/second; }
    location /sink { access_log %PREFIX%/logs/mirror.log mirrored; return 204; }

    location /auth/any { satisfy any; deny all; auth_basic R; auth_basic_user_file %ROOT%/users; try_files /f =404; }
    location /auth/anyok { satisfy any; allow 127.0.0.1; deny all; auth_basic R; auth_basic_user_file %ROOT%/users; try_files /f =404; }
    location /auth/all { satisfy all; allow 127.0.0.1; deny all; auth_basic R; auth_basic_user_file %ROOT%/users; try_files /f =404; }
    location /auth/alldeny { deny all; auth_basic R; auth_basic_user_file %ROOT%/users; try_files /f =404; }
    location /auth/anyreq { satisfy any; deny all; auth_basic R; auth_basic_user_file %ROOT%/users; auth_request /ask; try_files /f =404; }
    location /auth/req { auth_request /ask; auth_request_set $got $sent_http_x_got; add_header X-A $got; try_files /f =404; }
    location /auth/reqboth { auth_basic R; auth_basic_user_file %ROOT%/users; auth_request /ask; try_files /f =404; }
    location /auth/reqerr { auth_request /ask; error_page 401 403 = @named; try_files /f =404; }
    location /auth/reqoff { auth_request /ask; location /auth/reqoff/in { auth_request off; try_files /f =404; } }
    location /auth/off { auth_basic R; auth_basic_user_file %ROOT%/users; location /auth/off/in { auth_basic off; try_files /f =404; } }
    location /auth/nofile { auth_basic R; auth_basic_user_file %ROOT%/none; try_files /f =404; }
    location /auth/var { auth_basic $arg_realm; auth_basic_user_file %ROOT%/$arg_file; try_files /f =404; }
    location /auth/except { limit_except GET { auth_basic R; auth_basic_user_file %ROOT%/users; } try_files /f =404; }
    location /auth/if { if ($arg_a) { return 200 "no password"; } auth_basic R; auth_basic_user_file %ROOT%/users; try_files /f =404; }
    location /auth/order { deny 127.0.0.1; allow all; try_files /f =404; }
    location /auth/net { allow 127.0.0.0/30; deny all; try_files /f =404; }
    location /auth/unix { deny unix:; allow 127.0.0.1; deny all; try_files /f =404; }
    location /auth/inherit { deny all; location /auth/inherit/in { allow all; try_files /f =404; } location /auth/inherit/none { try_files /f =404; } }
    location = /ask { internal; add_header X-Got "got" always; if ($http_x = 401) { return 401; } if ($http_x = 403) { return 403; }
        if ($http_x = 302) { return 302 /x; } if ($http_x = 500) { return 500; } if ($http_x = 404) { return 404; } return 204; }

    location /set/ { set $args "x=$arg_a"; return 200 "$args|$arg_x|$query_string|$is_args"; }
    location /set/empty { set $args ""; return 200 "[$args|$is_args]"; }
    location /set/nest { set $a 1; set $b "$a$a"; set $a "${b}x"; return 200 "$a$b"; }
    location /set/http { set $http_x set; return 200 "$http_x"; }
    location /set/host { return 200 "$host|$http_host|$scheme|$server_name|$server_protocol|$request|$https|$document_uri"; }
    location /set/cookie { return 200 "$cookie_a|$cookie_B|$arg_A|$http_user_agent|$content_type|$content_length"; }
    location /exp/60 { expires 60; return 200 ok; }
    location /exp/off { expires off; return 200 ok; }
    location /exp/neg { expires -1; return 404; }
    location /exp/epoch { expires epoch; return 200 ok; }
    location /exp/max { expires max; return 200 ok; }
    location /exp/404 { expires 60; return 404; }
    location /hdr { add_header X-A "a"; add_header X-A "b"; add_header X-B "" ; add_header X-C $arg_c always; return 200 ok; }
    location /hdr/404 { add_header X-A a; add_header X-B b always; return 404; }
    location /slash { location /slash/dir/ { proxy_pass http://127.0.0.1:%PORT%/show/; } return 200 "slash $uri"; }
    location ~ ^/sub/(?<who>\w+)/cap$ { auth_request /subcap/other; add_header X-A "$who|$1"; try_files /f =404; }
    location ~ ^/subcap/(?<which>\w+)$ { internal; if ($request_uri ~ (cap)) { return 204; } return 403; }
    location ~ ^/sub/(?<same>\w+)/same$ { auth_request /subsame/other; add_header X-A "$same"; try_files /f =404; }
    location ~ ^/subsame/(?<same>\w+)$ { internal; return 204; }
    location /sub/set { set $mine main; auth_request /subset; add_header X-A "$mine"; try_files /f =404; }
    location = /subset { internal; set $mine sub; return 204; }
    location /sub/map { add_header X-A "$plain"; auth_request /submap; try_files /f =404; }
    location = /submap { internal; if ($plain = other) { return 403; } return 204; }
    location /sub/error { auth_request /suberror; try_files /f =404; }
    location = /suberror { internal; error_page 401 =204 /empty; return 401; }
    location /sub/error2 { auth_request /suberror2; try_files /f =404; }
    location = /suberror2 { internal; error_page 404 = @subnamed; return 404; }
    location @subnamed { return 403; }
    location /sub/redirect { auth_request /subredirect; try_files /f =404; }
    location = /subredirect { internal; return 301 /f; }
    location /sub/rewritten { auth_request /subrewritten; try_files /f =404; }
    location = /subrewritten { internal; rewrite ^ /ask last; }
    location /sub/deep { auth_request /subdeep; try_files /f =404; }
    location = /subdeep { internal; deny all; try_files /f =404; }
    location /sub/missing { auth_request /subnowhere; try_files /f =404; }
    location /sub/uri { auth_request /suburi; add_header X-A "$uri|$args|$request_uri"; try_files /f =404; }
    location = /suburi { internal; set $seen_sub "$uri|$args|$request_uri|$request_method"; return 204; }
    location /sub/seen { auth_request /suburi; add_header X-A "$seen_sub"; try_files /f =404; }
    location /sub/if { auth_request /ask; if ($arg_a) { return 200 "$uri"; } try_files /f =404; }
    location /named/rewrite { try_files /none @nrewrite; }
    location @nrewrite { rewrite ^/named/(.*)$ /show/$1; }
    location /named/break { try_files /none @nbreak; }
    location @nbreak { root %ROOT%; rewrite ^ /f break; }
    location /named/set { set $n before; try_files /none @nset; }
    location @nset { set $n "$n,after"; return 200 $n; }
    location /named/none { try_files /none @nowhere; }
    location /named/loop { try_files /none @nloop; }
    location @nloop { try_files /none @nloop; }
    location /named/if { try_files /none @nif; }
    location @nif { if ($arg_a) { add_header X-A a; } root %ROOT%; try_files /f =404; }
    location /ierr/ { error_page 404 = /ierr/second; location = /ierr/second { error_page 404 = @named; return 404; } }
    location /proxyerr { error_page 404 /p404; return 404; }
    location = /p404 { proxy_pass http://127.0.0.1:%PORT%/show; }
    location /intercept { proxy_pass http://127.0.0.1:%PORT%/e/text; proxy_intercept_errors on; error_page 404 = @named; }
    location /nointercept { proxy_pass http://127.0.0.1:%PORT%/e/code; error_page 410 = @named; }
    location /idx/ { alias %ROOT%/try/dir/; index none.html index.html; }
    location /idxabs/ { alias %ROOT%/try/; index none.html /f; }
    location /idxvar/ { alias %ROOT%/try/dir/; index $arg_i; }
    location ~ ^/rootvar/(\w+)/ { root %ROOT%/$1; try_files /f =404; }
    location ~ ^/aliasvar/(\w+)/(.*)$ { alias %ROOT%/$1/; try_files $2 =404; }
    location /trunc { return 200 "$arg_a$arg_b$arg_none${arg_a}x${arg_b}"; }
    location /mapcap { return 200 "$mapcap|$mapname|$name_of"; }
    location /mapcase { return 200 "$mapcase"; }
    location /exp/map { expires $exp; return 200 ok; }
    location /part206 { add_header X-A a; expires 60; alias %ROOT%/page.html; }
    location /methods { if ($request_method = POST) { return 200 post; } if ($request_method !~ ^(GET|HEAD)$) { return 405; } return 200 get; }
    location /args { if ($args ~ "(^|&)del=[^&]*&?(.*)$") { set $args $2; rewrite ^ /show permanent; } return 200 "$args"; }
    location /q/ { rewrite ^/q/([^/]+)/(.*)$ /q/$2?$1= last; rewrite ^/q/?$ /show break; return 200 "$uri?$args"; }
    location /ua { if ($http_user_agent ~* "(bot|crawl)") { return 403 "no $1"; } return 200 ok; }
    location /cookie { if ($http_cookie ~* "id=([^;]+)(?:;|$)") { set $id $1; } return 200 "[$id]"; }
    location /hot { if (!-f $request_filename) { return 404 "none"; } return 200 "there"; }
    location /delim { return 200 "${uri}x$uri.y${arg_a}_z"; }
    location /lots/ { rewrite ^/lots/1(.*) /lots/2$1 last; rewrite ^/lots/2(.*) /lots/3$1 last; rewrite ^/lots/3(.*) /lots/4$1 last;
        rewrite ^/lots/4(.*) /lots/5$1 last; rewrite ^/lots/5(.*) /lots/6$1 last; rewrite ^/lots/6(.*) /lots/7$1 last;
        rewrite ^/lots/7(.*) /lots/8$1 last; rewrite ^/lots/8(.*) /lots/9$1 last; rewrite ^/lots/9(.*) /lots/a$1 last;
        rewrite ^/lots/a(.*) /lots/b$1 last; rewrite ^/lots/b(.*) /lots/c$1 last; rewrite ^/lots/c(.*) /lots/d$1 last; return 200 "$uri"; }
    location / { }
"""

SERVERS = (r"""server_name ~^(?<sub>\w+)\.cap$ ~^(\w+)-(\w+)\.num$;
        location / { return 200 "[$sub|$1|$2|$server_name]"; }
        location /if { if ($arg_x ~ (.)) { return 200 "[$sub|$1]"; } return 200 "[$sub|$1]"; }
        location ~ ^/re/(\w+) { return 200 "[$sub|$1|$2]"; }""",
           r"""server_name early.example; return 301 https://$host$request_uri; location / { return 200 never; }""",
           r"""server_name first.example; set $x server; if ($arg_a) { set $x if; } if ($arg_b) { return 403; }
        rewrite ^/r/(.*)$ /s/$1 last; rewrite ^/b/(.*)$ /s/$1 break; rewrite ^/s/(.*)$ /t/$1;
        location /s/ { return 200 "s $uri $x"; } location /t/ { return 200 "t $uri $x"; } location / { return 200 "/ $uri $x"; }""",
           r"""server_name err.example; error_page 404 /nf; error_page 403 = @f; error_page 400 /bad; error_page 405 /meth; root %ROOT%;
        location = /nf { return 200 "nf $uri $request_uri"; } location @f { return 200 "f"; } location = /bad { return 200 bad; }
        location /d { deny all; } location /in { internal; } location /meth { return 200 "meth $request_method"; }
        location /own { error_page 404 /own404; } location /own404 { return 200 own; }""")


def md5(text):
    return base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest()).decode().rstrip("=")


GOOD = md5("2147483647/secure/f secret")
HEX = hashlib.md5(b"fileword").hexdigest()


def basic(user):
    return "Authorization: Basic " + base64.b64encode(user.encode()).decode()


def referers():
    for place in ("/referer/", "/referer/if/", "/referer/blocked/", "/referer/names/"):
        for value in (None, "", "-", "http://www.example.com/x", "https://example.com", "http://EXAMPLE.com/", "http://example.net/a",
                      "http://example.com.evil.net/", "http://evil.net/example.com", "http://www.example.org/galleries/1",
                      "http://www.example.org/other", "http://images.google.de/", "http://a.example/", "http://a.example:80/x", "ftp://example.com/",
                      "example.com", "http://", "http://user@example.com/", "http://example.com:8080/"):
            yield "GET", place, {"fields": [] if value is None else [f"Referer: {value}"]}


    for place in ("/referer/?short", "/referer/blocked/?short"):
        yield "GET", place, {"fields": ["Referer: http://a/"]}


def limits():
    for i in range(2):
        for place, times in (("plain", 3), ("burst", 5), ("dry", 3), ("page", 3), ("page429", 3), ("return", 3), ("inside", 3),
                             ("conn", 2)):
            for _ in range(times):
                yield "GET", f"/limit/{place}?k={place}{i}", {}
        for k2 in ("a", "a", "b", "b", "c", "d", "e"):
            yield "GET", f"/limit/both?k=both{i}&k2={k2}{i}", {}
    for _ in range(3):
        yield "GET", "/limit/plain", {}                      # no key, no limit
        yield "GET", "/limit/conn", {}


def reals():
    for place in ("/real/", "/realflat/", "/realip/", "/realnot/", "/realdeny/"):
        for value in (None, "192.0.2.1", "192.0.2.1, 10.0.0.1", "192.0.2.1, 198.51.100.1, 10.0.0.1", "10.0.0.1", "nonsense",
                      "192.0.2.1, nonsense", "nonsense, 10.0.0.1", "192.0.2.1:1234", "2001:db9::1", "[2001:db9::1]:80", "2001:db8::1",
                      "", ",", "192.0.2.1,,10.0.0.1", " 192.0.2.1 ", "unix:", "::ffff:192.0.2.9", "192.0.2.1 10.0.0.1"):
            for name in ("X-Forwarded-For", "X-Real-IP"):
                if value is not None:
                    yield "GET", place, {"fields": [f"{name}: {value}"]}
        yield "GET", place, {}
        yield "GET", place, {"fields": ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2, 10.0.0.1"]}
    for value in ("192.0.2.1", "192.0.2.1, 10.0.0.1", "198.51.100.7, 192.0.2.1", "nonsense", "10.0.0.1", "127.0.0.1", "198.51.100.7,10.0.0.2, 10.0.0.1", ""):
        yield "GET", "/proxied", {"fields": [f"X-Forwarded-For: {value}"]}
    yield "GET", "/proxied", {}


def access():
    for place in ("any", "anyok", "all", "alldeny", "anyreq", "req", "reqboth", "reqerr", "reqoff", "reqoff/in", "off", "off/in",
                  "nofile", "except", "if", "if?a=1"):
        for user in (None, "ann:secret", "ann:wrong", "bob:secret", "cat:secret", "nobody:secret"):
            fields = [basic(user)] if user else []
            yield "GET", f"/auth/{place}", {"fields": fields}
            if place in ("any", "anyreq", "except"):
                yield "POST", f"/auth/{place}", {"fields": [*fields, "Content-Length: 0"]}
            if "req" in place and user in (None, "ann:secret"):
                for code in (401, 403, 302, 500, 404):
                    yield "GET", f"/auth/{place}", {"fields": [*fields, f"X: {code}"]}
    for wrong in ("Basic", "Basic ", "Basic !!!", "Bearer x", "basic " + base64.b64encode(b"ann:secret").decode(),
                  "Basic " + base64.b64encode(b"ann").decode(), "Basic " + base64.b64encode(b":secret").decode(),
                  "Basic  " + base64.b64encode(b"ann:secret").decode(), "Basic " + base64.b64encode(b"ann:secret:x").decode()):
        yield "GET", "/auth/off", {"fields": [f"Authorization: {wrong}"]}
    for place in ("var?realm=off", "var?realm=R&file=users", "var?realm=R&file=none", "var?file=users", "order", "net", "unix", "inherit", "inherit/in", "inherit/none"):
        yield "GET", f"/auth/{place}", {}
        yield "GET", f"/auth/{place}", {"fields": [basic("ann:secret")]}


MAPS = """one two%20words default \\default abc-1 abc-12 Fold aXc abc $ ONE other one%20 %6fne""".split()
IPS = """1.2.3.4 10.0.0.1 10.1.0.1 10.1.2.3 10.1.2.4 127.0.0.1 10.9.1.1 2001:db8::1 2001:db8:1::1 ::1 2001:db9::1 255.255.255.255 10.0.0.127
10.0.0.128 10.0.1.0 10.0.2.0 1.1.1.1 1.1.1.2 20.0.1.1 nonsense 1.2.3 1.2.3.4.5 ::ffff:10.1.2.3 0.0.0.0 %31.1.1.1 1.1.1.1:80""".split()
HOSTS = """a example.com www.example.com a.b.example.com www.example.org x.example.org a.x.example.org example.org mail.net mail.example.com
mail.x.y re7 re re7x EXAMPLE.com www.example.com. www.example.com:8080 notexample.com""".split()

SINGLE = f"""
/map?x=a&y=b /map?x=a /map?y=b /map?x=b&y=a /map /map?v=1 /map?n=1 /mapif /mapif?n=1 /mapif?n=2 /geo /split /split?x=1 /split?x=2&y=3
/secure/f?md5={GOOD}&expires=2147483647 /secure/f?md5={md5('1/secure/f secret')}&expires=1 /secure/f?md5={GOOD}&expires=2147483646
/secure/f?md5={GOOD} /secure/f?expires=2147483647 /secure/f /secure/f?md5=x&expires=2147483647 /secure/f?md5={GOOD}==&expires=2147483647
/secure/f?md5={GOOD}&expires=nonsense /secure/f?md5={GOOD}&expires=0 /secure/f?md5={GOOD.swapcase()}&expires=2147483647 /secure/g?md5={GOOD}&expires=2147483647
/secure/f?md5={md5('/secure/f secret')} /securenoexp/f?md5={md5('/securenoexp/f secret')} /securenoexp/f?md5=1 /securenoexp/f
/securenoexp/f?md5={md5('/securenoexp/a b secret')} /securenoexp/a%20b?md5={md5('/securenoexp/a b secret')}
/p/{HEX}/file /p/{HEX}/other /p/{HEX} /p/{HEX}/ /p/x/file /p/ /p /p/{HEX.upper()}/file /p/{HEX}x/file /p/{HEX[:-1]}/file /p/{HEX}/file?x=y
/e/named /e/named?x=y /e/named200 /e/keep /e/nocontent /e/file /e/several /e/args /e/redirect /e/redirect301 /e/code /e/missing /e/loop
/e/recursive /e/recursive/no /e/second /e/outer /e/outer/inner /e/outer/none /e/outer/x /e/auth /e/authfile /e/deny /e/method /e/if
/e/if?a=1 /e/ifown /e/ifown?a=1 /e/200 /e/header /e/set?a=b /err/404.html /err/ /e/text
/try/f /try/dir /try/dir/ /try/sub/x /try/none /try/none?a=b /try/a%20b /trydir /trydirnone /trylast /trycode /tryalias/f /tryalias/sub
/tryalias/sub/ /tryalias/none /tryalias/../f /trybase /tryvar /trynamed?q /tryloop /tryre/one.php /tryre/none.php /tryre/a%2Eb /tryheader
/tryproxy /tryproxy/x?y
/trap/header /trap/header/in /trap/two /trap/two?a=1 /trap/two?b=1 /trap/two?a=1&b=1 /trap/try /trap/try?a=1 /trap/alias/f /trap/alias/f?a=1
/trap/proxy/x /trap/proxy/x?a=1 /trap/break /trap/break?a=1 /trap/nested/x /trap/nested/x?a=1 /trap/nested/f?a=1 /trap/chain /trap/chain?a=1
/trap/chain?a=1&b=1 /trap/chain?b=1 /trap/end /trap/order /trap/neg?a=x /trap/neg?a=X /trap/neg?a=z /trap/neg /trap/zero /trap/zero?a
/trap/zero?a=0 /trap/zero?a=00 /trap/zero?a=%30 /trap/quote?a=aa /trap/quote?a=a
/cap/ab/try /cap/abc/err /cap/x/map /cap/x/map?x=abc-1 /cap/x/if /cap/x/if?x=yz /cap/x/ifset?x=yz /cap/x/ifset /cap/xyz/rewrite
/cap/xyz/rewrite?q /cap/xyz/named /cap/x/inner /cap/x/inner/12 /cap/x/inner/ab /cap/alias/alias/f /cap/alias/alias/sub/ /cap/alias/alias/sub
/cap/x/proxy /cap/x/header /cap//opt /cap/a/opt /cap/b/opt /cap/ab/opt /cap/a%20b/dec /cap/%C3%A4/dec /cap/a+b/dec /cap/x/auth /cap/no/auth
/order /order/ /order/x /order/x.a /order/y.a /order/y.b /order/in/ /order/in/x.b /order/in/x.a /order/in/x.c /order/final/x.a /order/final/x.b
/order/x.c /x.c /x.C /order/x.C /order/fold/a /order/fold/A /order/fold/b /order/lon /order/long /order/longe /order/longer /order/longerer /Order/
/add/page.html /add/page.txt /add/empty.html /add/none /addhtml/page.html /addhtml/page.txt /addnone/page.html /addinherit/page.html
/addinherit/off/page.html /random/ /random /norandom/ /random/only.html /random/?x /gif
/mirror/x /mirror/x?a=b /mirror2/x /mirror2/off/x /mirrored
/sub/me/cap /sub/me/same /sub/set /sub/map?x=one /sub/map /sub/error /sub/error2 /sub/redirect /sub/rewritten /sub/deep /sub/missing
/sub/uri?a=b /sub/seen?a=b /sub/if /sub/if?a=1 /named/rewrite /named/rewrite/x?q /named/break /named/set /named/none /named/loop
/named/if /named/if?a=1 /ierr/x /ierr/second /proxyerr /proxyerr?a=b /intercept /nointercept /idx/ /idx /idxabs/ /idxvar/?i=index.html
/idxvar/?i=none /idxvar/ /rootvar/try/x /rootvar/none/x /aliasvar/try/f /aliasvar/try/none /aliasvar/try/dir/index.html /trunc?a=1&b=2
/trunc?a=%00 /mapcap?x=ab /mapcap?x=c1 /mapcap?x=cde /mapcap /mapcase?x=CAMELCASE /mapcase?x=camelcase /mapcase?x=LOWER /mapcase?x=xCasex
/mapcase?x=xcasex /exp/map?x=one /exp/map?x=two /exp/map?x=three /exp/map?x=four /exp/map?x=five /exp/map /part206 /methods
/args?a=1&del=2&b=3 /args?del=2 /args?a=1 /q/a/b/c /q/a/ /q/ /q /ua /cookie /hot /delim?a=b /lots/1 /lots/3 /lots/4 /lots/5 /lots/d
http://a/set/host?x http://other/show http://a/f
/set/?a=1 /set/ /set/empty?x /set/nest /set/host /set/host?x=%20 /set/cookie?a=b&A=c /exp/60 /exp/off /exp/neg /exp/epoch /exp/max /exp/404
/hdr /hdr?c=1 /hdr/404 /slash/dir /slash/dir/ /slash/dir?x /slash /f /index.html / /none /a%20b /%252f /a%00b /..%2ff /f/ /f/x
""".split()

# Requests that weir answers in another way, and why.
EMPTY = "an answer without content has no Content-Type"
KNOWN = {
    "/e/200": EMPTY, "/trap/end": EMPTY, "/trap/order": EMPTY,
    "/cap/x/map?x=abc-1": "a map leaves the captures of the text around it alone; nginx fails",
    "/referer/?short": "a short URL is a URL", "/referer/blocked/?short": "a short URL is a URL",
    "/sub/map?x=one": "a subrequest has values of maps of its own",
    "/part206?behind": "a 416 does not say how long the 200 would have been fresh",
    "/idxvar/": "an index without a name is passed over; nginx fails",
    "/%zz": "the error page of a bad path is that of the server that was asked for",
}


def requests():
    for x in MAPS:
        yield "GET", f"/map?x={x}", {}
        yield "GET", f"/split?x={x}", {}
    for ip in IPS:
        yield "GET", f"/geo?ip={ip}", {}
    for host in HOSTS:
        yield "GET", "/maphost", {"host": host}
    yield "GET", "/map/deep", {"host": "www.example.com"}
    for path in SINGLE:
        yield "GET", path, {}
    yield from referers()
    yield from limits()
    yield from reals()
    yield from access()
    for path in ("/e/method", "/e/named", "/e/file", "/trap/limit", "/trap/limit2", "/try/f", "/mirror/x", "/cap/x/auth", "/e/redirect",
                 "/random/", "/gif", "/f", "/e/code", "/show", "/p/x", "/add/page.html"):
        for method in ("POST", "HEAD", "PUT", "DELETE"):
            yield method, path, {"fields": ["Content-Length: 0"] if method in ("POST", "PUT") else []}
    for host, path in (("x.cap", "/"), ("x.cap", "/if?x=yz"), ("x.cap", "/if"), ("x.cap", "/re/abc"), ("a-b.num", "/"), ("a-b.num", "/re/abc"),
                       ("a-b.num", "/if"), ("early.example", "/x?y"), ("early.example", "/a%20b"), ("first.example", "/"),
                       ("first.example", "/?a=1"), ("first.example", "/?b=1"), ("first.example", "/r/x"), ("first.example", "/b/x"),
                       ("first.example", "/s/x"), ("err.example", "/none"), ("err.example", "/none?x"), ("err.example", "/d"),
                       ("err.example", "/in"), ("err.example", "/own/x"), ("err.example", "/%zz"), ("err.example", "/f")):
        yield "GET", path, {"host": host}
    yield "POST", "/none", {"host": "err.example", "fields": ["Content-Length: 0"]}
    yield "POST", "/f", {"host": "err.example", "fields": ["Content-Length: 0"]}
    for fields in (["User-Agent: GoogleBot"], ["User-Agent: x"], ["User-Agent: "]):
        yield "GET", "/ua", {"fields": fields}
    for cookie in ("id=7", "a=b; id=8; c=d", "ID=9", "xid=1"):
        yield "GET", "/cookie", {"fields": [f"Cookie: {cookie}"]}
    yield "GET", "/part206?behind", {"fields": ["Range: bytes=100-"]}
    for fields in (["Range: bytes=0-1"], ["If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT"]):
        yield "GET", "/part206", {"fields": fields}
    for method in ("POST", "PUT", "HEAD", "DELETE"):
        yield method, "/methods", {"fields": ["Content-Length: 0"]}
        yield method, "/proxyerr", {"fields": ["Content-Length: 0"]}
        yield method, "/sub/seen", {"fields": ["Content-Length: 0"]}
    yield "GET", "/set/cookie?a=b", {"fields": ["Cookie: a=1; B=2", "Cookie: b=3", "User-Agent: me", "Content-Type: t/x"]}


@pytest.fixture(scope="module")
def both():
    pair = start(CONF, HTTP, FILES, servers=SERVERS)
    yield pair
    for server in pair:
        server.stop(check=False)


def test_every_answer_is_the_same(both):
    asked = list(requests())
    assert len(asked) > 600
    wrong, idle = compare(both, asked, FIELDS, KNOWN)
    assert not wrong, f"{len(wrong)} differences in {len(asked)} requests:\n" + "\n".join(wrong)
    assert not idle, f"these do not differ: {idle}"


def test_the_same_requests_are_mirrored(both):
    """In any order: who is asked last may be the first to come."""
    seen = []
    for server in both:
        log = server.prefix / "logs/mirror.log"
        wait_for("mirrored requests", lambda log=log: log.exists() and len(log.read_text().splitlines()) >= 8)
        seen.append(sorted(line.replace(str(server.port), "PORT") for line in log.read_text().splitlines()))
    assert seen[0] == seen[1]


SLASHES = r"""
    location /a/b { return 200 "a/b $uri $request_uri"; }
    location /a//b { return 200 "a//b $uri"; }
    location ~ ^/re/(.+)$ { return 200 "re $1"; }
    location /rw/ { rewrite ^/rw/(.*)$ /show/$1; }
    location /show/ { return 200 "$uri|$request_uri"; }
    location /px/ { proxy_pass http://127.0.0.1:%PORT%/show/; }
    location /rd/ { rewrite ^/rd/(.*)$ /to/$1 redirect; }
    location /al/ { alias %ROOT%/try/; }
    location / { return 200 "root $uri"; }
"""

SLASHED = """/a%2fb /a%2Fb /a%2f%2fb /a%2f/b /%2fa/b /re/x%2fy /re/%2f /rw/x%2fy /rw/%2f%2f /px/x%2fy /px/a%252fb /rd/x%2fy
/rd/x%252fy /al/dir%2findex.html /al/..%2ff /a%2f..%2fa/b /a/%2e%2e/a/b /a//b /a///b //a//b /re//x //re/x /rw//x//y /px//x /a%5cb /a/b%3f
/a/b%23 /a/b%2e /a%2fb?x=%2f /show/%2e%2e%2fa/b /a/./b /a/b/. /a/b/.. /%61/b /a/%62""".split()


@pytest.mark.parametrize("merge", ["on", "off"])
def test_encoded_and_doubled_slashes_mean_the_same(merge):
    """Where weir is told to decode them; by default it refuses them (encoded_slash)."""
    pair = start(f"merge_slashes {merge};" + SLASHES, files=FILES, own="encoded_slash on;")
    try:
        wrong, _ = compare(pair, [("GET", path, {}) for path in SLASHED], FIELDS)
    finally:
        for server in pair:
            server.stop()
    assert not wrong, "\n".join(wrong)
