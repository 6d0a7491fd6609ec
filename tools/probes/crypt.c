/* libxcrypt: password hashes of auth_basic files. */
#include <crypt.h>
#include <stddef.h>

int
main(void)
{
    struct crypt_data data = {0};

    return crypt_rn("a", "$1$abcdefgh$", &data, sizeof(data)) == NULL;
}
