/* http/browser.c - telling browsers apart by the words in User-Agent, for keepalive_disable.
 *
 * Browsers name those they wish to be taken for, so order matters: Opera names MSIE, Chrome names
 * Safari.
 */
#include "http/browser.h"

#include "base/assert.h"

#define HAS(s, word) (memmem((s).data, (s).len, word, sizeof(word) - 1) != NULL)

/* The rest of s from word on; absent when word is not there. */
static weir_str
from(weir_str s, weir_str word)
{
    const char *at = s.len != 0 ? memmem(s.data, s.len, word.data, word.len) : NULL;

    return at != NULL ? (weir_str){ at, s.len - (size_t)(at - s.data) } : (weir_str){ NULL, 0 };
}

/* msie begins with "MSIE ": is "4.", "5." or "6." next, the last without the mark of the repaired
 * one? */
static bool
is_old(weir_str msie)
{
    if (msie.len < 8 || msie.data[6] != '.') {
        return false;
    }
    return msie.data[5] == '4' || msie.data[5] == '5' || (msie.data[5] == '6' && !HAS(msie, "SV1"));
}

WR_APART uint32_t
wr_browser_of(weir_str agent)
{
    weir_str msie = from(agent, WEIR_STR("MSIE "));

    if (agent.len == 0 || HAS(agent, "Opera")) {
        return 0;
    }
    if (msie.data != NULL) {
        return is_old(msie) ? WR_BROWSER_MSIE6 : 0;
    }
    return HAS(agent, "Safari/") && HAS(agent, "Mac OS X") && !HAS(agent, "Chrome/") &&
                   !HAS(agent, "Gecko/")
               ? WR_BROWSER_SAFARI
               : 0;
}
