/* Metrics are written as Prometheus' text format and JSON demand. */
#include "unit/modules/double.h"

#include "../../../modules/status/json.c"
#include "../../../modules/status/prometheus.c"

static const char *const states[] = { "a\"\\\nb", "idle" };
static const uint64_t bounds[] = { 10, 100 };
static const weir_metric_def counter = { .name = "c",
                                         .help = "back\\slash\nand \"quotes\"",
                                         .type = WEIR_COUNTER };
static const weir_metric_def gauge = {
    .name = "g", .type = WEIR_GAUGE, .n = 2, .label = "state", .values = states
};
static const weir_metric_def histogram = {
    .name = "h", .help = "times", .type = WEIR_HISTOGRAM, .n = 2, .bounds = bounds
};
static const uint64_t most[] = { UINT64_MAX };
static const uint64_t two[] = { (uint64_t)-3, 7 };
static const uint64_t buckets[] = { 4, 0, 2, 555 };

static void
expect_prometheus(struct metric m, const char *expected)
{
    weir_pool *pool = wr_pool_create("test", NULL);
    weir_text t = weir_text_begin(pool, 16, 4096);

    metric_prometheus(&t, &m);
    assert_false(t.full);
    assert_int_equal(t.len, strlen(expected));
    assert_memory_equal(t.data, expected, t.len);
    wr_pool_destroy(&pool);
}

static void
expect_json(struct metric m, const char *expected)
{
    cJSON *o = cJSON_CreateObject();
    char *text;

    assert_true(metric_json(o, &m));
    text = cJSON_PrintUnformatted(o);
    assert_string_equal(text, expected);
    cJSON_free(text);
    cJSON_Delete(o);
}

static void
test_help_escapes_backslash_and_line_break_only(void **state)
{
    (void)state;
    expect_prometheus((struct metric){ "weir_c", &counter, most, 1 },
                      "# HELP weir_c back\\\\slash\\nand \"quotes\"\n"
                      "# TYPE weir_c counter\n"
                      "weir_c 18446744073709551615\n");
}

static void
test_label_values_are_escaped_and_gauges_signed(void **state)
{
    (void)state;
    expect_prometheus((struct metric){ "weir_g", &gauge, two, 2 },
                      "# TYPE weir_g gauge\n"
                      "weir_g{state=\"a\\\"\\\\\\nb\"} -3\n"
                      "weir_g{state=\"idle\"} 7\n");
}

static void
test_histogram_buckets_are_cumulative(void **state)
{
    (void)state;
    expect_prometheus((struct metric){ "weir_h_us", &histogram, buckets, 4 },
                      "# HELP weir_h_us times\n"
                      "# TYPE weir_h_us histogram\n"
                      "weir_h_us_bucket{le=\"10\"} 4\n"
                      "weir_h_us_bucket{le=\"100\"} 4\n"
                      "weir_h_us_bucket{le=\"+Inf\"} 6\n"
                      "weir_h_us_sum 555\n"
                      "weir_h_us_count 6\n");
}

static void
test_json_numbers_are_exact(void **state)
{
    (void)state;
    expect_json((struct metric){ "weir_c", &counter, most, 1 },
                "{\"weir_c\":{\"type\":\"counter\",\"help\":\"back\\\\slash\\nand \\\"quotes\\\"\","
                "\"value\":18446744073709551615}}");
    expect_json((struct metric){ "weir_g", &gauge, two, 2 },
                "{\"weir_g\":{\"type\":\"gauge\",\"label\":\"state\","
                "\"values\":{\"a\\\"\\\\\\nb\":-3,\"idle\":7}}}");
    expect_json((struct metric){ "weir_h", &histogram, buckets, 4 },
                "{\"weir_h\":{\"type\":\"histogram\",\"help\":\"times\",\"buckets\":["
                "{\"le\":10,\"count\":4},{\"le\":100,\"count\":4},{\"le\":null,\"count\":6}],"
                "\"sum\":555,\"count\":6}}");
}

static void
test_series_have_all_their_labels(void **state)
{
    static const weir_pair labels[] = { { { "peer", 4 }, { "a\"b", 3 } },
                                        { { "code", 4 }, { "2xx", 3 } } };
    static const char expected[] = "# HELP weir_s some\n"
                                   "# TYPE weir_s counter\n"
                                   "weir_s{peer=\"a\\\"b\",code=\"2xx\"} 18446744073709551615\n"
                                   "weir_s -1\n";
    weir_series s = { .type = WEIR_COUNTER,
                      .name = "weir_s",
                      .help = "some",
                      .labels = labels,
                      .n_labels = 2,
                      .value = UINT64_MAX };
    weir_pool *pool = wr_pool_create("test", NULL);
    weir_text t = weir_text_begin(pool, 16, 4096);

    (void)state;
    series_prometheus(&t, &s, true);
    s.type = WEIR_GAUGE;
    s.n_labels = 0;
    series_prometheus(&t, &s, false);
    assert_int_equal(t.len, sizeof(expected) - 1);
    assert_memory_equal(t.data, expected, t.len);
    wr_pool_destroy(&pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_escapes_backslash_and_line_break_only),
        cmocka_unit_test(test_label_values_are_escaped_and_gauges_signed),
        cmocka_unit_test(test_histogram_buckets_are_cumulative),
        cmocka_unit_test(test_series_have_all_their_labels),
        cmocka_unit_test(test_json_numbers_are_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
