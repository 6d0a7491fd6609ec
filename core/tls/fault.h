/* tls/fault.h - what OpenSSL has to say about a failure, in nginx's form: "... (SSL: error:0A000086:SSL routines::...)". */
#ifndef WR_TLS_FAULT_H
#define WR_TLS_FAULT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Write the formatted reason and behind it what OpenSSL queued; answers false. err may be NULL. */
bool wr_tls_fault(struct wr_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
