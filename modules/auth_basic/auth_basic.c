/* auth_basic - asks for a name and a password, and holds them against a password file: auth_basic, auth_basic_user_file.
 *
 * An access hook, after the rules about addresses. What is quick to check is checked where it stands; hashes that are slow on
 * purpose go to a thread while the request waits, and a password that was right is remembered for a while. A name that is
 * unknown costs as much as a wrong password, so that time does not tell which names there are. [RFC 7617]
 */
#include <errno.h>
#include <stdlib.h>
#include <weir/weir.h>

#include "memory.h"
#include "password.h"
#include "users.h"

/* What one worker has, for all blocks of a configuration; made when it is first needed. */
struct keeper {
    struct users_files *files;
    struct memory *memory;
};

struct user_file {
    weir_value *path;      /* NULL: none is set */
    struct keeper *keeper; /* the outermost check() makes it, inner blocks inherit it */
};

typedef struct {
    weir_value *realm;
    struct user_file file;
    uint64_t file_max;
    uint64_t cache_ms;
    weir_str folder; /* of relative paths; check() fills it */
} auth_basic_conf;

enum outcome { RIGHT, REMEMBERED, MISMATCH, UNKNOWN_USER, NO_CREDENTIALS, FAILED };

static const char *const outcomes[] = { "right",        "remembered",     "mismatch",
                                        "unknown_user", "no_credentials", "failed" };
static weir_metric *requests;

/* One password being checked: what a thread may touch lies in memory of its own. */
struct job {
    weir_request *r; /* the loop's alone */
    const auth_basic_conf *conf;
    weir_ticket *ticket;
    weir_str user, path, realm; /* in r's memory */
    bool known;
    bool marked;
    uint8_t mark[MARK_SIZE];
    enum verdict verdict;
    weir_str hash, password; /* the thread's: they stand behind the job */
};

/* ---- Answers. ---- */

static int
challenge(weir_request *r, weir_str realm)
{
    weir_str value = weir_print(r->pool, "Basic realm=\"%.*s\"", WEIR_FMT(realm));

    if (weir_out_set(r, WEIR_STR("WWW-Authenticate"), value) != WEIR_OK) {
        weir_say(r->log, ERROR, "the realm \"%.*s\" cannot be sent", WEIR_FMT(realm));
        return 500;
    }
    return 401;
}

/* What to say about a password that was checked. */
static int
judge(const struct job *j)
{
    weir_request *r = j->r;

    if (!j->known) {
        weir_count_at(requests, UNKNOWN_USER, 1);
        weir_say(r->log, ERROR, "user \"%.*s\" was not found in \"%s\"", WEIR_FMT(j->user),
                 j->path.data);
        return challenge(r, j->realm);
    }
    if (j->verdict == PASSWORD_RIGHT) {
        weir_count_at(requests, RIGHT, 1);
        return WEIR_DONE;
    }
    weir_count_at(requests, MISMATCH, 1);
    if (j->verdict == PASSWORD_UNUSABLE) {
        weir_say(r->log, ERROR, "the hash of user \"%.*s\" in \"%s\" is of no known kind",
                 WEIR_FMT(j->user), j->path.data);
    }
    weir_say(r->log, ERROR, "user \"%.*s\": password mismatch", WEIR_FMT(j->user));
    return challenge(r, j->realm);
}

/* ---- Slow hashes. ---- */

static void
wipe(weir_str s)
{
    explicit_bzero((char *)(uintptr_t)s.data, s.len);
}

static void
work(void *data)
{
    struct job *j = data;

    j->verdict = password_check(j->hash, j->password);
    wipe(j->password);
}

static void
dropped(void *data)
{
    wipe(((struct job *)data)->password);
    free(data);
}

static void
done(void *data)
{
    struct job *j = data;

    if (j->known && j->marked && j->verdict == PASSWORD_RIGHT) {
        memory_add(j->conf->file.keeper->memory, j->mark, weir_now() + j->conf->cache_ms);
    }
    (void)weir_resume(j->ticket, judge(j));
    free(j);
}

