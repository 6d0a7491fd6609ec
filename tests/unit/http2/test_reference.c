/* nghttp2 as the reference. As a client over memory it asks for much at once, under any cut of the bytes, and complains of nothing
 * that comes out. As a server it is shown frames that nobody should send: what it ends its connection for ends ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHECK(condition) assert_true(condition)
#include "memory.h"

enum {
    ROUNDS = 20,
    REQUESTS = 40,
    HOSTILE = 20000,
    BODY_MAX = 200000,
    BYTES_MAX = 1 << 20
};

/* ---- As a client. ---- */

/* A request of the client's, and what it has got. */
struct asked {
    size_t body_left, body_len;
    bool post, answered, ended;
    char text[64];
    size_t text_len;
};

static struct asked asked[REQUESTS];
static unsigned n_closed;

static ssize_t
give_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
          nghttp2_data_source *source, void *data)
{
    struct asked *a = source->ptr;
    size_t n = WR_MIN(a->body_left, room);

    (void)session, (void)id, (void)data;
    memset(to, 'b', n);
    a->body_left -= n;
    *flags |= a->body_left == 0 ? NGHTTP2_DATA_FLAG_EOF : 0;
    return (ssize_t)n;
}

static int
take_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
           const uint8_t *value, size_t value_len, uint8_t flags, void *data)
{
    struct asked *a = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

    (void)flags, (void)data;
    if (name_len == 7 && memcmp(name, ":status", 7) == 0) {
        a->answered = value_len == 3 && memcmp(value, "200", 3) == 0;
    }
    return 0;
}

static int
take_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len, void *data)
{
    struct asked *a = nghttp2_session_get_stream_user_data(session, id);

    (void)flags, (void)data;
    assert_true(a->text_len + len < sizeof(a->text));
    memcpy(a->text + a->text_len, bytes, len);
    a->text_len += len;
    return 0;
}

static int
take_close(nghttp2_session *session, int32_t id, uint32_t code, void *data)
{
    struct asked *a = nghttp2_session_get_stream_user_data(session, id);

    (void)data;
    assert_int_equal(code, NGHTTP2_NO_ERROR);
    a->ended = true;
    n_closed++;
    return 0;
}

static int
complain(nghttp2_session *session, const nghttp2_frame *frame, int code, void *data)
{
    (void)session, (void)data;
    fail_msg("a frame of type %u is wrong: %s", frame->hd.type, nghttp2_strerror(code));
    return 0;
}

static nghttp2_session *
client_create(void)
{
    nghttp2_session_callbacks *c;
    nghttp2_session *session;
    nghttp2_settings_entry window = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)(10 + rand() % 100) };

    assert_int_equal(nghttp2_session_callbacks_new(&c), 0);
    nghttp2_session_callbacks_set_on_header_callback(c, take_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, take_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, take_close);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, complain);
    assert_int_equal(nghttp2_session_client_new(&session, c, NULL), 0);
    nghttp2_session_callbacks_del(c);
    assert_int_equal(nghttp2_submit_settings(session, 0, &window, (size_t)(rand() % 2)), 0);
    return session;
}

#define FIELD(n, v) { (uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), sizeof(n) - 1, strlen(v), 0 }

static void
ask(nghttp2_session *session, struct asked *a)
{
    char priority[8];
    nghttp2_data_provider body = { .source = { .ptr = a }, .read_callback = give_body };

    snprintf(priority, sizeof(priority), "u=%d%s", rand() % 8, rand() % 2 ? ", i" : "");
    *a = (struct asked){ .post = rand() % 2 };
    a->body_len = a->body_left = a->post ? (size_t)(rand() % (rand() % 8 == 0 ? BODY_MAX : 3000)) : 0;
    nghttp2_nv fields[] = { FIELD(":method", a->post ? "POST" : "GET"), FIELD(":scheme", "http"),
                            FIELD(":path", "/"), FIELD(":authority", "a"), FIELD("priority", priority) };
    assert_true(nghttp2_submit_request(session, NULL, fields, WR_COUNT(fields), a->post ? &body : NULL, a) > 0);
}

/* What the client has to say; how many bytes. */
static size_t
client_says(nghttp2_session *session, uint8_t *to, size_t room)
{
    const uint8_t *bytes;
    size_t all = 0;
    ssize_t n;

    while (all + 32768 < room && (n = nghttp2_session_mem_send(session, &bytes)) > 0) {
        memcpy(to + all, bytes, (size_t)n);
        all += (size_t)n;
    }
    return all;
}

