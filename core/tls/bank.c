/* tls/bank.c - pairs, files and contexts: found, kept, exchanged. */
#include "tls/bank.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/strbuf.h"
#include "tls/authorities.h"
#include "tls/dhparam.h"

/* What an RSA key of 2048 bits has. */
enum { STRICT_BITS = 112 };

/* ---- Life. ---- */

static void
end_bank(void *data)
{
    struct wr_tls_bank *b = data;

    for (size_t i = 0; i < wr_map_count(&b->contexts); i++) {
        SSL_CTX_free(((struct wr_tls_context *)wr_map_entry(&b->contexts, i)->value)->ssl);
    }
    for (size_t i = 0; i < wr_map_count(&b->pairs); i++) {
        wr_tls_pair_clear(wr_map_entry(&b->pairs, i)->value);
    }
    for (size_t i = 0; i < wr_map_count(&b->authorities); i++) {
        wr_tls_authorities_free(wr_map_entry(&b->authorities, i)->value);
    }
    for (size_t i = 0; i < wr_map_count(&b->dhparams); i++) {
        wr_tls_dhparam_free(wr_map_entry(&b->dhparams, i)->value);
    }
    for (size_t i = 0; i < wr_map_count(&b->files); i++) {
        wr_tls_file_clear(wr_map_entry(&b->files, i)->value);
    }
}

struct wr_tls_bank *
wr_tls_bank_create(weir_pool *pool)
{
    struct wr_tls_bank *b = wr_pool_zalloc(pool, sizeof(*b));

    b->pool = pool;
    wr_map_init(&b->pairs, pool, false);
    wr_map_init(&b->files, pool, false);
    wr_map_init(&b->authorities, pool, false);
    wr_map_init(&b->dhparams, pool, false);
    wr_map_init(&b->contexts, pool, false);
    wr_map_init(&b->tried, pool, false);
    weir_on_end(pool, end_bank, b);
    return b;
}

/* ---- Pairs and files. ---- */

/* Both places as one key. */
static weir_str
pair_name(weir_pool *pool, weir_str certificate, weir_str key)
{
    return weir_print(pool, "%.*s\n%.*s", WEIR_FMT(certificate), WEIR_FMT(key));
}

struct wr_tls_pair *
wr_tls_bank_pair(struct wr_tls_bank *b, weir_str certificate, weir_str key,
                 struct wr_tls_passwords passwords, struct wr_err *err)
{
    struct weir_pool scratch;
    struct wr_tls_pair *p;

    wr_pool_init(&scratch, "tls names", NULL);
    p = wr_map_find(&b->pairs, pair_name(&scratch, certificate, key));
    wr_pool_fini(&scratch);
    if (p != NULL) {
        return p;
    }
    p = wr_pool_zalloc(b->pool, sizeof(*p));
    p->certificate = certificate;
    p->key = key;
    p->passwords = passwords;
    if (!wr_tls_pair_load(p, err)) {
        return NULL;
    }
    (void)wr_map_add(&b->pairs, pair_name(b->pool, certificate, key), p);
    return p;
}

struct wr_tls_file *
wr_tls_bank_file(struct wr_tls_bank *b, weir_str path, const char *function, struct wr_err *err)
{
    struct wr_tls_file *f = wr_map_find(&b->files, path);

    if (f == NULL) {
        f = wr_pool_zalloc(b->pool, sizeof(*f));
        f->path = weir_dup(b->pool, path);
        if (!wr_tls_file_load(f, function, err)) {
            return NULL;
        }
        (void)wr_map_add(&b->files, f->path, f);
    }
    return f;
}

/* ---- Contexts. ---- */

