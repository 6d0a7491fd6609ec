/* http/metrics.h - the server's own counters: connections by state, and requests. Exported as weir_connections_accepted_total,
 * weir_connections_handled_total, weir_requests_total, weir_connections{state}, weir_http2_glitches_total,
 * weir_http2_calmed_total and weir_background_*. */
#ifndef WR_HTTP_METRICS_H
#define WR_HTTP_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/module.h>

/* The states people see: nginx's Active, Reading, Writing, Waiting. Each connection is ACTIVE and one of the others. */
enum wr_shown { WR_SHOWN_ACTIVE, WR_SHOWN_READING, WR_SHOWN_WRITING, WR_SHOWN_WAITING };

extern const weir_module wr_metrics_module;

/* A connection was accepted; kept: not refused for want of a place. It is shown as reading from here. */
void wr_count_accepted(bool kept);
void wr_count_closed(enum wr_shown shown);
void wr_count_request(void);

/* So many requests more, or less, work on without their clients; one was not let to; one was cut at its deadline. */
void wr_count_background(int more);
void wr_count_background_refused(void);
void wr_count_background_cut(void);

/* Useless work over HTTP/2, in points; a connection was ended for it. */
void wr_count_glitches(uint32_t points);
void wr_count_calmed(void);

/* It is shown as `now` instead of *shown. */
void wr_count_show(uint8_t *shown, enum wr_shown now);

#endif
