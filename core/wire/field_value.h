/* wire/field_value.h - values of fields as variables ask for them: all lines of a name as one text, names spelled with '_'. */
#ifndef WR_WIRE_FIELD_VALUE_H
#define WR_WIRE_FIELD_VALUE_H

#include <stdint.h>
#include <weir/request.h>

/* The id (WEIR_H_*) of the field that a variable spells as name: '_' for '-', letters of either case. */
uint32_t wr_field_value_id(weir_str name);

/* The values of first and of all fields of its name, with between between them; absent when first is NULL. */
weir_str wr_field_value_joined(weir_pool *pool, const weir_header *first, const char *between);

/* The values of the fields that a variable spells as name. index: by WEIR_H_* id, NULL when there is none. */
weir_str wr_field_value_spelled(weir_pool *pool, const weir_header *const *index,
                                const weir_header *first, weir_str name, const char *between);

#endif
