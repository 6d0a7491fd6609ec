/* http/core.h - the built-in modules of this layer, and what their tables share. Private to http/core_*.c. */
#ifndef WR_HTTP_CORE_H
#define WR_HTTP_CORE_H

#include <weir/module.h>

#include "http/settings.h"
#include "module/registry.h"

extern const weir_module wr_core_server, wr_core_location, wr_core_files, wr_core_body,
    wr_core_http2, wr_core_coding, wr_core_http, wr_core_https;

/* Offset and size of a CUSTOM row whose setter fills the neighbouring fields from `first` to `last`. */
#define WR_CORE_SPAN(T, first, last)                                                               \
    .offset = (uint32_t)offsetof(T, first),                                                        \
    .size = (uint32_t)(offsetof(T, last) + sizeof(((T *)0)->last) - offsetof(T, first))

/* The struct around the field that a setter is given. */
#define WR_CORE_STRUCT(T, row, field) ((T *)(void *)((char *)(field) - (row)->offset))

/* A directive of nginx's that has no effect here, any number of arguments. */
#define WR_CORE_NOTHING(name_, where_, help_)                                                      \
    { .name = name_, .help = help_, .where = where_, .type = WEIR_T_CUSTOM, .flags = WEIR_D_NOTHING }

#endif
