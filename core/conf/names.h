/* conf/names.h - the variables that a word of the configuration names. */
#ifndef WR_CONF_NAMES_H
#define WR_CONF_NAMES_H

#include <weir/text.h>

/* May c be part of a variable's name? */
static inline bool
wr_conf_is_name_byte(char c)
{
    return weir_is_letter((uint8_t)c) || weir_is_digit((uint8_t)c) || c == '_';
}

/* The next variable that *text names, as $name or ${name}: its name, without these; false: no more. *text goes behind it. What is no
 * reference (a "$" before anything else) is passed over; that is told where the word is compiled. */
bool wr_conf_next_name(weir_str *text, weir_str *name);

#endif
