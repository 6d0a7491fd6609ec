/* conf/setter.h - words to fields: one function a WEIR_T_* type. weir_parse_size and
 * weir_parse_msec of the ABI are here. */
#ifndef WR_CONF_SETTER_H
#define WR_CONF_SETTER_H

#include "conf/bind.h"

/*
 * Fill field, which is of row's type, from the words of cf->node (their number has been checked).
 * STRS are added to what the field holds; BITS replace it. A CUSTOM row fills nothing here.
 *
 * WEIR_OK, or WEIR_ERROR after a report; the field is then as it was.
 */
int wr_setter_apply(struct weir_conf *cf, const weir_directive *row, void *field);

#endif
