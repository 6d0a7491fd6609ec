/* process/build_info.c - version, libraries, options. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "process/build_info.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <pcre2.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <weir/conf.h>
#include <weir/module.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/log.h"
#include "config.h"
#include "module/index.h"
#include "http/http.h"

/* A module of nginx's, and a directive that shows whether weir has it. */
struct feature {
    const char *name, *directive;
    bool standard; /* nginx builds it unless told not to */
};

static const struct feature features[] = {
    { "ssl", "ssl_certificate", false },
    { "v2", "http2", false },
    { "realip", "set_real_ip_from", false },
    { "addition", "add_after_body", false },
    { "sub", "sub_filter", false },
    { "gunzip", "gunzip", false },
    { "gzip_static", "gzip_static", false },
    { "auth_request", "auth_request", false },
    { "random_index", "random_index", false },
    { "secure_link", "secure_link", false },
    { "slice", "slice", false },
    { "stub_status", "stub_status", false },
    { "charset", "charset", true },
    { "gzip", "gzip", true },
    { "ssi", "ssi", true },
    { "userid", "userid", true },
    { "access", "allow", true },
    { "auth_basic", "auth_basic", true },
    { "mirror", "mirror", true },
    { "autoindex", "autoindex", true },
    { "geo", "geo", true },
    { "map", "map", true },
    { "split_clients", "split_clients", true },
    { "referer", "valid_referers", true },
    { "rewrite", "rewrite", true },
    { "proxy", "proxy_pass", true },
    { "fastcgi", "fastcgi_pass", true },
    { "uwsgi", "uwsgi_pass", true },
    { "scgi", "scgi_pass", true },
    { "grpc", "grpc_pass", true },
    { "memcached", "memcached_pass", true },
    { "limit_conn", "limit_conn", true },
    { "limit_req", "limit_req", true },
    { "empty_gif", "empty_gif", true },
    { "browser", "ancient_browser", true },
    { "upstream_hash", "hash", true },
    { "upstream_ip_hash", "ip_hash", true },
    { "upstream_least_conn", "least_conn", true },
    { "upstream_random", "random", true },
    { "upstream_keepalive", "keepalive", true },
    { "upstream_zone", "zone", true },
    { "upstream_sticky", "sticky", true },
};

void
wr_build_info_version(void)
{
    (void)fprintf(stderr, "weir version: weir/%s\n", WR_VERSION);
}

static bool
table_has(const weir_module *m, weir_str directive)
{
    const weir_directive *d = m->directives.at;

    for (uint32_t i = 0; i < m->directives.count; i++) {
        if ((d[i].flags & WEIR_D_NOTHING) == 0 && weir_str_eq(weir_str_c(d[i].name), directive)) {
            return true;
        }
    }
    return false;
}

static bool
has(const struct wr_index *index, const char *directive)
{
    weir_str name = weir_str_c(directive);

    if (index != NULL && wr_index_find(index, WR_INDEX_DIRECTIVE, name) != NULL) {
        return true;
    }
    for (uint32_t i = 0; i < wr_http_builtin_count; i++) {
        if (table_has(wr_http_builtin[i], name)) {
            return true;
        }
    }
    return false;
}

void
wr_build_info_print(const struct wr_instance *in)
{
    const struct wr_index *index = wr_index_read(in->pool, in->modules, NULL);

    char pcre2[64]; /* of the 24 it asks for */

    (void)pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
    (void)fprintf(stderr,
                  "built by %s\nbuilt with %s\nbuilt with PCRE2 %s\nbuilt with cJSON %s\n"
                  "built with zlib %s\nTLS SNI support enabled\n",
                  WR_COMPILER, OpenSSL_version(OPENSSL_VERSION), pcre2, cJSON_Version(),
                  ZLIB_VERSION);
    (void)fprintf(stderr, "configure arguments:%s%s", WR_CONFIGURE_ARGS[0] != '\0' ? " " : "",
                  WR_CONFIGURE_ARGS);
    for (size_t i = 0; i < WR_COUNT(features); i++) {
        const struct feature *f = &features[i];
        if (has(index, f->directive) != f->standard) {
            (void)fprintf(stderr, " --with%s-http_%s_module", f->standard ? "out" : "", f->name);
        }
    }
    (void)fprintf(stderr, " --with-threads --with-pcre-jit --with-compat%s\n",
                  WR_BUILD_DEBUG ? " --with-debug" : "");
}

void
wr_build_info_help(const struct wr_instance *in)
{
    (void)fprintf(
        stderr,
        "Usage: weir [-?hvVtTq] [-s signal] [-p prefix]\n"
        "            [-e filename] [-c filename] [-g directives]\n"
        "            [-M [URL [host]] [-H field] [--method name] [--client address]] [--json]\n"
        "\n"
        "Options:\n"
        "  -?,-h         : this help\n"
        "  -v            : show version and exit; with -t: also show what has no effect\n"
        "  -V            : show version and configure options then exit\n"
        "  -t            : test configuration and exit\n"
        "  -T            : test configuration, dump it and exit\n"
        "  -q            : suppress non-error messages during configuration testing\n"
        "  -s signal     : send signal to a master process: stop, quit, reopen, reload\n"
        "  -p prefix     : set prefix path (default: %s)\n"
        "  -e filename   : set error log file (default: %s)\n"
        "  -c filename   : set configuration file (default: %s)\n"
        "  -g directives : set global directives out of configuration file\n"
        "  -M            : list modules; with a URL, and a host: how a request for it is handled\n"
        "  -H field      : -M: a field of the request, \"Name: value\"; may stand several times\n"
        "  --method name, --client address\n"
        "                : -M: of the request (default: GET, 127.0.0.1)\n"
        "  --json        : -M and -T for programs\n"
        "  --check-module file : could this module be loaded?\n"
        "\n",
        in->prefix.data, WR_ERROR_LOG_PATH, WR_CONF_PATH);
}

void
wr_build_info_log(void)
{
    struct utsname os;
    struct rlimit files;

    wr_say(wr_log_process(), NOTICE, "using the \"epoll\" event method");
    wr_say(wr_log_process(), NOTICE, "weir/%s", WR_VERSION);
    wr_say(wr_log_process(), NOTICE, "built by %s", WR_COMPILER);
    if (uname(&os) == 0) {
        wr_say(wr_log_process(), NOTICE, "OS: %s %s", os.sysname, os.release);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        wr_say(wr_log_process(), NOTICE, "getrlimit(RLIMIT_NOFILE): %llu:%llu",
               (unsigned long long)files.rlim_cur, (unsigned long long)files.rlim_max);
    }
}
