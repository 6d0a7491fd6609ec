/* apr1.h - Apache's own password hash, `$apr1$SALT$HASH`: MD5 a thousand times over. */
#ifndef AUTH_BASIC_APR1_H
#define AUTH_BASIC_APR1_H

#include <weir/base.h>

enum { APR1_ROOM = 6 + 8 + 1 + 22 + 1 }; /* the longest one, and a zero */

/* Hash password as `setting` (a hash, or the beginning of one: "$apr1$SALT$") says. False: it is none, or there is no MD5
 * here. [any thread] */
bool apr1_hash(weir_str password, weir_str setting, char out[APR1_ROOM]);

#endif
