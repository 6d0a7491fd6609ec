/* PCRE2 compiles patterns to machine code here. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

int
main(void)
{
    uint32_t has = 0;

    return pcre2_config(PCRE2_CONFIG_JIT, &has) < 0 || has == 0;
}
