/* OpenSSL 3 with its headers. */
#include <openssl/opensslv.h>
#include <openssl/ssl.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "OpenSSL 3 is wanted"
#endif

int
main(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());

    SSL_CTX_free(context);
    return context == NULL;
}
