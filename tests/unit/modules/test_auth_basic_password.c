/* auth_basic/password.c: hashes as crypt(3), OpenSSL and Python make them. */
#include "unit/modules/double.h"

#include "../modules/auth_basic/apr1.c"
#include "../modules/auth_basic/password.c"

/* Of "secret". */
static const char *const hashes[] = {
    "{PLAIN}secret",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
    "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "{SSHA256}+E+iFJ27Yu1ODPH1UNKUmzOmUT06dwfghQJRHHnMsO5zYWx0",
    "{SSHA512}E491yrR9AdCoE7rbOPYS3EZgSuZpVE65AD9xko08s6floNesY/Zpe9zMVvLix4S2FiQSJ99RIkNvhHomNO9uL3NhbHQ=",
    "{ssha512}E491yrR9AdCoE7rbOPYS3EZgSuZpVE65AD9xko08s6floNesY/Zpe9zMVvLix4S2FiQSJ99RIkNvhHomNO9uL3NhbHQ",
    "$apr1$12345678$0lqb/6VUFP8JY/s/jTrIk0",
    "abNANd1rDfiNc",
    "$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
    "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA",
    "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9",
};

static enum verdict
check_text(const char *hash, const char *password)
{
    return password_check(weir_str_c(hash), weir_str_c(password));
}

static void
test_each_kind_knows_its_password(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        assert_int_equal(check_text(hashes[i], "secret"), PASSWORD_RIGHT);
        assert_int_equal(check_text(hashes[i], "secreT"), PASSWORD_WRONG);
        assert_int_equal(check_text(hashes[i], ""), PASSWORD_WRONG);
    }
}

static void
test_apr1_is_as_openssl_has_it(void **state)
{
    (void)state;
    assert_int_equal(check_text("$apr1$ab$aPXNdsX0wq8N/LJdZEZgW1", "a much longer password than sixteen"),
                     PASSWORD_RIGHT);
    assert_int_equal(check_text("$apr1$xyz$Pix4eE3fQHxJjb6LqtyMK1", ""), PASSWORD_RIGHT);
}

static void
test_what_is_no_hash_fits_nothing(void **state)
{
    static const char *const none[] = { "",         "secret",          "*0",      "*1",
                                        "{SHA}",    "{SHA}AAAA",       "{SSHA}!", "{SSHA}AAAAA",
                                        "$9$abc$d", "$2y$99$aaaaaaaa", "!x",      "{MD5}secret" };

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(check_text(none[i], "secret"), PASSWORD_UNUSABLE);
    }
    assert_int_equal(check_text("$apr1$", "secret"), PASSWORD_WRONG);
}

static void
test_a_zero_ends_no_password(void **state)
{
    (void)state;
    assert_int_equal(password_check(WEIR_STR("abNANd1rDfiNc"), WEIR_STR("secret\0more")),
                     PASSWORD_WRONG);
    assert_int_equal(password_check(WEIR_STR("{PLAIN}secret"), WEIR_STR("secret\0")), PASSWORD_WRONG);
}

static void
test_slow_ones_are_those_of_crypt(void **state)
{
    (void)state;
    assert_false(password_is_slow(WEIR_STR("{PLAIN}secret")));
    assert_false(password_is_slow(WEIR_STR("{SSHA}gVK8")));
    assert_true(password_is_slow(WEIR_STR("$apr1$12345678$x")));
    assert_true(password_is_slow(WEIR_STR("$2y$05$x")));
    assert_true(password_is_slow(WEIR_STR("abNANd1rDfiNc")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_knows_its_password),
        cmocka_unit_test(test_apr1_is_as_openssl_has_it),
        cmocka_unit_test(test_what_is_no_hash_fits_nothing),
        cmocka_unit_test(test_a_zero_ends_no_password),
        cmocka_unit_test(test_slow_ones_are_those_of_crypt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
