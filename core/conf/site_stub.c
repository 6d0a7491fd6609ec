/* conf/site_stub.c - what stands in for a site that was never right: its servers' names and
 * addresses, so that its visitors reach no other site's pages, and the answer 503. */
#include "base/assert.h"
#include "base/pool.h"
#include "base/str.h"
#include "conf/reader.h"

/* What it takes to be reached. */
static bool
is_kept(weir_str name)
{
    static const char *const kept[] = { "listen", "server_name", "ssl_certificate",
                                        "ssl_certificate_key", "http2" };

    for (size_t i = 0; i < WR_COUNT(kept); i++) {
        if (weir_str_eq(name, weir_str_c(kept[i]))) {
            return true;
        }
    }
    return false;
}

/* `return 503;`, at the place of the server. */
static struct wr_conf_node *
make_answer(struct wr_reader *r, const struct wr_conf_node *server)
{
    struct wr_conf_node *n = wr_pool_zalloc(r->pool, sizeof(*n));
    struct wr_conf_word *words = wr_pool_alloc(r->pool, 2 * sizeof(*words));

    words[0] = words[1] = server->words[0];
    words[0].text = WEIR_STR("return");
    words[1].text = WEIR_STR("503");
    n->source = server->source;
    n->words = words;
    n->n_words = 2;
    n->end_line = server->end_line;
    r->tree->n_nodes++;
    return n;
}

static void
stub_server(struct wr_reader *r, struct wr_conf_node *server)
{
    struct wr_conf_node **at = &server->first;

    while (*at != NULL) {
        if (is_kept((*at)->words[0].text)) {
            at = &(*at)->next;
        } else {
            *at = (*at)->next;
        }
    }
    *at = make_answer(r, server);
}

struct wr_conf_node **
wr_site_stub(struct wr_reader *r, struct wr_conf_node **first)
{
    while (*first != NULL) {
        struct wr_conf_node *n = *first;
        if (n->block && weir_str_eq(n->words[0].text, WEIR_STR("server"))) {
            stub_server(r, n);
            first = &n->next;
        } else {
            *first = n->next;
        }
    }
    return first;
}
