/* wire/host.h - the authority of a request: Host, :authority, the authority of an absolute target.
 */
#ifndef WR_WIRE_HOST_H
#define WR_WIRE_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

/*
 * Split and check uri-host [":" port].
 *
 * authority  as received, without blanks around it
 * host       out: the part before the port, a slice of authority in its own case, an IP literal
 * with its brackets port       out: 1..65535, 0 when there is none
 *
 * False, and nothing set, for an empty host, userinfo, bytes and percent-encodings that the grammar
 * does not have, bad brackets, and ports that are no number of 1..65535.  [RFC 3986 3.2, RFC
 * 9110 7.2]
 */
bool wr_host_parse(weir_str authority, weir_str *host, uint32_t *port);

#endif