/* j with hash and password behind it, zero-terminated. */
static struct job *
job_create(const struct job *like, weir_str hash, weir_str password)
{
    struct job *j = malloc(sizeof(*j) + hash.len + 1 + password.len + 1);
    char *at = (char *)(j + 1);

    if (j == NULL) {
        return NULL;
    }
    *j = *like;
    memcpy(at, hash.data, hash.len + 1);
    j->hash = (weir_str){ at, hash.len };
    at += hash.len + 1;
    memcpy(at, password.data, password.len + 1);
    j->password = (weir_str){ at, password.len };
    return j;
}

static int
check_slowly(const struct job *like, weir_str hash, weir_str password)
{
    weir_request *r = like->r;
    struct job *j = job_create(like, hash, password);

    if (j == NULL || weir_offload(r->pool, work, done, dropped, j) != WEIR_OK) {
        if (j != NULL) {
            dropped(j);
        }
        weir_count_at(requests, FAILED, 1);
        weir_say(r->log, ERROR, "too many passwords are being checked");
        return 503;
    }
    j->ticket = weir_suspend(r, 0, NULL, NULL);
    return WEIR_AGAIN;
}

/* Were these right a moment ago? Else *j has what they are remembered by. */
static bool
remembered(struct job *j, weir_str hash, weir_str password)
{
    struct keeper *k = j->conf->file.keeper;

    if (j->conf->cache_ms == 0 || !j->known) {
        return false;
    }
    if (k->memory == NULL) {
        k->memory = memory_create(weir_worker_pool());
    }
    j->marked = memory_mark(k->memory, hash, j->user, password, j->mark);
    return j->marked && memory_has(k->memory, j->mark, weir_now());
}

/* ---- A request. ---- */

static int
check_password(struct job *j, const struct users *users, weir_str password)
{
    weir_str hash = users_find(users, j->user);

    j->known = hash.data != NULL;
    if (!j->known) {
        hash = users_any(users);
    }
    if (hash.data == NULL) {
        return judge(j);
    }
    if (!password_is_slow(hash)) {
        j->verdict = password_check(hash, password);
        return judge(j);
    }
    if (remembered(j, hash, password)) {
        weir_count_at(requests, REMEMBERED, 1);
        return WEIR_DONE;
    }
    return check_slowly(j, hash, password);
}

/* The path of the password file for this request, zero-terminated. */
static weir_str
path_of(weir_request *r, const auth_basic_conf *c)
{
    weir_str path = weir_value_get(r, c->file.path);

    return path.len != 0 && path.data[0] == '/'
               ? weir_dup(r->pool, path)
               : weir_print(r->pool, "%.*s%.*s", WEIR_FMT(c->folder), WEIR_FMT(path));
}

static int
cannot_open(const weir_request *r, weir_str path, int error)
{
    weir_count_at(requests, FAILED, 1);
    weir_say(r->log, ERROR, "open() \"%s\" failed (%d: %s)", path.data, error, strerror(error));
    return error == ENOENT || error == ENOTDIR ? 403 : 500;
}

static int
look_up(struct job *j, weir_str password)
{
    struct keeper *k = j->conf->file.keeper;
    const struct users *users;
    int rc;

    j->path = path_of(j->r, j->conf);
    if (k->files == NULL) {
        k->files = users_files_create(weir_worker_pool());
    }
    rc = users_open(k->files, j->path.data, j->conf->file_max, &users);
    return rc != 0 ? cannot_open(j->r, j->path, -rc) : check_password(j, users, password);
}

static int
authenticate(weir_request *r, const void *conf)
{
    const auth_basic_conf *c = conf;
    struct job j = { .r = r, .conf = c, .realm = weir_value_get(r, c->realm) };
    weir_str password;
    int rc;

    if (weir_str_eq(j.realm, WEIR_STR("off"))) {
        return WEIR_NEXT;
    }
    if (c->file.path == NULL) {
        weir_count_at(requests, FAILED, 1);
        weir_say(r->log, ERROR, "\"auth_basic\" needs \"auth_basic_user_file\"");
        return 403;
    }
    if (weir_basic_credentials(r, &j.user, &password) != WEIR_OK) {
        weir_count_at(requests, NO_CREDENTIALS, 1);
        weir_say(r->log, INFO, "no user/password was provided for basic authentication");
        return challenge(r, j.realm);
    }
    rc = look_up(&j, password);
    wipe(password);
    return rc;
}