static void
client_hears(nghttp2_session *session)
{
    ssize_t n = nghttp2_session_mem_recv(session, memory.out, memory.out_len);

    assert_int_equal(n, memory.out_len);
    memory.out_len = memory.out_read = 0;
}

static void
check_answers(void)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        char text[64];
        int len = snprintf(text, sizeof(text), "%s / %zu", asked[i].post ? "POST" : "GET", asked[i].body_len);
        assert_true(asked[i].answered && asked[i].ended);
        assert_int_equal(asked[i].text_len, len);
        assert_memory_equal(asked[i].text, text, (size_t)len);
    }
}

static void
test_a_client_of_the_reference_complains_of_nothing(void **state)
{
    static uint8_t bytes[BYTES_MAX];

    (void)state;
    srand(11);
    for (unsigned round = 0; round < ROUNDS; round++) {
        nghttp2_session *client = client_create();
        size_t piece = rand() % 2 ? SIZE_MAX : (size_t)(rand() % 3000) + 20, n;
        n_closed = 0;
        for (unsigned i = 0; i < REQUESTS; i++) {
            ask(client, &asked[i]);
        }
        memory_connect(bytes, client_says(client, bytes, 40000));
        memory.in_piece = piece;
        client_hears(client);
        while ((n = client_says(client, bytes, sizeof(bytes))) != 0) {
            memory_feed(bytes, n);
            client_hears(client);
        }
        assert_int_equal(n_closed, REQUESTS);
        check_answers();
        nghttp2_session_del(client);
        memory_close();
        assert_int_equal(memory.logged, REQUESTS);
    }
}

/* ---- As a server. ---- */

/* :method POST, :scheme http, :path /, :authority a */
static const uint8_t post[] = { 0x83, 0x86, 0x84, 0x41, 0x01, 'a' };
/* x: y */
static const uint8_t trailers[] = { 0x00, 0x01, 'x', 0x01, 'y' };

/* The length that a frame of this type has, or may have. */
static size_t
length_of(uint8_t type)
{
    switch (type) {
    case NGHTTP2_PING:
    case NGHTTP2_GOAWAY:
        return 8;
    case NGHTTP2_SETTINGS:
        return 6 * (size_t)(rand() % 3);
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_WINDOW_UPDATE:
        return 4;
    case NGHTTP2_PRIORITY:
        return 5;
    default:
        return 4 + (size_t)(rand() % 8);
    }
}

/* One in eight times. */
static bool
seldom(void)
{
    return rand() % 8 == 0;
}

/* A frame as a client could send it, but for a thing or two now and then. */
static size_t
put_random(uint8_t *to, uint32_t *newest)
{
    static const uint8_t types[] = { NGHTTP2_HEADERS, NGHTTP2_HEADERS, NGHTTP2_DATA, NGHTTP2_DATA, NGHTTP2_WINDOW_UPDATE,
                                     NGHTTP2_RST_STREAM, NGHTTP2_SETTINGS, NGHTTP2_PING, NGHTTP2_PRIORITY,
                                     NGHTTP2_PRIORITY_UPDATE, NGHTTP2_GOAWAY, 0xfa };
    uint8_t type = seldom() && seldom() ? (uint8_t)(rand() % 12) : types[rand() % 12], payload[32] = { 0 };
    uint32_t stream = type == NGHTTP2_HEADERS ? *newest += 2 : *newest - 2 * ((uint32_t)rand() % 3);
    size_t len = seldom() && seldom() ? (size_t)rand() % 20 : length_of(type);
    uint8_t flags = 0;

    if (type == NGHTTP2_HEADERS) {
        flags = NGHTTP2_FLAG_END_HEADERS | (rand() % 2 ? NGHTTP2_FLAG_END_STREAM : 0);
        memcpy(payload, post, sizeof(post));
        len = sizeof(post);
    } else if (type != NGHTTP2_DATA && type != NGHTTP2_WINDOW_UPDATE && type != NGHTTP2_RST_STREAM &&
               type != NGHTTP2_PRIORITY) {
        stream = 0;
    } else if (type == NGHTTP2_WINDOW_UPDATE) {
        payload[3] = 1;
    }
    payload[3] |= type == NGHTTP2_PRIORITY_UPDATE ? 1 : 0;
    flags = seldom() && seldom() ? (uint8_t)rand() : flags;
    if (type == NGHTTP2_HEADERS && seldom()) { /* trailers, or a head where none can be */
        stream = (uint32_t)rand() % 6;
        memcpy(payload, trailers, sizeof(trailers));
        len = sizeof(trailers);
        flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
    } else if (type != NGHTTP2_HEADERS && seldom() && seldom()) {
        stream = (uint32_t)rand() % 20;
    }
    if (type != NGHTTP2_HEADERS && seldom()) { /* what is malformed in a head is not the reference's to say here */
        payload[rand() % 12] = (uint8_t)rand();
    }
    if (type == NGHTTP2_WINDOW_UPDATE && stream != 0) { /* by nothing: a fault of the stream's for RFC 9113 6.9 and for us */
        payload[3] |= 1;
    } else if (type == NGHTTP2_GOAWAY) { /* the reference believes that a client that names a stream means one of ours */
        memset(payload, 0, 4);
    }
    return memory_put(to, type, flags, stream & INT32_MAX, payload, len);
}

