/* wire/field_value.c - values of fields as variables ask for them. */
#include "wire/field_value.h"

#include "base/assert.h"
#include "base/num.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "wire/names.h"

uint32_t
wr_field_value_id(weir_str name)
{
    char room[WR_NAME_TEXT_MAX];

    if (name.len > sizeof(room)) {
        return WEIR_H_OTHER;
    }
    for (size_t i = 0; i < name.len; i++) {
        room[i] = name.data[i] == '_' ? '-' : name.data[i];
    }
    return wr_name_id((weir_str){ room, name.len });
}

weir_str
wr_field_value_joined(weir_pool *pool, const weir_header *first, const char *between)
{
    weir_str comma = weir_str_c(between);
    struct wr_strbuf b;
    size_t room = 0;

    if (first == NULL || first->same == NULL) {
        return first != NULL ? first->value : (weir_str){ NULL, 0 };
    }
    for (const weir_header *h = first; h != NULL; h = h->same) {
        WR_ASSERT(wr_num_add(room, h->value.len, &room) && wr_num_add(room, comma.len, &room));
    }
    b = wr_strbuf_over(weir_alloc(pool, room), room);
    for (const weir_header *h = first; h != NULL; h = h->same) {
        if (h != first) {
            wr_strbuf_str(&b, comma);
        }
        wr_strbuf_str(&b, h->value);
    }
    return wr_strbuf_view(&b);
}

/* Is field the name that a variable spells as name? */
static bool
spells(weir_str name, weir_str field)
{
    if (name.len != field.len) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = weir_lower((uint8_t)field.data[i]);
        if ((c == '-' ? '_' : c) != weir_lower((uint8_t)name.data[i])) {
            return false;
        }
    }
    return true;
}

weir_str
wr_field_value_spelled(weir_pool *pool, const weir_header *const *index, const weir_header *first,
              weir_str name, const char *between)
{
    uint32_t id = wr_field_value_id(name);

    if (id != WEIR_H_OTHER && index != NULL) {
        return wr_field_value_joined(pool, index[id], between);
    }
    while (first != NULL && !spells(name, first->name)) {
        first = first->next;
    }
    return wr_field_value_joined(pool, first, between);
}