/* The settings as a text that is the same for equal ones; without the pairs. */
static weir_str
text_of(weir_pool *pool, const struct wr_tls_settings *set)
{
    const weir_str all[] = { set->ciphers,            set->groups,      set->dhparam,
                             set->client_authorities, set->authorities, set->crl };
    size_t room = 128;
    struct wr_strbuf b;

    for (size_t i = 0; i < WR_COUNT(all); i++) {
        room += all[i].len + 1;
    }
    for (size_t i = 0; i < set->commands.count; i++) {
        room += set->commands.at[i].len + 1;
    }
    b = wr_strbuf_over(wr_pool_alloc(pool, room), room);
    wr_strbuf_print(&b, "%d%d%d%d%d%d %u %u %u", set->client, set->strict, set->prefer_server,
                    set->tickets, set->session_ids, set->system_authorities, set->protocols,
                    set->verify, set->verify_depth);
    for (size_t i = 0; i < WR_COUNT(all); i++) {
        wr_strbuf_byte(&b, '\n');
        wr_strbuf_str(&b, all[i]);
    }
    for (size_t i = 0; i < set->commands.count; i++) {
        wr_strbuf_byte(&b, '\n');
        wr_strbuf_str(&b, set->commands.at[i]);
    }
    WR_ASSERT(!b.full);
    return wr_strbuf_view(&b);
}

/* kind, and which pairs. */
static weir_str
name_of(weir_pool *pool, weir_str kind, const struct wr_tls_settings *set)
{
    size_t room = kind.len + set->n_pairs * (sizeof(void *) + 1);
    struct wr_strbuf b = wr_strbuf_over(wr_pool_alloc(pool, room), room);

    wr_strbuf_str(&b, kind);
    for (uint32_t i = 0; i < set->n_pairs; i++) {
        wr_strbuf_byte(&b, '\n');
        wr_strbuf_bytes(&b, &set->pairs[i], sizeof(set->pairs[i]));
    }
    return wr_strbuf_view(&b);
}

/* A key that the strict level would refuse, found without making a context. */
static bool
strong_enough(const struct wr_tls_settings *set, struct wr_err *err)
{
    for (uint32_t i = 0; i < set->n_pairs; i++) {
        const struct wr_tls_pair *p = set->pairs[i];
        int bits = EVP_PKEY_get_security_bits(p->private_key);
        if (set->strict && bits < STRICT_BITS) {
            return wr_err_set(err, "the key of certificate \"%.*s\" is too weak: of %d bits of "
                                   "security, %d are wanted",
                              WEIR_FMT(p->certificate), bits, STRICT_BITS);
        }
    }
    return true;
}

static struct wr_tls_context *
add_context(struct wr_tls_bank *b, weir_str kind, weir_str name, const struct wr_tls_settings *set,
            struct wr_err *err)
{
    struct wr_tls_context *c = wr_pool_zalloc(b->pool, sizeof(*c));

    c->settings = *set;
    c->bank = b;
    if (!strong_enough(set, err) || !wr_tls_authorities_find(b, set, &c->authorities, err) ||
        (set->dhparam.data != NULL &&
         (c->dhparam = wr_tls_dhparam_find(b, set->dhparam, err)) == NULL)) {
        return NULL;
    }
    if (wr_map_find(&b->tried, kind) == NULL) { /* mistakes in these settings are found here */
        if (wr_tls_context_ssl(c, err) == NULL) {
            return NULL;
        }
        (void)wr_map_add(&b->tried, weir_dup(b->pool, kind), c);
    }
    (void)wr_map_add(&b->contexts, weir_dup(b->pool, name), c);
    return c;
}

struct wr_tls_context *
wr_tls_bank_context(struct wr_tls_bank *b, const struct wr_tls_settings *set, struct wr_err *err)
{
    struct weir_pool scratch;
    struct wr_tls_context *c;
    weir_str kind, name;

    wr_pool_init(&scratch, "tls names", NULL);
    kind = text_of(&scratch, set);
    name = name_of(&scratch, kind, set);
    c = wr_map_find(&b->contexts, name);
    c = c != NULL ? c : add_context(b, kind, name, set, err);
    wr_pool_fini(&scratch);
    return c;
}

/* ---- Changes. ---- */

static uint32_t
n_pairs(const struct wr_tls_bank *b)
{
    return (uint32_t)wr_map_count(&b->pairs);
}

