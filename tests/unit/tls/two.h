/* What the tests of TLS share: certificates made on the spot, and the two ends of a connection in one process. */
#ifndef WR_TEST_TLS_TWO_H
#define WR_TEST_TLS_TWO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/pool.h"
#include "net/conn.h"
#include "tls/bank.h"
#include "tls/client.h"
#include "tls/door.h"
#include "tls/session.h"
#include "tls/stream.h"
#include "tls/ticket.h"

/* "data:" and what was written to out, which ends. */
static inline weir_str
two_text(weir_pool *pool, BIO *out)
{
    char *data;
    long n = BIO_get_mem_data(out, &data);
    weir_str text = weir_print(pool, "data:%.*s", (int)n, data);

    BIO_free(out);
    return text;
}

/* A self-signed certificate for name, and its key. */
static inline void
two_certificate(weir_pool *pool, const char *name, weir_str *certificate, weir_str *key)
{
    EVP_PKEY *k = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *c = X509_new();
    X509_EXTENSION *e;
    char names[128];
    BIO *out;

    assert_non_null(k);
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -60);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(c));
    X509_set_pubkey(c, k);
    snprintf(names, sizeof(names), "DNS:%s", name);
    e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_add_ext(c, e, -1);
    X509_EXTENSION_free(e);
    assert_true(X509_sign(c, k, EVP_sha256()) != 0);
    out = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(out, c), 1);
    *certificate = two_text(pool, out);
    out = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(out, k, NULL, NULL, 0, NULL, NULL), 1);
    *key = two_text(pool, out);
    X509_free(c);
    EVP_PKEY_free(k);
}

/* This test's. */
static struct {
    struct wr_loop *loop;
    struct weir_pool *pool;
    struct wr_tls_bank *bank;
    struct wr_tls_front *front;
    struct wr_tls_site site;
    struct wr_tls_door door;
    struct wr_tls_client *client;
    uint32_t versions; /* that the client speaks */
    struct wr_conn *us, *them; /* server, client */
} two;

static inline const struct wr_tls_site *
two_choose(const void *owner, struct wr_conn *c, weir_str name, bool *http2)
{
    (void)owner, (void)c, (void)name;
    *http2 = true;
    return &two.site;
}

static const struct wr_tls_door_ops two_door = { .choose = two_choose };

static inline void
two_nothing(struct wr_conn *c)
{
    (void)c;
}

static const struct wr_conn_ops two_ops = { two_nothing, two_nothing, two_nothing, two_nothing };

/* Settings that the site is made of; change them before two_site. */
static inline struct wr_tls_settings
two_settings(void)
{
    return (struct wr_tls_settings){ .strict = true,
                                     .tickets = true,
                                     .session_ids = true,
                                     .protocols = WR_TLS_1_2 | WR_TLS_1_3 };
}

static inline struct wr_tls_pair **
two_pair(const char *name)
{
    struct wr_tls_pair **pairs = wr_pool_array(two.pool, struct wr_tls_pair *, 1);
    weir_str certificate, key;
    struct wr_err err;

    two_certificate(two.pool, name, &certificate, &key);
    pairs[0] = wr_tls_bank_pair(two.bank, certificate, key, (struct wr_tls_passwords){ 0 }, &err);
    assert_non_null(pairs[0]);
    return pairs;
}

static inline void
two_site(struct wr_tls_settings set)
{
    struct wr_err err;

    set.pairs = two_pair("a.example");
    set.n_pairs = 1;
    two.site.context = wr_tls_bank_context(two.bank, &set, &err);
    assert_non_null(two.site.context);
    two.site.session_s = 300;
    if (set.tickets) {
        void *shared = calloc(1, wr_tls_tickets_shared_size());
        assert_true(wr_tls_tickets_shared_init(shared));
        two.site.tickets = wr_tls_tickets_create(two.pool, shared);
        weir_on_end(two.pool, free, shared);
    }
}

static inline int
two_set_up(void **state)
{
    (void)state;
    memset(&two, 0, sizeof(two));
    two.loop = wr_loop_create();
    two.pool = wr_pool_create("test", NULL);
    two.bank = wr_tls_bank_create(two.pool);
    two.front = wr_tls_front_create(two.pool);
    two.door = (struct wr_tls_door){ &two_door, NULL, two.front };
    wr_conn_setup(0);
    wr_loop_turn(two.loop, 0);
    return 0;
}

/* The client, of which nothing is verified. */
static inline void
two_client(uint32_t versions)
{
    struct wr_tls_settings set = { .client = true, .tickets = true, .protocols = versions };
    struct wr_err err;

    two.client = wr_tls_client_create(two.pool, wr_tls_bank_context(two.bank, &set, &err), true, true);
}

/* Connect both ends, nothing said yet. */
static inline void
two_connect(void)
{
    struct wr_err err;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    two.us = wr_conn_open(fds[0], sizeof(struct wr_conn), &two_ops, NULL, NULL);
    two.them = wr_conn_open(fds[1], sizeof(struct wr_conn), &two_ops, NULL, NULL);
    assert_true(wr_tls_door_enter(&two.door, two.us, WEIR_STR("")));
    assert_true(wr_tls_client_begin(two.client, two.them, WEIR_STR("a.example"), WEIR_STR("peer"),
                                    WEIR_STR(""), &err));
}

/* Both shake hands. The worst of what they said. */
static inline int
two_shake(void)
{
    int a = -EAGAIN, b = -EAGAIN;

    for (int i = 0; i < 20 && (a == -EAGAIN || b == -EAGAIN); i++) {
        two.us->can_read = two.them->can_read = two.us->can_write = two.them->can_write = true;
        b = b == -EAGAIN ? two.them->transport->handshake(two.them) : b;
        a = a == -EAGAIN ? two.us->transport->handshake(two.us) : a;
        if (a == 0) { /* what it said last leaves when it reads */
            char byte;
            (void)wr_conn_recv(two.us, &byte, 1);
        }
    }
    return a != 0 ? a : b;
}

static inline void
two_close(void)
{
    wr_conn_close(two.us, false);
    wr_conn_close(two.them, false);
    wr_loop_turn(two.loop, 0);
}

/* All of text from one end to the other. */
static inline void
two_say(struct wr_conn *from, struct wr_conn *to, const char *text)
{
    struct iovec piece = { (void *)(uintptr_t)text, strlen(text) };
    char got[256];
    size_t n = 0;

    assert_int_equal(from->transport->send(from, &piece, 1, false), strlen(text));
    to->can_read = true;
    while (n < strlen(text)) {
        ssize_t rc = wr_conn_recv(to, got + n, sizeof(got) - n);
        assert_true(rc > 0);
        n += (size_t)rc;
    }
    assert_memory_equal(got, text, n);
}

static inline int
two_tear_down(void **state)
{
    (void)state;
    wr_pool_destroy(&two.pool);
    wr_loop_destroy(&two.loop);
    return 0;
}

#define TWO_TEST(f) cmocka_unit_test_setup_teardown(f, two_set_up, two_tear_down)

#endif
