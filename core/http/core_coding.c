/* http/core_coding.c - core.coding: limits of what is decoded, and what is counted of coded bodies. */
#include <weir/log.h>

#include "base/assert.h"
#include "http/coded.h"
#include "http/core.h"

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION };

typedef struct wr_coding_conf conf;

static int
at_least_one(weir_conf *cf, const weir_directive *d, void *field)
{
    (void)d;
    return *(const int64_t *)field >= 1
               ? WEIR_OK
               : weir_conf_error_at(cf, 1, "value must be equal to or greater than 1");
}

static const weir_directive rows[] = {
    { .name = "decode_max_ratio",
      .help = "how many times as long as it came a body may become when it is decoded, past its first MiB",
      .preset = "100",
      .where = WHERE,
      .type = WEIR_T_INT,
      WEIR_FIELD_(conf, decode_max_ratio, INT),
      .set = at_least_one },
    WEIR_OPT(conf, decode_max_size, SIZE, "decode_max_size", WHERE, "1g",
             "longest body that is decoded, in bytes of what comes out; 0: any"),
    WEIR_OPT(conf, compress_memory, SIZE, "compress_memory", WEIR_IN_HTTP, "32m",
             "bytes of compressed files and cached responses that one worker keeps in memory; 0: none"),
    WEIR_OPT(conf, coder_memory, SIZE, "coder_memory", WEIR_IN_HTTP, "512m",
             "bytes that encoders at work in one worker may take together, and decoders; 0: nothing is coded"),
};

/* ---- Metrics. ---- */

static const char *const names[] = { "gzip", "deflate", "br", "zstd", "other" };
static const char *const reasons[] = { "ratio", "size", "broken" };
static const char *const coders[] = { "encoder", "decoder" };

static weir_metric *bytes[4], *encoded, *decoded, *refused, *hits, *no_coder;

static uint32_t
place_of(const weir_coding *coding)
{
    uint32_t i = 0;

    while (i < WR_COUNT(names) - 1 && strcmp(names[i], coding->name) != 0) {
        i++;
    }
    return i;
}

void
wr_coding_count_bytes(const weir_coding *coding, enum wr_coding_bytes what, uint64_t n)
{
    if (n != 0) {
        weir_count_at(bytes[what], place_of(coding), n);
    }
}

void
wr_coding_count_response(const weir_coding *coding, bool is_decoded)
{
    weir_count_at(is_decoded ? decoded : encoded, place_of(coding), 1);
}

void
wr_coding_count_refusal(enum wr_coding_refusal why)
{
    weir_count_at(refused, why, 1);
}

void
wr_coding_count_no_coder(bool decoder)
{
    weir_count_at(no_coder, decoder, 1);
}

void
wr_coding_count_hit(const weir_coding *coding)
{
    weir_count_at(hits, place_of(coding), 1);
}

#define BY_CODING(name_, handle_, help_)                                                           \
    { .name = name_, .help = help_, .handle = handle_, .type = WEIR_COUNTER,                       \
      .n = WR_COUNT(names), .label = "coding", .values = names }

static const weir_metric_def metrics[] = {
    BY_CODING("encoded_responses_total", &encoded, "responses coded"),
    BY_CODING("encoded_bytes_in_total", &bytes[WR_CODING_ENCODED_IN],
              "bytes of responses before they were coded"),
    BY_CODING("encoded_bytes_out_total", &bytes[WR_CODING_ENCODED_OUT],
              "bytes of responses after they were coded"),
    BY_CODING("encoded_kept_hits_total", &hits, "responses answered with what was coded before"),
    BY_CODING("decoded_responses_total", &decoded, "responses decoded"),
    BY_CODING("decoded_bytes_in_total", &bytes[WR_CODING_DECODED_IN],
              "bytes of responses before they were decoded"),
    BY_CODING("decoded_bytes_out_total", &bytes[WR_CODING_DECODED_OUT],
              "bytes of responses after they were decoded"),
    { .name = "decode_refused_total",
      .help = "responses cut while they were decoded: too long for their size, too long, or broken",
      .handle = &refused,
      .type = WEIR_COUNTER,
      .n = WR_COUNT(reasons),
      .label = "reason",
      .values = reasons },
    { .name = "coder_refused_total",
      .help = "encoders and decoders that were not to be had: too many at work, or too little coder_memory",
      .handle = &no_coder,
      .type = WEIR_COUNTER,
      .n = WR_COUNT(coders),
      .label = "coder",
      .values = coders },
};

static weir_self self = WR_SELF;

const weir_module wr_core_coding = {
    WR_BUILTIN(&self, "core.coding"),
    .summary = "content codings of responses",
    .conf_size = sizeof(struct wr_coding_conf),
    .directives = WEIR_ITEMS(rows),
    .metrics = WEIR_ITEMS(metrics),
};