/* Pair i is what fresh is, which is empty afterwards. */
static void
exchange_pair(struct wr_tls_bank *b, uint32_t i, struct wr_tls_pair *fresh)
{
    wr_tls_pair_exchange(wr_map_entry(&b->pairs, i)->value, fresh);
    b->version++;
}

static bool
exchange_file(struct wr_tls_bank *b, struct wr_tls_file *f, weir_str bytes, struct wr_err *err)
{
    bool good = wr_tls_file_exchange(f, bytes, err);

    b->version += good;
    return good;
}

/* True: it is another one now. */
static bool
look_at_pair(struct wr_tls_bank *b, uint32_t i)
{
    struct wr_tls_pair *p = wr_map_entry(&b->pairs, i)->value;
    struct wr_tls_pair fresh;
    struct wr_err err;

    if (!wr_tls_pair_stale(p)) {
        return false;
    }
    if (wr_tls_pair_read_again(p, &fresh, &err)) {
        exchange_pair(b, i, &fresh);
        return true;
    }
    wr_say(wr_log_process(), WARN, "%s; the one in use stays", err.text);
    p->certificate_id = fresh.certificate_id; /* half of a new pair, perhaps: the other half changes it again */
    p->key_id = fresh.key_id;
    p->passwords_id = fresh.passwords_id;
    return false;
}

static bool
look_at_file(struct wr_tls_bank *b, struct wr_tls_file *f)
{
    struct wr_tls_file fresh = { .path = f->path };
    struct wr_err err;

    if (!wr_tls_file_differs(f->path.data, &f->id)) {
        return false;
    }
    if (!wr_tls_file_load(&fresh, "BIO_new_file", &err) || !exchange_file(b, f, fresh.bytes, &err)) {
        wr_say(wr_log_process(), WARN, "%s; what is in use stays", err.text);
        f->id = fresh.id;
        return false;
    }
    f->id = fresh.id;
    return true;
}

void
wr_tls_bank_look(struct wr_tls_bank *b,
                 void (*changed)(void *data, uint32_t index, weir_str path), void *data)
{
    for (uint32_t i = 0; i < n_pairs(b); i++) {
        if (look_at_pair(b, i)) {
            const struct wr_tls_pair *p = wr_map_entry(&b->pairs, i)->value;
            changed(data, i, p->certificate);
        }
    }
    for (uint32_t i = 0; i < wr_map_count(&b->files); i++) {
        struct wr_tls_file *f = wr_map_entry(&b->files, i)->value;
        if (look_at_file(b, f)) {
            changed(data, n_pairs(b) + i, f->path);
        }
    }
}

/* The file of this number; NULL: there is none. */
static struct wr_tls_file *
file_of(const struct wr_tls_bank *b, uint32_t index)
{
    uint32_t i = index - n_pairs(b);

    return index >= n_pairs(b) && i < wr_map_count(&b->files) ? wr_map_entry(&b->files, i)->value
                                                              : NULL;
}

bool
wr_tls_bank_print(const struct wr_tls_bank *b, uint32_t index, char **text, size_t *len)
{
    const struct wr_tls_file *f = file_of(b, index);

    if (index < n_pairs(b)) {
        return wr_tls_pair_print(wr_map_entry(&b->pairs, index)->value, text, len);
    }
    if (f == NULL || (*text = OPENSSL_memdup(f->bytes.data, f->bytes.len)) == NULL) {
        return false;
    }
    *len = f->bytes.len;
    return true;
}

bool
wr_tls_bank_take(struct wr_tls_bank *b, uint32_t index, weir_str text, struct wr_err *err)
{
    struct wr_tls_pair fresh = { .version = 0 };
    struct wr_tls_file *f = file_of(b, index);
    char *copy;

    if (index < n_pairs(b)) {
        if (!wr_tls_pair_parse(&fresh, text, err)) {
            return false;
        }
        exchange_pair(b, index, &fresh);
        return true;
    }
    if (f == NULL || (copy = malloc(text.len)) == NULL) {
        return wr_err_set(err, "there is no place for it");
    }
    memcpy(copy, text.data, text.len);
    return exchange_file(b, f, (weir_str){ copy, text.len }, err);
}
