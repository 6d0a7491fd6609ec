/* format - the line of one entry in each format. Pure. */
#include "format.h"

#include <time.h>

enum { NAME_COLUMNS = 50, NAME_CUT = 47 };

static const char *const kinds[] = { "directory", "file", "other" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static struct tm
break_down(int64_t seconds, bool local)
{
    time_t clock = (time_t)seconds;
    struct tm tm = { .tm_mday = 1, .tm_year = 70 };

    if ((local ? localtime_r(&clock, &tm) : gmtime_r(&clock, &tm)) == NULL) {
        return (struct tm){ .tm_mday = 1, .tm_year = 70 };
    }
    return tm;
}

/* At most four digits and a unit: 9999, 10K, 977K, 1M. */
static void
size_rounded(weir_text *t, int64_t size)
{
    static const struct {
        int64_t from, unit;
        char letter;
    } units[] = { { 1024 * 1024 * 1024, 1024 * 1024 * 1024, 'G' },
                  { 1024 * 1024, 1024 * 1024, 'M' },
                  { 10000, 1024, 'K' } };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (size >= units[i].from) {
            int64_t count = size / units[i].unit + (size % units[i].unit >= units[i].unit / 2);
            weir_text_print(t, "%6lld%c", (long long)count, units[i].letter);
            return;
        }
    }
    weir_text_print(t, " %6lld", (long long)size);
}

/* The link text: a name too long for its column is cut. A directory's '/' needs a column. */
static void
html_name(weir_text *t, const struct entry *e)
{
    size_t columns = utf8_count(e->name, 0, NULL);
    weir_str shown = e->name;

    if (columns > NAME_COLUMNS) {
        utf8_count(e->name, NAME_CUT, &shown.len);
        escape_markup(t, shown);
        weir_text_add(t, WEIR_STR("..&gt;</a>"));
        return;
    }
    escape_markup(t, shown);
    if (e->kind == ENTRY_DIRECTORY && columns < NAME_COLUMNS) {
        weir_text_add(t, WEIR_STR("/"));
        columns++;
    }
    weir_text_add(t, WEIR_STR("</a>"));
    weir_text_print(t, "%*s", (int)(NAME_COLUMNS - columns), "");
}

static void
format_html(weir_text *t, const struct entry *e, struct list_style style)
{
    struct tm tm = break_down(e->mtime, style.local_time);

    weir_text_add(t, WEIR_STR("<a href=\""));
    escape_uri(t, e->name);
    weir_text_add(t, e->kind == ENTRY_DIRECTORY ? WEIR_STR("/\">") : WEIR_STR("\">"));
    html_name(t, e);
    weir_text_print(t, " %02d-%s-%d %02d:%02d ", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
                    tm.tm_hour, tm.tm_min);
    if (e->kind == ENTRY_DIRECTORY) {
        weir_text_print(t, "%*s", style.exact_size ? 19 : 7, "-");
    } else if (style.exact_size) {
        weir_text_print(t, "%19lld", (long long)e->size);
    } else {
        size_rounded(t, e->size);
    }
    weir_text_add(t, WEIR_STR("\r\n"));
}

static void
format_xml(weir_text *t, const struct entry *e)
{
    struct tm tm = break_down(e->mtime, false);

    weir_text_print(t, "<%s mtime=\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", kinds[e->kind],
                    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (e->kind == ENTRY_FILE) {
        weir_text_print(t, " size=\"%lld\"", (long long)e->size);
    }
    weir_text_add(t, WEIR_STR(">"));
    escape_markup(t, e->name);
    weir_text_print(t, "</%s>\r\n", kinds[e->kind]);
}

static void
format_json(weir_text *t, const struct entry *e, bool last)
{
    struct tm tm = break_down(e->mtime, false);

    weir_text_add(t, WEIR_STR("{ \"name\":\""));
    escape_json(t, e->name);
    weir_text_print(t, "\", \"type\":\"%s\", \"mtime\":\"%s, %02d %s %04d %02d:%02d:%02d GMT\"",
                    kinds[e->kind], days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (e->kind == ENTRY_FILE) {
        weir_text_print(t, ", \"size\":%lld", (long long)e->size);
    }
    weir_text_add(t, last ? WEIR_STR(" }\r\n") : WEIR_STR(" },\r\n"));
}

void
entry_format(weir_text *t, const struct entry *e, struct list_style style, bool last)
{
    switch (style.format) {
    case LIST_XML:
        format_xml(t, e);
        break;
    case LIST_JSON:
    case LIST_JSONP:
        format_json(t, e, last);
        break;
    default:
        format_html(t, e, style);
        break;
    }
}
