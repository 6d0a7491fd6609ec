/* main.c - the command line: what is asked for, and who answers. */
#include <stdio.h>
#include <string.h>

#include "process/build_info.h"
#include "process/console.h"
#include "process/daemon.h"
#include "process/instance.h"
#include "process/options.h"
#include "process/start.h"
#include "process/title.h"

/* Questions that need no configuration. True: answered. */
static bool
answer_about_build(const struct wr_instance *in, const struct wr_options *o)
{
    if (!o->version) {
        return false;
    }
    wr_build_info_version();
    if (o->help) {
        wr_build_info_help(in);
    }
    if (o->build) {
        wr_build_info_print(in);
    }
    return !o->test;
}

static int
run(struct wr_instance *in, const struct wr_options *o)
{
    if (answer_about_build(in, o)) {
        return 0;
    }
    wr_console_open(in->error_log);
    if (o->test) {
        return wr_start_test(in, o);
    }
    if (o->explain) {
        return wr_start_explain(in, o);
    }
    return o->signal != NULL ? wr_start_signal(in, o->signal) : wr_start_server(in);
}

int
main(int argc, char **argv)
{
    struct wr_instance in;
    struct wr_options o;
    struct wr_err err;
    int code;

    wr_daemon_fill_standard();
    wr_title_init(argc, argv);
    if (!wr_options_parse(argc, argv, &o, &err)) {
        (void)fprintf(stderr, "weir: %s\n", err.text);
        return 1;
    }
    if (o.index_folder != NULL) {
        return wr_start_write_index(o.index_folder);
    }
    if (o.check_module != NULL) {
        return wr_start_check_module(o.check_module);
    }
    if (!wr_instance_init(&in, &o, argc, argv, &err)) {
        (void)fprintf(stderr, "weir: [emerg] %s\n", err.text);
        return 1;
    }
    code = run(&in, &o);
    wr_instance_fini(&in);
    wr_title_fini();
    return code;
}
