/* tls/fault.c - OpenSSL's queue of errors to one line. */
#include "tls/fault.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

/* One error: its number and words, then what it is about. */
static void
append_one(struct wr_strbuf *to, unsigned long code, const char *data, int flags)
{
    char text[256];

    ERR_error_string_n(code, text, sizeof(text));
    wr_strbuf_str(to, weir_str_c(text));
    if ((flags & ERR_TXT_STRING) != 0 && data != NULL && *data != '\0') {
        wr_strbuf_byte(to, ':');
        wr_strbuf_str(to, weir_str_c(data));
    }
}

/* Append " (SSL: error:...)" for the errors that OpenSSL has queued, which are taken; nothing when there are none. */
static void
append_queued(struct wr_strbuf *to)
{
    const char *data;
    unsigned long code;
    bool any = false;
    int flags;

    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        wr_strbuf_str(to, any ? WEIR_STR(" ") : WEIR_STR(" (SSL: "));
        append_one(to, code, data, flags);
        any = true;
    }
    if (any) {
        wr_strbuf_byte(to, ')');
    }
}

bool
wr_tls_fault(struct wr_err *err, const char *fmt, ...)
{
    struct wr_strbuf to;
    va_list args;
    int n;

    if (err == NULL) {
        ERR_clear_error();
        return false;
    }
    va_start(args, fmt);
    n = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    n = n < 0 ? 0 : n;
    to = wr_strbuf_over(err->text, sizeof(err->text) - 1);
    to.len = WR_MIN((size_t)n, to.room);
    append_queued(&to);
    err->text[to.len] = '\0';
    for (size_t i = 0; i < to.len; i++) { /* one line, whatever a file held */
        if (err->text[i] == '\n' || err->text[i] == '\r') {
            err->text[i] = ' ';
        }
    }
    return false;
}
