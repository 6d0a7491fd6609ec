/* Equal settings are one context, which is another one when its certificate changes. */
#include "two.h"

static void
test_equal_settings_share(void **state)
{
    struct wr_tls_settings set = two_settings();
    struct wr_tls_context *one, *two_;
    struct wr_err err;

    (void)state;
    set.pairs = two_pair("a.example");
    set.n_pairs = 1;
    one = wr_tls_bank_context(two.bank, &set, &err);
    assert_ptr_equal(wr_tls_bank_context(two.bank, &set, &err), one);
    set.ciphers = WEIR_STR("ECDHE+AESGCM");
    two_ = wr_tls_bank_context(two.bank, &set, &err);
    assert_ptr_not_equal(two_, one);
    set.pairs = two_pair("b.example");
    assert_ptr_not_equal(wr_tls_bank_context(two.bank, &set, &err), two_);
}

static void
test_contexts_of_many_sites_are_made_when_they_are_used(void **state)
{
    struct wr_tls_settings set = two_settings();
    struct wr_tls_context *first, *later;
    struct wr_err err;

    (void)state;
    set.n_pairs = 1;
    set.pairs = two_pair("a.example");
    first = wr_tls_bank_context(two.bank, &set, &err);
    assert_non_null(first->ssl); /* mistakes in the settings show at load */
    set.pairs = two_pair("b.example");
    later = wr_tls_bank_context(two.bank, &set, &err);
    assert_null(later->ssl);
    assert_non_null(wr_tls_context_ssl(later, &err));
}

static void
test_an_exchanged_pair_makes_another_context(void **state)
{
    struct wr_tls_settings set = two_settings();
    struct wr_tls_context *c, *other;
    struct wr_tls_pair *const *b;
    struct wr_err err;
    SSL_CTX *before, *others;
    char *text;
    size_t len;

    (void)state;
    set.n_pairs = 1;
    set.pairs = two_pair("a.example");
    c = wr_tls_bank_context(two.bank, &set, &err);
    set.pairs = b = two_pair("b.example");
    other = wr_tls_bank_context(two.bank, &set, &err);
    before = wr_tls_context_ssl(c, &err);
    others = wr_tls_context_ssl(other, &err);
    assert_ptr_equal(wr_tls_context_ssl(c, &err), before);
    assert_true(wr_tls_bank_print(two.bank, 1, &text, &len));
    SSL_CTX_up_ref(before);
    assert_true(wr_tls_bank_take(two.bank, 0, (weir_str){ text, len }, &err));
    OPENSSL_clear_free(text, len);
    assert_ptr_not_equal(wr_tls_context_ssl(c, &err), before);
    assert_int_equal(X509_cmp(SSL_CTX_get0_certificate(wr_tls_context_ssl(c, &err)), b[0]->leaf), 0);
    assert_ptr_equal(wr_tls_context_ssl(other, &err), others); /* nothing of it has changed */
    SSL_CTX_free(before);
}

static void
test_a_pair_goes_from_process_to_process(void **state)
{
    struct wr_tls_pair *const *a = two_pair("a.example");
    struct wr_tls_pair copy = { .version = 0 };
    struct wr_err err;
    char *pem;
    size_t len;

    (void)state;
    assert_true(wr_tls_pair_print(a[0], &pem, &len));
    assert_true(wr_tls_pair_parse(&copy, (weir_str){ pem, len }, &err));
    assert_int_equal(X509_cmp(copy.leaf, a[0]->leaf), 0);
    assert_int_equal(EVP_PKEY_eq(copy.private_key, a[0]->private_key), 1);
    assert_int_equal(sk_X509_num(copy.chain), 0);
    wr_tls_pair_clear(&copy);
    assert_false(wr_tls_pair_parse(&copy, (weir_str){ pem, len / 2 }, &err));
    assert_null(copy.leaf);
    OPENSSL_clear_free(pem, len);
}

static void
test_key_and_certificate_belong_together(void **state)
{
    weir_str certificate, key, other, other_key;
    struct wr_err err;

    (void)state;
    two_certificate(two.pool, "a", &certificate, &key);
    two_certificate(two.pool, "b", &other, &other_key);
    assert_null(wr_tls_bank_pair(two.bank, certificate, other_key, (struct wr_tls_passwords){ 0 }, &err));
    assert_non_null(strstr(err.text, "key values mismatch"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TWO_TEST(test_equal_settings_share),
        TWO_TEST(test_contexts_of_many_sites_are_made_when_they_are_used),
        TWO_TEST(test_an_exchanged_pair_makes_another_context),
        TWO_TEST(test_a_pair_goes_from_process_to_process),
        TWO_TEST(test_key_and_certificate_belong_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
