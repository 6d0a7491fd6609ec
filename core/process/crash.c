/* process/crash.c - the handler. Everything it prints is built by wr_strbuf's plain appends: no
 * printf, no allocation. */
#include "process/crash.h"

#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/strbuf.h"
#include "module/loader.h"
#include "module/order.h"
#include "module/running.h"

enum { STACK_BYTES = 64 * 1024, FRAMES = 24, LINE_BYTES = 2048 };

/* A sanitizer's runtime is linked in when these have an address. */
void __asan_init(void) __attribute__((weak));
void __tsan_init(void) __attribute__((weak));

static struct {
    struct wr_board_row *row;
    int log_fd;
    uintptr_t base, end; /* of this executable */
    volatile sig_atomic_t inside;
} crash;

static void
add_hex(struct wr_strbuf *b, uint64_t n)
{
    char digits[16];

    wr_strbuf_lit(b, "0x");
    wr_strbuf_bytes(b, digits, wr_num_format_hex(digits, n));
}

/* "gzip+0x1234", "weir+0x1234", "0x7f..." */
static void
add_place(struct wr_strbuf *b, const void *address)
{
    uintptr_t at = (uintptr_t)address, offset = 0;
    const char *name = wr_loader_locate(address, &offset);

    if (name == NULL && at >= crash.base && at < crash.end) {
        name = "weir";
        offset = at - crash.base;
    }
    if (name == NULL) {
        add_hex(b, at);
        return;
    }
    wr_strbuf_str(b, weir_str_c(name));
    wr_strbuf_byte(b, '+');
    add_hex(b, offset);
}

static const char *
signal_name(int number)
{
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGILL:
        return "SIGILL";
    case SIGFPE:
        return "SIGFPE";
    default:
        return "SIGABRT";
    }
}

static void
add_request(struct wr_strbuf *b)
{
    const char *phase = wr_order_phase_name(wr_running.phase);

    wr_strbuf_lit(b, ", running ");
    wr_strbuf_str(b, weir_str_c(wr_running.module != NULL ? wr_running.module : "the server"));
    if (wr_running.module != NULL && phase != NULL) {
        wr_strbuf_lit(b, " in ");
        wr_strbuf_str(b, weir_str_c(phase));
    }
    if (wr_running.line_len != 0) {
        wr_strbuf_lit(b, ", last request: \"");
        wr_strbuf_escaped(b, (weir_str){ wr_running.line,
                                         WR_MIN(wr_running.line_len, (uint32_t)WR_RUNNING_LINE) });
        wr_strbuf_byte(b, '"');
    }
}

static void
add_frames(struct wr_strbuf *b)
{
    void *frames[FRAMES];
    int n = backtrace(frames, FRAMES);

    wr_strbuf_lit(b, ", frames:");
    for (int i = 2; i < n; i++) { /* behind this handler and what called it */
        wr_strbuf_byte(b, ' ');
        add_place(b, frames[i]);
    }
}

/* What can be said without following a pointer that may be broken is written before the rest. */
static void
leave(const struct wr_strbuf *text)
{
    if (crash.row != NULL) {
        size_t len = WR_MIN(text->len, (size_t)WR_BOARD_TEXT - 1);
        memcpy(crash.row->crash, text->data, len);
        crash.row->crash[len] = '\0';
    }
}

static void
write_line(const struct wr_strbuf *text)
{
    char line[LINE_BYTES + 128];
    struct wr_strbuf b = wr_strbuf_over(line, sizeof(line));

    wr_strbuf_str(&b, weir_str_c(wr_clock.log_time));
    wr_strbuf_lit(&b, " [alert] ");
    wr_strbuf_num(&b, (uint64_t)getpid());
    wr_strbuf_byte(&b, '#');
    wr_strbuf_num(&b, (uint64_t)gettid());
    wr_strbuf_lit(&b, ": ");
    wr_strbuf_str(&b, wr_strbuf_view(text));
    wr_strbuf_byte(&b, '\n');
    if (crash.log_fd >= 0) {
        (void)!write(crash.log_fd, b.data, b.len);
    }
}

static void
handle(int number, siginfo_t *info, void *context)
{
    char text[LINE_BYTES];
    struct wr_strbuf b = wr_strbuf_over(text, sizeof(text));

    (void)context;
    if (crash.inside++ == 0) {
        wr_strbuf_lit(&b, "crashed by signal ");
        wr_strbuf_num(&b, (uint64_t)number);
        wr_strbuf_lit(&b, " (");
        wr_strbuf_str(&b, weir_str_c(signal_name(number)));
        wr_strbuf_byte(&b, ')');
        if (number != SIGABRT) {
            wr_strbuf_lit(&b, " at address ");
            add_place(&b, info->si_addr);
        }
        leave(&b);
        add_request(&b);
        leave(&b);
        add_frames(&b);
        leave(&b);
        write_line(&b);
    }
    (void)signal(number, SIG_DFL);
    (void)raise(number); /* blocked until the handler returns */
}

static int
find_self(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    crash.base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD) {
            crash.end = WR_MAX(crash.end, info->dlpi_addr + p->p_vaddr + p->p_memsz);
        }
    }
    return 1; /* the first one is the executable */
}

bool
wr_crash_sanitized(void)
{
    return __asan_init != NULL || __tsan_init != NULL;
}

void
wr_crash_watch(struct wr_board_row *row, int log_fd)
{
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
    static char stack[STACK_BYTES];
    struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
    void *warm[1];

    crash.row = row;
    crash.log_fd = log_fd;
    if (wr_crash_sanitized()) {
        return;
    }
    (void)backtrace(warm, 1); /* loads what it needs now, not in the handler */
    (void)dl_iterate_phdr(find_self, NULL);
    (void)sigaltstack(&own, NULL);
    (void)sigfillset(&action.sa_mask);
    for (size_t i = 0; i < WR_COUNT(fatal); i++) {
        (void)sigaction(fatal[i], &action, NULL);
    }
}
