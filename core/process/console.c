/* process/console.c - the process log before there is a configuration. */
#include "process/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/strbuf.h"

static struct {
    struct wr_log_sink sink;
    struct wr_log_target terminal, file;
    bool mute;
} console;

bool
wr_console_split(weir_str line, uint32_t *level, weir_str *message)
{
    size_t open = weir_str_find(line, '['), close = weir_str_find(line, ']');
    weir_str rest = weir_str_cut(line, close, line.len);
    size_t colon = weir_str_find(rest, ':');
    int found;

    if (open >= close || close == line.len || colon + 2 > rest.len) {
        return false;
    }
    found = wr_log_level_parse(weir_str_cut(line, open + 1, close - open - 1));
    if (found < 0) {
        return false;
    }
    *level = (uint32_t)found;
    *message = weir_str_cut(rest, colon + 2, rest.len);
    if (message->len != 0 && message->data[message->len - 1] == '\n') {
        message->len--;
    }
    return true;
}

static void
write_terminal(struct wr_log_target *t, uint32_t level, const char *line, size_t len)
{
    char room[4096 + 64];
    struct wr_strbuf b = wr_strbuf_over(room, sizeof(room));
    weir_str message;

    if (console.mute || !wr_console_split((weir_str){ line, len }, &level, &message)) {
        return;
    }
    wr_strbuf_lit(&b, "weir: [");
    wr_strbuf_str(&b, weir_str_c(wr_log_level_name(level)));
    wr_strbuf_lit(&b, "] ");
    wr_strbuf_str(&b, message);
    wr_strbuf_byte(&b, '\n');
    if (write(STDERR_FILENO, b.data, b.len) < 0) {
        t->lost++;
    }
}

void
wr_console_open(const char *error_log)
{
    int fd;

    console.terminal =
        (struct wr_log_target){ .level = WR_LOG_WARN, .fd = -1, .write = write_terminal };
    console.sink.first = &console.terminal;
    wr_log_process_set(&console.sink);
    if (strcmp(error_log, "stderr") == 0) {
        return;
    }
    fd = wr_file_open(AT_FDCWD, error_log, O_WRONLY | O_APPEND | O_CREAT, 0640);
    if (fd < 0) {
        wr_log_errno(wr_log_process(), WR_LOG_ALERT, -fd,
                     "could not open error log file: open() \"%s\" failed", error_log);
        return;
    }
    console.file = (struct wr_log_target){ .level = WR_LOG_NOTICE, .fd = fd };
    console.terminal.next = &console.file;
    wr_log_process_set(&console.sink);
}

static void
close_file(void)
{
    if (console.terminal.next == &console.file) {
        wr_file_close(&console.file.fd);
    }
    console.terminal.next = NULL;
}

void
wr_console_attach(const struct wr_log_sink *sink)
{
    close_file();
    for (const struct wr_log_target *t = sink->first; t != NULL; t = t->next) {
        if (t->fd == STDERR_FILENO) { /* people see everything already */
            wr_log_process_set(sink);
            return;
        }
    }
    console.terminal.next = sink->first;
    wr_log_process_set(&console.sink);
}

void
wr_console_close(const struct wr_log_sink *sink)
{
    close_file();
    wr_log_process_set(sink);
}

void
wr_console_mute(bool mute)
{
    console.mute = mute;
}
