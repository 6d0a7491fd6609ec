/* password.h - a password held against what a password file has of it. */
#ifndef AUTH_BASIC_PASSWORD_H
#define AUTH_BASIC_PASSWORD_H

#include <weir/base.h>

enum verdict {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_UNUSABLE /* nothing fits this hash: it is of no kind that is known here */
};

/* Does it take long to hold a password against this hash? That is what such hashes are made for: it belongs on a thread. */
bool password_is_slow(weir_str hash);

/*
 * Is it the password of this hash? Both zero-terminated. How long it takes says nothing about how much was right.
 *
 * {PLAIN}TEXT; {SHA}, {SHA256}, {SHA512} with the base64 of the sum; {SSHA}, {SSHA256}, {SSHA512} with that of the sum and the
 * salt; $apr1$; all others as crypt(3) has them. [any thread]
 */
enum verdict password_check(weir_str hash, weir_str password);

#endif
