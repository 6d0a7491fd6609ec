/* http/browser.h - which of the browsers that need care sent a User-Agent. */
#ifndef WR_HTTP_BROWSER_H
#define WR_HTTP_BROWSER_H

#include <stdint.h>
#include <weir/base.h>

enum wr_browser {
    WR_BROWSER_MSIE6 = 1, /* Internet Explorer 4, 5, and 6 before XP's second service pack */
    WR_BROWSER_SAFARI = 2 /* Safari on macOS, not browsers that also claim to be it */
};

/* The bits of enum wr_browser for a User-Agent's value, by nginx's rules; 0: none of them. */
uint32_t wr_browser_of(weir_str agent);

#endif
