/* http/explain_server.c - which server a request of `weir -M URL` comes to, and why. */
#include "base/str.h"
#include "http/core_ssl.h"
#include "http/explain.h"
#include "http/explain_course.h"
#include "http/http.h"
#include "tls/context.h"

static void
add_tls(struct wr_course *c, const struct wr_server *server)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } versions[] = { { WR_TLS_1_0, "TLSv1" },
                     { WR_TLS_1_1, "TLSv1.1" },
                     { WR_TLS_1_2, "TLSv1.2" },
                     { WR_TLS_1_3, "TLSv1.3" } };
    const struct wr_server *shown = server->ssl != NULL && !server->ssl->bare ? server : c->endpoint->fallback;
    const struct wr_ssl_conf *conf = wr_ssl_conf(shown->base.conf);
    cJSON *o = cJSON_AddObjectToObject(c->root, "tls"), *list;

    list = cJSON_AddArrayToObject(o, "protocols");
    for (size_t i = 0; i < WR_COUNT(versions); i++) {
        if ((conf->protocols & versions[i].bit) != 0) {
            cJSON_AddItemToArray(list, cJSON_CreateString(versions[i].name));
        }
    }
    cJSON_AddBoolToObject(o, "http2", wr_endpoint_has_http2(c->endpoint, server));
    wr_explain_add_text(o, "shown_by", shown->name);
    wr_explain_add_statements(o, "because", shown->base.scope, wr_core_ssl.self->slot);
}

void
wr_explain_server(struct wr_course *c, const struct wr_server *server, enum wr_vhost_by by, weir_str name)
{
    static const char *const how[] = {
        [WR_VHOST_DEFAULT] = "default", [WR_VHOST_ONLY] = "only",     [WR_VHOST_EXACT] = "exact",
        [WR_VHOST_FRONT] = "wildcard",  [WR_VHOST_TAIL] = "wildcard", [WR_VHOST_REGEX] = "regex",
    };
    char room[WR_ADDR_TEXT];
    struct wr_strbuf text = wr_strbuf_over(room, sizeof(room));
    cJSON *o = cJSON_AddObjectToObject(c->root, "server");

    wr_addr_format(&c->endpoint->addr, false, &text);
    wr_explain_add_text(o, "name", server->name);
    wr_explain_add_place(o, server->base.node);
    wr_explain_add_text(o, "address", wr_strbuf_view(&text));
    cJSON_AddStringToObject(o, "by", how[by]);
    wr_explain_add_text(o, "matched", name);
    if (c->endpoint->ssl) {
        add_tls(c, server);
    }
}
