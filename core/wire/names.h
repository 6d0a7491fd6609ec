/* wire/names.h - known header names and methods: from bytes to id and back. */
#ifndef WR_WIRE_NAMES_H
#define WR_WIRE_NAMES_H

#include <stdint.h>
#include <weir/base.h>

/* The WEIR_H_ id of a header name in any case, WEIR_H_OTHER for a name that is not in names.def. */
uint32_t wr_name_id(weir_str name);

/* The canonical spelling of a WEIR_H_ id ("Content-Type"), static; absent for WEIR_H_OTHER and
 * unknown ids. */
weir_str wr_name_text(uint32_t id);

/* The WEIR_ id of a method token, WEIR_METHOD_OTHER for one not in methods.def. Case matters. [RFC
 * 9110 9.1] */
uint32_t wr_method_id(weir_str token);

/* The token of a method id, static; absent for WEIR_METHOD_OTHER. */
weir_str wr_method_text(uint32_t id);

#endif
