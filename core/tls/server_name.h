/* tls/server_name.h - the name that a client asks for in its hello: bytes of a stranger's. */
#ifndef WR_TLS_SERVER_NAME_H
#define WR_TLS_SERVER_NAME_H

#include <stdbool.h>
#include <weir/base.h>

enum { WR_SERVER_NAME_MAX = 255 };

/*
 * The host name of a server_name extension: a list of one entry, of type 0.  [RFC 6066 3]
 *
 * extension  its bytes, without type and length
 * name       out: within extension, 1 to WR_SERVER_NAME_MAX bytes without a zero
 *
 * False: the extension is broken, the handshake must end.
 */
bool wr_server_name_parse(weir_str extension, weir_str *name);

/* Put name at `to`, which has room for name.len bytes, in lower case and without a final dot. Its length; 0: it is no host name. */
size_t wr_server_name_clean(weir_str name, char *to);

#endif
