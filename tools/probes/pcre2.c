/* PCRE2 with 8-bit units. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

int
main(void)
{
    return pcre2_config(PCRE2_CONFIG_VERSION, NULL) <= 0;
}
