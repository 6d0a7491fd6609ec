/* process/title.c - writing over the command line and the environment behind it, which the kernel
 * shows. */
#include "process/title.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/strbuf.h"

static struct {
    char *at;
    size_t room;
    char **environment; /* ours, in place of the original; the C library changes it */
    char **strings;     /* what it held at first, to be freed at the end */
    size_t n;
} title;

/* How far strings stand one behind the other from *end on. */
static void
extend(char **end, char *const *strings)
{
    for (size_t i = 0; strings[i] != NULL && strings[i] == *end; i++) {
        *end += strlen(strings[i]) + 1;
    }
}

void
wr_title_init(int argc, char **argv)
{
    char *end = argc > 0 ? argv[0] : NULL;

    if (end == NULL) {
        return;
    }
    extend(&end, argv);
    extend(&end, environ);
    title.at = argv[0];
    title.room = (size_t)(end - argv[0]);
    for (title.n = 0; environ[title.n] != NULL; title.n++) {
    }
    title.environment = calloc(title.n + 1, sizeof(char *));
    title.strings = calloc(title.n + 1, sizeof(char *));
    WR_ASSERT(title.environment != NULL && title.strings != NULL);
    for (size_t i = 0; i < title.n; i++) {
        title.environment[i] = title.strings[i] = strdup(environ[i]);
        WR_ASSERT(title.strings[i] != NULL);
    }
    environ = title.environment;
}

static void
put(const struct wr_strbuf *b)
{
    memset(title.at + b->len, 0, title.room - b->len);
}

void
wr_title_set(const char *text)
{
    struct wr_strbuf b = wr_strbuf_over(title.at, title.room != 0 ? title.room - 1 : 0);

    if (title.at == NULL) {
        return;
    }
    wr_strbuf_lit(&b, "weir: ");
    wr_strbuf_str(&b, weir_str_c(text));
    put(&b);
}

void
wr_title_set_master(int argc, char *const *argv)
{
    struct wr_strbuf b = wr_strbuf_over(title.at, title.room != 0 ? title.room - 1 : 0);

    if (title.at == NULL) {
        return;
    }
    wr_strbuf_lit(&b, "weir: master process");
    for (int i = 0; i < argc; i++) {
        wr_strbuf_byte(&b, ' ');
        wr_strbuf_str(&b, weir_str_c(argv[i]));
    }
    put(&b);
}

void
wr_title_fini(void)
{
    static char *none[] = { NULL };

    environ = none;
    for (size_t i = 0; i < title.n; i++) {
        free(title.strings[i]);
    }
    free(title.strings);
    free(title.environment);
    title.strings = title.environment = NULL;
    title.n = 0;
}
