/* Metrics: counted by each worker for itself, summed when read, kept over reloads and restarts. */
#include "registry_setup.h"

#include <sys/wait.h>
#include <errno.h>
#include <weir/log.h>

#include "module/metric.h"

static weir_metric *requests, *answers, *open_now, *times;
static const char *const kinds[] = { "hit", "miss" };
static const uint64_t bounds[] = { 10, 100 };
static const uint64_t other_bounds[] = { 10, 1000 };

static const weir_metric_def defs[] = {
    { .name = "requests_total", .help = "requests", .handle = &requests, .type = WEIR_COUNTER },
    { .name = "answers_total", .help = "answers", .handle = &answers, .type = WEIR_COUNTER, .n = 2,
      .label = "kind", .values = kinds },
    { .name = "open", .help = "connections", .handle = &open_now, .type = WEIR_GAUGE },
    { .name = "time_us", .help = "time", .handle = &times, .type = WEIR_HISTOGRAM, .n = 2,
      .bounds = bounds },
};
static const weir_metric_def other_defs[] = {
    { .name = "requests_total", .help = "requests", .handle = &requests, .type = WEIR_COUNTER },
    { .name = "time_us", .help = "time", .handle = &times, .type = WEIR_HISTOGRAM, .n = 2,
      .bounds = other_bounds },
};

static weir_self core_self = WR_SELF, other_self = WR_SELF;
static const weir_module core = { WR_BUILTIN(&core_self, "core"), .metrics = WEIR_ITEMS(defs) };
static const weir_module other = { WR_BUILTIN(&other_self, "core"),
                                   .metrics = WEIR_ITEMS(other_defs) };
static const weir_module *const core_only[] = { &core };
static const weir_module *const other_only[] = { &other };
static const weir_module *const both[] = { &core, &other };

static struct setup setup;
static struct wr_metrics *metrics;

static int
begin(void **state)
{
    struct wr_err err;

    (void)state;
    metrics = wr_metrics_create(&err);
    assert_non_null(metrics);
    setup_init(&setup, ".", core_only, 1, NULL);
    assert_true(wr_metrics_add(metrics, &setup.reg, &err));
    wr_metrics_use(metrics, &setup.reg);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    wr_metrics_destroy(&metrics);
    setup_fini(&setup);
    return 0;
}

/* The cell of the metric of that name. */
static uint64_t
read_cell(const char *name, uint32_t cell)
{
    weir_metric_view view = { .size = sizeof(view) };

    for (uint32_t i = 0; weir_metric_at(i, &view) == WEIR_OK; i++) {
        if (strcmp(view.name, name) == 0) {
            return weir_metric_read(i, cell);
        }
    }
    fail_msg("there is no metric %s", name);
    return 0;
}