/* For weir -M, which has no worker's threads: what a password comes to is not found out. */
static void
explain(weir_request *r, const void *conf, uint32_t phase, weir_explain *to)
{
    const auth_basic_conf *c = conf;
    weir_str realm = weir_value_get(r, c->realm), unknown = weir_explain_unknown(to), user, password;

    (void)phase;
    if (unknown.data != NULL) {
        weir_explain_say(to, "the realm is unknown: depends on $%.*s", WEIR_FMT(unknown));
        weir_explain_verdict(to, WEIR_AGAIN);
    } else if (weir_str_eq(realm, WEIR_STR("off"))) {
        weir_explain_say(to, "off: no password is asked for");
    } else if (c->file.path == NULL) {
        weir_explain_say(to, "there is no auth_basic_user_file: nobody comes in");
        weir_explain_verdict(to, 403);
    } else if (weir_basic_credentials(r, &user, &password) != WEIR_OK) {
        weir_explain_say(to, "asks for a password of \"%.*s\" that is in %s", WEIR_FMT(realm),
                         path_of(r, c).data);
        weir_explain_verdict(to, 401);
    } else {
        weir_explain_say(to, "the password of \"%.*s\" decides, held against %s", WEIR_FMT(user),
                         path_of(r, c).data);
        weir_explain_verdict(to, WEIR_AGAIN);
        wipe(password);
    }
}

/* ---- Configuration. ---- */

static bool
wanted(const void *conf)
{
    const auth_basic_conf *c = conf;

    return c->realm->constant.data == NULL || !weir_str_eq(c->realm->constant, WEIR_STR("off"));
}

static int
set_user_file(weir_conf *cf, const weir_directive *d, void *field)
{
    struct user_file *f = field;

    (void)d;
    f->path = weir_value_compile(cf, weir_conf_arg(cf, 1));
    return f->path != NULL ? WEIR_OK : WEIR_ERROR;
}

static int
check(weir_conf *cf, void *conf)
{
    auth_basic_conf *c = conf;

    c->folder = weir_conf_file(cf, WEIR_STR(""));
    if (c->file.keeper == NULL) {
        c->file.keeper = weir_zalloc(weir_conf_pool(cf), sizeof(*c->file.keeper));
    }
    return WEIR_OK;
}

enum { WHERE = WEIR_IN_HTTP | WEIR_IN_SERVER | WEIR_IN_LOCATION | WEIR_IN_LIMIT_EXCEPT };

static const weir_directive directives[] = {
    WEIR_OPT(auth_basic_conf, realm, VALUE, "auth_basic", WHERE, "off",
             "what a name and a password are asked for; off: nothing is asked"),
    WEIR_OPT_CUSTOM(auth_basic_conf, file, "auth_basic_user_file", WHERE, 1, 1, 0, set_user_file,
                    "the file of names and hashed passwords"),
    WEIR_OPT(auth_basic_conf, file_max, SIZE, "auth_basic_user_file_size", WHERE, "8m",
             "longest password file that is read"),
    WEIR_OPT_COMPAT(auth_basic_conf, cache_ms, MSEC, "auth_basic_cache", WHERE, "10s", "0",
                    "how long a password that was right is not hashed again; 0: it always is"),
};

static const weir_hook hooks[] = {
    { .phase = WEIR_PHASE_ACCESS, .handler = authenticate, .wanted = wanted, .after = "access" },
};

static const weir_metric_def metrics[] = {
    { .name = "requests_total",
      .help = "requests that had to bring a password, by what came of it",
      .handle = &requests,
      .type = WEIR_COUNTER,
      .n = 6,
      .label = "result",
      .values = outcomes },
};

WEIR_MODULE("auth_basic", "1.0", .summary = "asks for a name and a password",
            .conf_size = sizeof(auth_basic_conf), .directives = WEIR_ITEMS(directives),
            .hooks = WEIR_ITEMS(hooks), .metrics = WEIR_ITEMS(metrics), .check = check,
            .explain = explain);
