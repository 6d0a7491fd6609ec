/*
 * cache_load - how long a cache takes to know a folder of many files again, and what its loop does
 * meanwhile.
 *
 *     cache_load [FILES [FOLDER]]
 *
 * Writes that many whole files below FOLDER (/dev/shm), has a store load them without a snapshot
 * and once more with one, with finds beside it, and says how long that took and how long the
 * longest turn of the loop was. Beside wall time stands the loop's own processor time, which other
 * processes of the machine do not add to.
 */
#include "unit/cache/worker.h"

#include <fcntl.h>
#include <time.h>

#include "../modules/cache/file.h"
#include "../modules/cache/path.h"
#include "../modules/cache/sip.h"

enum { BODY = 100, FINDS_A_TURN = 20 };

static const char body[BODY + 1] =
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
    "456789";

static double
seconds(clockid_t which)
{
    struct timespec t;

    (void)clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
key_text(char *to, size_t size, uint32_t i)
{
    (void)snprintf(to, size, "http://origin.example/articles/%u", i);
}

static bool
write_file(const struct store *s, uint32_t i)
{
    char text[64], path[PATH_SIZE];
    uint8_t image[1024], *p;
    struct store_meta m = meta_of(BODY);
    struct store_key key;
    uint64_t number = (uint64_t)i + 1;
    size_t head;
    uint32_t crc;
    int fd;
    bool fine;

    key_text(text, sizeof(text), i);
    store_key_make(s, weir_str_c(text), &key);
    head = file_head_size(key.text, &m);
    file_head_write(image, key.text, &m, number, key.hash, 0);
    memcpy(image + head, body, BODY);
    crc = file_block_crc(number, 0, body, BODY);
    p = image + head + BODY;
    for (int k = 0; k < FILE_CRC; k++) {
        *p++ = (uint8_t)(crc >> 8 * k);
    }
    if (!path_of(path, &s->o, key.hash)) {
        return false;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0 && path_make_folders(&s->o, key.hash) == 0) {
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    }
    fine = fd >= 0 && write(fd, image, (size_t)(p - image)) == p - image;
    if (fd >= 0) {
        (void)close(fd);
    }
    return fine;
}

struct figures {
    double wall, cpu; /* of all */
    double longest_wall, longest_cpu;
    uint32_t turns;
    uint64_t finds;
};

static uint32_t looking; /* the next key */

static void
find_some(struct worker *w, uint32_t files, struct figures *f)
{
    char text[64];

    for (int i = 0; i < FINDS_A_TURN; i++) {
        weir_pool *pool = wr_pool_create("get", NULL);
        struct store_object *o;
        struct store_key key;
        looking = looking * 1664525 + 1013904223;
        key_text(text, sizeof(text), (looking >> 8) % files);
        store_key_make(w->store, weir_str_c(text), &key);
        (void)store_find(w->store, pool, &key, &o);
        wr_pool_destroy(&pool);
        f->finds++;
    }
}

static struct figures
load(struct worker *w, uint32_t files)
{
    struct figures f = { 0 };
    double began = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);

    while (!w->store->root->loaded) {
        double wall_before, cpu_before, took;
        find_some(w, files, &f);
        wall_before = seconds(CLOCK_MONOTONIC);
        cpu_before = seconds(CLOCK_THREAD_CPUTIME_ID);
        wr_loop_turn(loop, 0);
        took = seconds(CLOCK_MONOTONIC) - wall_before;
        f.longest_wall = took > f.longest_wall ? took : f.longest_wall;
        took = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu_before;
        f.longest_cpu = took > f.longest_cpu ? took : f.longest_cpu;
        f.turns++;
        (void)usleep(200); /* a loop with nothing else to do would spin */
    }
    f.wall = seconds(CLOCK_MONOTONIC) - began;
    f.cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    return f;
}

static void
begin(struct worker *w, uint32_t files)
{
    struct store_options o = worker_options();
    char keys[32];

    o.loader_files = 1000;
    o.loader_sleep_ms = 1;
    (void)snprintf(keys, sizeof(keys), "%um", files / 2000 + 8);
    worker_load(w, &o, keys);
}

static void
say(const char *what, const struct figures *f)
{
    printf("%-18s %7.2f s (%5.2f s of the loop), %8llu finds beside it; longest turn %6.2f ms, of "
           "processor time %5.2f ms\n",
           what, f->wall, f->cpu, (unsigned long long)f->finds, 1e3 * f->longest_wall,
           1e3 * f->longest_cpu);
}

static void
life(const char *what, uint32_t files)
{
    struct figures f;
    struct worker w;

    process_start();
    begin(&w, files);
    worker_start(&w);
    f = load(&w, files);
    say(what, &f);
    if (w.store->root->stats.entries != files) {
        printf("only %llu are known\n", (unsigned long long)w.store->root->stats.entries);
    }
    worker_end(&w); /* which writes the snapshot */
    process_end();
    loop = NULL;
}

int
main(int argc, char **argv)
{
    uint32_t files = argc > 1 ? (uint32_t)atol(argv[1]) : 1000000;
    void *state = NULL;
    struct worker w;
    double began;
    char path[128];

    (void)setup_master(&state);
    (void)rmdir(folder);
    (void)snprintf(folder, sizeof(folder), "%.30s/weir-cache-load-XXXXXX",
                   argc > 2 ? argv[2] : "/dev/shm");
    if (files == 0 || mkdtemp(folder) == NULL) {
        return 1;
    }
    process_start();
    begin(&w, files);
    worker_start(&w);
    began = seconds(CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < files; i++) {
        if (!write_file(w.store, i)) {
            printf("cannot write\n");
            return 1;
        }
    }
    printf("%u files written in %.1f s\n", files, seconds(CLOCK_MONOTONIC) - began);
    fflush(stdout);
    worker_end(&w);
    process_end();
    loop = NULL;
    (void)snprintf(path, sizeof(path), "%s/index", folder);
    (void)unlink(path);
    life("without a snapshot", files);
    life("with one", files);
    return teardown(&state);
}
