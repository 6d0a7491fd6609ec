/* wire/scan_plain.h - the scans of scan.h byte by byte: for machines without a vector variant, and
 * for the last bytes before the end in those that have one. */
#ifndef WR_WIRE_SCAN_PLAIN_H
#define WR_WIRE_SCAN_PLAIN_H

#include "wire/chars.h"

static inline const char *
wr_plain_name(const char *at, const char *end)
{
    while (at < end && (uint8_t)*at > ' ' && *at != ':') {
        at++;
    }
    return at;
}

static inline const char *
wr_plain_word(const char *at, const char *end)
{
    while (at < end &&
           ((uint8_t)((*at | 0x20) - 'a') < 26 || (uint8_t)(*at - '0') < 10 || *at == '-')) {
        at++;
    }
    return at;
}

static inline const char *
wr_plain_value(const char *at, const char *end)
{
    while (at < end && (uint8_t)*at >= ' ' && *at != 0x7f) {
        at++;
    }
    return at;
}

static inline const char *
wr_plain_target(const char *at, const char *end)
{
    while (at < end && wr_char_is(*at, WR_CHAR_TARGET)) {
        at++;
    }
    return at;
}

static inline const char *
wr_plain_quoted(const char *at, const char *end)
{
    while (at < end && (uint8_t)(*at - ' ') < 0x5f && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

static inline const char *
wr_plain_colon(const char *at, const char *end)
{
    while (at < end && *at != ':') {
        at++;
    }
    return at;
}

static inline const char *
wr_plain_line(const char *line, const char *end, const char **colon)
{
    const char *stop = line;

    while (stop < end && (uint8_t)(*stop - ' ') < 0x5f) {
        stop++;
    }
    *colon = wr_plain_colon(line, stop);
    return stop;
}

static inline const char *
wr_plain_path(const char *at, const char *end)
{
    for (; at < end; at++) {
        uint8_t c = (uint8_t)*at;
        char next = end - at > 1 ? at[1] : 0;
        if (c <= ' ' || c == 0x7f || c == '%' || c == '?' || c == '#' ||
            (c == '/' && (next == '/' || next == '.'))) {
            break;
        }
    }
    return at;
}

#endif