/* Be a worker with a row of its own for a moment. */
static void
work(uint64_t n, int64_t gauge)
{
    int row = wr_metrics_row_take(metrics);
    int status = 0;
    pid_t pid;

    assert_true(row > 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        wr_metrics_worker_start(metrics, row);
        weir_count(requests, n);
        weir_count_at(answers, 1, 2 * n);
        weir_gauge_add(open_now, gauge);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    if (gauge == 0) {
        wr_metrics_row_free(metrics, row);
    }
}

static void
test_metrics_are_listed_by_exported_name(void **state)
{
    weir_metric_view view = { .size = sizeof(view) };

    (void)state;
    assert_int_equal(weir_metric_at(0, &view), WEIR_OK);
    assert_string_equal(view.name, "weir_answers_total");
    assert_int_equal(view.n, 2);
    assert_int_equal(weir_metric_at(3, &view), WEIR_OK);
    assert_string_equal(view.name, "weir_time_us");
    assert_int_equal(view.n, 4);
    assert_ptr_equal(view.def, &defs[3]);
    assert_int_equal(weir_metric_at(4, &view), WEIR_ABSENT);
}

static void
test_workers_are_summed_and_the_dead_still_count(void **state)
{
    (void)state;
    work(5, 0);
    work(7, 0); /* goes on in the row of the first */
    weir_count(requests, 1); /* the master's own */
    assert_int_equal(read_cell("weir_requests_total", 0), 13);
    assert_int_equal(read_cell("weir_answers_total", 0), 0);
    assert_int_equal(read_cell("weir_answers_total", 1), 24);
}

static void
test_a_gauge_goes_with_its_worker(void **state)
{
    (void)state;
    work(1, 4);  /* row 1, kept */
    work(1, -1); /* row 2, kept */
    assert_int_equal((int64_t)read_cell("weir_open", 0), 3);
    wr_metrics_row_free(metrics, 1);
    assert_int_equal((int64_t)read_cell("weir_open", 0), -1);
    assert_int_equal(read_cell("weir_requests_total", 0), 2);
}

static void
test_rows_end_and_come_back(void **state)
{
    int n = 0, row;

    (void)state;
    while ((row = wr_metrics_row_take(metrics)) > 0) {
        n++;
    }
    assert_int_equal(row, -EAGAIN);
    assert_int_equal(n, WR_METRICS_ROWS - 1);
    wr_metrics_row_free(metrics, 9);
    assert_int_equal(wr_metrics_row_take(metrics), 9);
}

static void
test_an_observation_falls_under_the_first_bound_that_holds_it(void **state)
{
    static const uint64_t seen[] = { 0, 10, 11, 100, 101, 5000 };

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        weir_observe(times, seen[i]);
    }
    assert_int_equal(read_cell("weir_time_us", 0), 2);
    assert_int_equal(read_cell("weir_time_us", 1), 2);
    assert_int_equal(read_cell("weir_time_us", 2), 2);
    assert_int_equal(read_cell("weir_time_us", 3), 0 + 10 + 11 + 100 + 101 + 5000);
    assert_int_equal(read_cell("weir_time_us", 4), 0);
}

static void
test_a_reload_keeps_the_cells_of_the_same_name_and_shape(void **state)
{
    struct setup next;
    struct wr_err err;

    (void)state;
    weir_count(requests, 3);
    weir_observe(times, 50);
    setup_init(&next, ".", other_only, 1, NULL);
    assert_true(wr_metrics_add(metrics, &next.reg, &err));
    wr_metrics_use(metrics, &next.reg);
    weir_count(requests, 1);
    assert_int_equal(read_cell("weir_requests_total", 0), 4);
    assert_int_equal(read_cell("weir_time_us", 1), 0); /* other bounds: another metric */
    wr_metrics_use(metrics, &setup.reg);
    assert_int_equal(read_cell("weir_time_us", 1), 1);
    setup_fini(&next);
}

static void
test_one_name_twice_is_refused(void **state)
{
    struct setup next;
    struct wr_err err;

    (void)state;
    setup_init(&next, ".", both, 2, NULL);
    assert_false(wr_metrics_add(metrics, &next.reg, &err));
    assert_non_null(strstr(err.text, "both have the metric \"weir_"));
    setup_fini(&next);
}

static void
test_a_loaded_module_s_name_is_in_its_metrics(void **state)
{
    struct setup next;
    struct wr_err err;
    weir_metric_view view = { .size = sizeof(view) };

    (void)state;
    setup_init(&next, doubles_folder(), NULL, 0, NULL);
    assert_true(wr_registry_load(&next.reg, WEIR_STR("plain.so"), (weir_str){ NULL, 0 },
                                 (struct wr_conf_place){ NULL, 0, 0, 0 }, &next.diag));
    assert_true(wr_metrics_add(metrics, &next.reg, &err));
    wr_metrics_use(metrics, &next.reg);
    assert_int_equal(weir_metric_at(0, &view), WEIR_OK);
    assert_string_equal(view.name, "weir_double_plain_pages_total");
    setup_fini(&next);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_metrics_are_listed_by_exported_name),
        CASE(test_workers_are_summed_and_the_dead_still_count),
        CASE(test_a_gauge_goes_with_its_worker),
        CASE(test_rows_end_and_come_back),
        CASE(test_an_observation_falls_under_the_first_bound_that_holds_it),
        CASE(test_a_reload_keeps_the_cells_of_the_same_name_and_shape),
        CASE(test_one_name_twice_is_refused),
        CASE(test_a_loaded_module_s_name_is_in_its_metrics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
