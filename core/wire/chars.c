/* wire/chars.c - the class table, spelled as the RFCs' grammar so that the compiler makes the
 * numbers; and what modules ask of it. */
#include "wire/chars.h"

#include <weir/text.h>

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_HEX(c)   (IS_DIGIT(c) || (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'f'))
#define IS_ALNUM(c) (IS_DIGIT(c) || (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'z'))
#define IS_TOKEN(c)                                                                                \
    (IS_ALNUM(c) || (c) == '!' || (c) == '#' || (c) == '$' || (c) == '%' || (c) == '&' ||          \
     (c) == '\'' || (c) == '*' || (c) == '+' || (c) == '-' || (c) == '.' || (c) == '^' ||          \
     (c) == '_' || (c) == '`' || (c) == '|' || (c) == '~')
#define IS_VALUE(c)  (((c) >= 0x20 && (c) != 0x7f) || (c) == '\t')
#define IS_TARGET(c) ((c) >= 0x21 && (c) <= 0x7e && (c) != '#')
#define IS_REG_NAME(c)                                                                             \
    (IS_ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~' || (c) == '!' ||          \
     (c) == '$' || (c) == '&' || (c) == '\'' || (c) == '(' || (c) == ')' || (c) == '*' ||          \
     (c) == '+' || (c) == ',' || (c) == ';' || (c) == '=')
#define IS_QUOTED(c) (IS_VALUE(c) && (c) != '"' && (c) != '\\')

#define CLASSES(c)                                                                                 \
    ((IS_TOKEN(c) ? WR_CHAR_TOKEN : 0) | (IS_VALUE(c) ? WR_CHAR_VALUE : 0) |                       \
     (IS_TARGET(c) ? WR_CHAR_TARGET : 0) |                                                         \
     (IS_TARGET(c) || (c) >= 0x80 ? WR_CHAR_TARGET_HIGH : 0) |                                     \
     (IS_REG_NAME(c) ? WR_CHAR_REG_NAME : 0) | (IS_DIGIT(c) ? WR_CHAR_DIGIT : 0) |                 \
     (IS_HEX(c) ? WR_CHAR_HEX : 0) | (IS_QUOTED(c) ? WR_CHAR_QUOTED : 0))

#define ROW_4(c)  CLASSES(c), CLASSES((c) + 1), CLASSES((c) + 2), CLASSES((c) + 3)
#define ROW_16(c) ROW_4(c), ROW_4((c) + 4), ROW_4((c) + 8), ROW_4((c) + 12)
#define ROW_64(c) ROW_16(c), ROW_16((c) + 16), ROW_16((c) + 32), ROW_16((c) + 48)

const uint8_t wr_char_classes[256] = { ROW_64(0), ROW_64(64), ROW_64(128), ROW_64(192) };

bool
weir_is_token(weir_str s)
{
    return wr_char_is_token(s);
}

bool
weir_is_field_value(weir_str s)
{
    return wr_char_all(s, WR_CHAR_VALUE);
}
