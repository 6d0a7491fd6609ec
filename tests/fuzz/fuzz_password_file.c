/* Password files of any bytes: users are slices of the text in order, none is made up, the first line of a name is the one
 * that is found, and a hash of any form takes its own place without a password fitting by chance. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/pool.h"

#include "../modules/auth_basic/apr1.c"
#undef ROUNDS
#include "../modules/auth_basic/password.c"
#include "../modules/auth_basic/users.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHORT = 128 }; /* hashes that are tried: a sum in braces, or apr1; crypt(3) may take minutes by design */

static void
check_user(const struct users *users, const struct user *u, weir_str text)
{
    weir_str found = users_find(users, u->name);

    WR_ASSERT(u->name.len != 0 && u->name.data[0] != '#');
    WR_ASSERT(u->name.data >= text.data && u->hash.data > u->name.data + u->name.len);
    WR_ASSERT(u->hash.data + u->hash.len <= text.data + text.len);
    WR_ASSERT(memchr(u->name.data, ':', u->name.len) == NULL);
    WR_ASSERT(memchr(u->name.data, '\n', u->name.len) == NULL);
    WR_ASSERT(strlen(u->hash.data) == u->hash.len && strpbrk(u->hash.data, ":\r\n") == NULL);
    WR_ASSERT(found.data != NULL && found.data <= u->hash.data);
}

static void
check_password(weir_str hash, weir_str password)
{
    char made[APR1_ROOM];

    if (!password_is_slow(hash)) {
        bool plain = hash.len == 7 + password.len && strncasecmp(hash.data, "{PLAIN}", 7) == 0;
        WR_ASSERT(password_check(hash, password) != PASSWORD_RIGHT || plain);
    } else if (apr1_hash(password, hash, made)) {
        WR_ASSERT(strlen(made) < sizeof(made) && strncmp(made, "$apr1$", 6) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_pool *pool = wr_pool_create("fuzz", NULL);
    char *text = malloc(size + 1);
    struct users users;

    WR_ASSERT(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    parse(&users, pool, (weir_str){ text, size });
    for (size_t i = 0; i < users.n; i++) {
        const struct user *u = &users.at[i];
        WR_ASSERT(i == 0 || compare_users(u - 1, u) < 0);
        check_user(&users, u, (weir_str){ text, size });
        if (i < 4 && u->hash.len < SHORT) {
            check_password(u->hash, WEIR_STR("a password that nobody has"));
        }
    }
    free(text);
    wr_pool_destroy(&pool);
    return 0;
}
