/* process/options.c - reading the command line word by word. */
#include "process/options.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"

/* Where reading stands. */
struct words {
    int argc, at; /* at: the next word */
    char *const *argv;
};

static const char *
next_word(struct words *w)
{
    return w->at < w->argc ? w->argv[w->at++] : NULL;
}

/* The argument of an option: what is left of its word, or the next word. */
static bool
take_argument(struct words *w, const char *rest, char option, const char *kind, const char **to,
              struct wr_err *err)
{
    const char *value = rest[0] != '\0' ? rest : next_word(w);

    if (value == NULL || value[0] == '\0') {
        return wr_err_set(err, "option \"-%c\" requires %s", option, kind);
    }
    *to = value;
    return true;
}

/* -H, which may stand several times. */
static bool
read_field(struct words *w, const char *rest, struct wr_options *o, struct wr_err *err)
{
    if (o->n_fields == WR_OPTIONS_FIELDS) {
        return wr_err_set(err, "option \"-H\" stands more than %d times", WR_OPTIONS_FIELDS);
    }
    return take_argument(w, rest, 'H', "\"name: value\"", &o->fields[o->n_fields++], err);
}

/* An option that takes an argument: true, and *done tells whether the letter was one. */
static bool
read_argument(struct words *w, const char *at, struct wr_options *o, bool *done, struct wr_err *err)
{
    *done = true;
    switch (at[0]) {
    case 'p':
        return take_argument(w, at + 1, 'p', "directory name", &o->prefix, err);
    case 'c':
        return take_argument(w, at + 1, 'c', "file name", &o->conf, err);
    case 'e':
        return take_argument(w, at + 1, 'e', "file name", &o->error_log, err);
    case 'g':
        return take_argument(w, at + 1, 'g', "parameter", &o->globals, err);
    case 'H':
        return read_field(w, at + 1, o, err);
    case 's':
        return take_argument(w, at + 1, 's', "parameter", &o->signal, err);
    default:
        *done = false;
        return true;
    }
}

/* An option of one letter without an argument. */
static bool
read_letter(char letter, struct wr_options *o, struct wr_err *err)
{
    switch (letter) {
    case '?':
    case 'h':
        o->version = o->help = true;
        return true;
    case 'v':
        o->version = true;
        return true;
    case 'V':
        o->version = o->build = true;
        return true;
    case 't':
        o->test = true;
        return true;
    case 'T':
        o->test = o->dump = true;
        return true;
    case 'q':
        o->quiet = true;
        return true;
    case 'M':
        o->explain = true;
        return true;
    default:
        return wr_err_set(err, "invalid option: \"%c\"", letter);
    }
}

static bool
read_letters(struct words *w, const char *at, struct wr_options *o, struct wr_err *err)
{
    if (at[0] == '\0') {
        return wr_err_set(err, "invalid option: \"-\"");
    }
    for (; at[0] != '\0'; at++) {
        bool done;
        if (!read_argument(w, at, o, &done, err)) {
            return false;
        }
        if (done) {
            return true;
        }
        if (!read_letter(at[0], o, err)) {
            return false;
        }
    }
    return true;
}

static bool
read_long(struct words *w, const char *word, struct wr_options *o, struct wr_err *err)
{
    static const struct {
        const char *name;
        size_t offset;
        const char *kind;
    } with_argument[] = {
        { "--client", offsetof(struct wr_options, client), "address" },
        { "--method", offsetof(struct wr_options, method), "name" },
        { "--check-module", offsetof(struct wr_options, check_module), "file name" },
        { "--write-module-index", offsetof(struct wr_options, index_folder), "directory name" },
    };

    if (strcmp(word, "--json") == 0) {
        o->json = true;
        return true;
    }
    for (size_t i = 0; i < WR_COUNT(with_argument); i++) {
        if (strcmp(word, with_argument[i].name) == 0) {
            const char *value = next_word(w);
            if (value == NULL) {
                return wr_err_set(err, "option \"%s\" requires %s", word, with_argument[i].kind);
            }
            memcpy((char *)o + with_argument[i].offset, &value, sizeof(value));
            return true;
        }
    }
    return wr_err_set(err, "invalid option: \"%s\"", word);
}

static bool
read_positional(const char *word, struct wr_options *o, struct wr_err *err)
{
    const char **to = o->target == NULL ? &o->target : &o->host;

    if (!o->explain || *to != NULL) {
        return wr_err_set(err, "invalid option: \"%s\"", word);
    }
    *to = word;
    return true;
}

static bool
check_signal(const struct wr_options *o, struct wr_err *err)
{
    static const char *const names[] = { "stop", "quit", "reopen", "reload" };

    for (size_t i = 0; o->signal != NULL && i < WR_COUNT(names); i++) {
        if (strcmp(o->signal, names[i]) == 0) {
            return true;
        }
    }
    return o->signal == NULL || wr_err_set(err, "invalid option: \"-s %s\"", o->signal);
}

bool
wr_options_parse(int argc, char *const *argv, struct wr_options *o, struct wr_err *err)
{
    struct words w = { .argc = argc, .at = 1, .argv = argv };
    struct wr_options found = { .help = false };
    const char *word;

    while ((word = next_word(&w)) != NULL) {
        bool ok = strncmp(word, "--", 2) == 0 ? read_long(&w, word, &found, err)
                  : word[0] == '-'            ? read_letters(&w, word + 1, &found, err)
                                              : read_positional(word, &found, err);
        if (!ok) {
            return false;
        }
    }
    if (!check_signal(&found, err)) {
        return false;
    }
    *o = found;
    return true;
}