/* The code that the reference ends a connection with that begins so; -1: it goes on. */
static int64_t
code_of_reference(const uint8_t *bytes, size_t len)
{
    nghttp2_session_callbacks *c;
    nghttp2_option *o;
    nghttp2_session *session;
    nghttp2_settings_entry streams = { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 };
    const uint8_t *out;
    int64_t code = -1;
    ssize_t n;

    assert_int_equal(nghttp2_session_callbacks_new(&c), 0);
    assert_int_equal(nghttp2_option_new(&o), 0);
    nghttp2_option_set_no_http_messaging(o, 1);
    nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
    assert_int_equal(nghttp2_session_server_new2(&session, c, NULL, o), 0);
    assert_int_equal(nghttp2_submit_settings(session, 0, &streams, 1), 0);
    if (nghttp2_session_mem_recv(session, bytes, len) < 0) {
        code = NGHTTP2_PROTOCOL_ERROR;
    }
    while ((n = nghttp2_session_mem_send(session, &out)) > 0) {
        if (n >= 17 && out[3] == NGHTTP2_GOAWAY && code < 0) {
            code = out[16];
        }
    }
    nghttp2_session_del(session);
    nghttp2_option_del(o);
    nghttp2_session_callbacks_del(c);
    return code;
}

static int64_t
code_of_ours(const uint8_t *bytes, size_t len)
{
    struct memory_frame f;
    int64_t code = -1;

    memory_connect(bytes, 33);
    memory.in_piece = rand() % 2 ? SIZE_MAX : (size_t)(rand() % 40) + 1;
    memory_feed(bytes + 33, len - 33);
    memory.out_read = 0;
    while (memory_frame(&f)) {
        if (f.type == NGHTTP2_GOAWAY) {
            code = f.payload[7];
        }
    }
    memory_close();
    return code;
}

/* What was sent, so that a difference can be told from its place alone. */
static void
print_frames(const uint8_t *bytes, size_t len)
{
    for (size_t at = 24; at < len; at += 9 + bytes[at + 2]) {
        print_error("type %u flags %02x stream %u, %u bytes:", bytes[at + 3], bytes[at + 4], bytes[at + 8], bytes[at + 2]);
        for (size_t i = 0; i < bytes[at + 2]; i++) {
            print_error(" %02x", bytes[at + 9 + i]);
        }
        print_error("\n");
    }
}

static void
test_what_the_reference_ends_a_connection_for_ends_ours(void **state)
{
    static uint8_t bytes[4096];
    unsigned ended = 0;

    (void)state;
    srand(13);
    for (unsigned round = 0; round < HOSTILE; round++) {
        size_t len = 24;
        uint32_t newest = 5;
        int64_t theirs, ours;
        memcpy(bytes, MEMORY_PREFACE, 24);
        len += memory_put(bytes + len, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
        for (uint32_t id = 1; id <= newest; id += 2) {
            len += memory_put(bytes + len, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, post, sizeof(post));
        }
        for (int i = rand() % 8; i >= 0; i--) {
            len += put_random(bytes + len, &newest);
        }
        theirs = code_of_reference(bytes, len);
        ours = code_of_ours(bytes, len);
        if (theirs > NGHTTP2_NO_ERROR && ours < 0) {
            print_frames(bytes, len);
            fail_msg("round %u: the reference ends it with %d, and we do not", round, (int)theirs);
        }
        ended += theirs > NGHTTP2_NO_ERROR;
    }
    assert_in_range(ended, HOSTILE / 10, HOSTILE / 2);
}

static int
set_up(void **state)
{
    (void)state;
    memory_load("client_body_buffer_size 1m; client_max_body_size 1m;");
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_of_the_reference_complains_of_nothing),
        cmocka_unit_test(test_what_the_reference_ends_a_connection_for_ends_ours),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
