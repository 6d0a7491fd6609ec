/*
 * resume - the client of tools/bench for resumed handshakes: one connection after the other, each of TLS 1.3 and one request,
 * each by the ticket that the one before was given.
 *
 *     resume (-n REQUESTS | -t SECONDS) PORT PATH
 *
 * Prints one line of name=value; `resumed` counts those that were come back to.
 */
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static SSL_SESSION *session; /* the newest */

static void
die(const char *what)
{
    ERR_print_errors_fp(stderr);
    perror(what);
    exit(1);
}

static double
now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
given(SSL *ssl, SSL_SESSION *fresh)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = fresh;
    return 1;
}

static int
dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        die("connect");
    }
    return fd;
}

/* One connection. Was its session one that was come back to? */
static int
visit(SSL_CTX *context, uint16_t port, const char *request)
{
    char answer[16384];
    SSL *ssl = SSL_new(context);
    int fd = dial(port), n, resumed, good = 0;

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || (session != NULL && SSL_set_session(ssl, session) != 1) ||
        SSL_connect(ssl) != 1 || SSL_write(ssl, request, (int)strlen(request)) <= 0) {
        die("handshake");
    }
    resumed = SSL_session_reused(ssl);
    while ((n = SSL_read(ssl, answer, sizeof(answer))) > 0) {
        good |= n > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
    }
    if (!good) {
        die("no answer");
    }
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* or the session counts as spoilt */
    SSL_free(ssl);
    (void)close(fd);
    return resumed;
}

int
main(int argc, char **argv)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    uint64_t requests = UINT64_MAX, answered = 0, resumed = 0;
    double seconds = 1e9, begin = now();
    char request[1024];
    int option;

    while ((option = getopt(argc, argv, "n:t:")) != -1) {
        switch (option) {
        case 'n':
            requests = strtoull(optarg, NULL, 10);
            break;
        case 't':
            seconds = strtod(optarg, NULL);
            break;
        default:
            return 2;
        }
    }
    if (argc - optind != 2 || context == NULL) {
        return 2;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, given);
    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                   argv[optind + 1]);
    for (; answered < requests && now() - begin < seconds; answered++) {
        resumed += (uint64_t)visit(context, (uint16_t)atoi(argv[optind]), request);
    }
    printf("answered=%llu resumed=%llu seconds=%.3f\n", (unsigned long long)answered,
           (unsigned long long)resumed, now() - begin);
    return 0;
}
