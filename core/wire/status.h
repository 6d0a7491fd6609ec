/* wire/status.h - reason phrases and ready-made status lines. */
#ifndef WR_WIRE_STATUS_H
#define WR_WIRE_STATUS_H

#include <stdint.h>
#include <weir/base.h>

/* "HTTP/1.1 404 Not Found\r\n" for any status of 100..599, static. One that status.def lacks has an
 * empty phrase. */
weir_str wr_status_line(uint32_t status);

/* "404 Not Found" ("299" when there is no phrase), as error pages show it. Static. */
weir_str wr_status_title(uint32_t status);

#endif
