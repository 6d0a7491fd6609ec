/* security_headers/known.h - the fields this module knows: what each preset says, and which values
 * a browser would take. Pure.
 *
 * A browser drops a value that it does not understand without a word, so a wrong one is refused at
 * load.
 */
#ifndef SECURITY_HEADERS_KNOWN_H
#define SECURITY_HEADERS_KNOWN_H

#include <weir/text.h>

enum preset { PRESET_OFF, PRESET_BALANCED, PRESET_STRICT, PRESETS };

enum known_field {
    KNOWN_HSTS,
    KNOWN_NOSNIFF,
    KNOWN_REFERRER,
    KNOWN_PERMISSIONS,
    KNOWN_COOP,
    KNOWN_COEP,
    KNOWN_CORP,
    KNOWN_FRAME_OPTIONS,
    KNOWN_FRAME_ANCESTORS, /* a directive of Content-Security-Policy, sent in a policy of its own */
    KNOWN_COUNT
};

/* The field's name; of KNOWN_FRAME_ANCESTORS, the directive's. */
weir_str known_name(uint32_t field);

/* Which field it is; KNOWN_COUNT: none of them. Case does not matter. */
uint32_t known_find(weir_str name);

/* What a preset says of a field; absent: nothing. */
weir_str known_preset(uint32_t preset, uint32_t field);

/* NULL, or what is wrong with value, as the end of a sentence about it. A value with variables is
 * not to be asked about. */
const char *known_fault(uint32_t field, weir_str value);

#endif
