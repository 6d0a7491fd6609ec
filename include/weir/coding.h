/* weir/coding.h - content codings (gzip, br, zstd): what a codec offers the server, and what filters ask of it.
 *
 * A response body is coded once and decoded at most once, by the server: decoded in front of the first body filter with
 * WEIR_HOOK_TEXT that stays in, coded behind the last. Who codes are modules that offer tables of the type below; who may
 * say which response is coded, and how, is any header filter of rank WEIR_RANK_ENCODE, by weir_encode().
 */
#ifndef WEIR_CODING_H
#define WEIR_CODING_H

#include "base.h"
#include "conf.h"

WEIR_BEGIN

/* ---- Codecs. ------------------------------------------------------------------------------------------------------ */

/* What an encoder is told; idle ones of equal shape stand in for one another. */
typedef struct weir_coding_shape { /* frozen */
    int32_t level;
    int32_t window_bits; /* how far back it looks, as a power of two of bytes */
    int32_t memory;      /* the codec's own measure */
    int32_t reserved_;
} weir_coding_shape;

/* Moved past what was used. */
typedef struct weir_coding_io { /* frozen */
    const uint8_t *in;
    size_t         in_len;
    uint8_t       *out;
    size_t         out_len; /* room at out */
} weir_coding_io;

enum weir_coding_flush {
    WEIR_CODING_MORE = 0, /* more input follows */
    WEIR_CODING_SYNC = 1, /* put out all that has come in */
    WEIR_CODING_END  = 2  /* this is the end of the stream */
};

/* A module offers codings through its `interfaces`, one row each, under this id. The server keeps idle states of a worker and
 * bounds the memory of those at work. The functions run in the worker thread; `state` is what the open function gave. */
#define WEIR_CODING "weir.coding/1"
typedef struct weir_coding { /* constant */
    uint32_t          size;   /* sizeof(weir_coding) */
    uint32_t          flags;  /* 0 */
    const char       *name;   /* as in Content-Encoding, lower-case: "gzip" */
    const char       *suffix; /* of file names: ".gz"; NULL: none is usual */
    weir_coding_shape preset; /* fit for responses that are made while they are sent */
    uint64_t          decoder_bytes; /* about what a decoder takes for a usual body */
    uint64_t        (*encoder_bytes)(const weir_coding_shape *shape); /* at most, for a long body */

    /* An encoder at its beginning; NULL: no memory. All of an encoder's are NULL for a coding that is only decoded. */
    void *(*encoder_open)(const weir_coding_shape *shape);
    void  (*encoder_close)(void *state);
    /* Back to the beginning, wherever it was, for another stream of that shape. False (or no function): close it. */
    bool  (*encoder_restart)(void *state);
    /* WEIR_OK: the input is used up and what `flush` asks for is done. WEIR_AGAIN: the output is full, call again with the
     * same flush. WEIR_ERROR. There is room for 16 bytes at least. */
    int   (*encode)(void *state, weir_coding_io *io, uint32_t flush);

    void *(*decoder_open)(void);
    void  (*decoder_close)(void *state);
    bool  (*decoder_restart)(void *state);
    /* WEIR_OK: the input is used up. WEIR_AGAIN: the output is full, there is more. WEIR_DONE: so far it is a whole stream;
     * input that is left does not belong to it. WEIR_ERROR: it is no such stream. Memory is bounded by the codec: 16 MiB. */
    int   (*decode)(void *state, weir_coding_io *io);
} weir_coding;

/* The coding of that name ("br"), among those of the configuration being read or of r's; NULL: no module has it. */
WEIR_API const weir_coding *weir_coding_find(weir_conf *cf, weir_str name);
WEIR_API const weir_coding *weir_coding_of(const weir_request *r, weir_str name);

/* ---- Decoding. ---------------------------------------------------------------------------------------------------- */

/* Will a body filter with WEIR_HOOK_TEXT see r's body as text? False when it comes in a coding that nobody can decode, as a
 * part (206), or with `Cache-Control: no-transform`: such a filter is left out of the response. In HEADERS. */
WEIR_API bool weir_out_is_text(const weir_request *r);

/* What an origin is best asked for in Accept-Encoding, so that filters of r's location that want text get it: what the client accepts
 * without the codings that nobody can decode, "identity" if that is nothing. Absent: the client's own field, or none, serves as well,
 * or no filter there wants text. */
WEIR_API weir_str weir_accept_decodable(weir_request *r);

/* Have the server decode r's body, behind all filters that want text and in front of the encoders: for clients that cannot. In
 * HEADERS. A 304 gets the weak ETag that its 200 had. WEIR_OK; WEIR_ABSENT: it is not coded, or see weir_out_is_text(); WEIR_LIMIT:
 * too many are being decoded. */
WEIR_API int weir_decode(weir_request *r);

/* ---- Coding. ------------------------------------------------------------------------------------------------------ */

/* Which responses to requests that came through a proxy (with Via) may be coded: nginx's words for gzip_proxied. */
enum weir_coding_proxied {
    WEIR_CODING_PROXIED_OFF = 1u << 0,
    WEIR_CODING_PROXIED_EXPIRED = 1u << 1,          /* Expires is not after Date, or no date */
    WEIR_CODING_PROXIED_NO_CACHE = 1u << 2,         /* Cache-Control says so */
    WEIR_CODING_PROXIED_NO_STORE = 1u << 3,
    WEIR_CODING_PROXIED_PRIVATE = 1u << 4,
    WEIR_CODING_PROXIED_NO_LAST_MODIFIED = 1u << 5, /* there is none, nor Expires, nor Cache-Control */
    WEIR_CODING_PROXIED_NO_ETAG = 1u << 6,
    WEIR_CODING_PROXIED_AUTH = 1u << 7,             /* the request has Authorization */
    WEIR_CODING_PROXIED_ANY = 1u << 8
};

enum weir_coding_offer_flag {
    WEIR_CODING_NO_VARY = 1u << 0 /* do not say Vary: Accept-Encoding where the coding could apply */
};

/* What a location says about a coding. */
typedef struct weir_coding_offer {
    uint32_t           size;         /* sizeof(weir_coding_offer) */
    uint32_t           flags;        /* WEIR_CODING_NO_VARY */
    const weir_coding *coding;
    weir_coding_shape  shape;
    uint64_t           min_length;   /* shorter responses stay as they are */
    const weir_strs   *types;        /* media types besides text/html; "*" for all. NULL: none */
    uint32_t           http_version; /* least of the request: 10, 11; 0: any */
    uint32_t           proxied;      /* WEIR_CODING_PROXIED_* */
    int32_t            preference;   /* of what the client takes equally gladly, the larger one is used */
    uint32_t           reserved_;
    bool             (*suits)(weir_request *r, const void *data); /* may the client have it? NULL: yes */
    const void        *data;
} weir_coding_offer;

/* Offer a coding for r's response: in HEADERS, rank ENCODE. The server looks whether it applies (status 200, 403, 404; type, length;
 * not coded, no `no-transform`) and whether the client takes it better than what was offered before, says so in the head (Vary, also
 * of a 206 or 304; Content-Encoding, weak ETag, no Accept-Ranges), and codes the body behind all filters of rank ENCODE. */
WEIR_API void weir_encode(weir_request *r, const weir_coding_offer *offer);

/* Say which body r is answered with, before it is or in HEADERS: equal bytes mean equal bodies, among all that modules give, as
 * long as a worker lives. What such a body is coded to may be kept then, and a later response with it costs no coding
 * (compress_memory); not where body filters change it. An internal redirect forgets it. 1 to 40 bytes, 16 of them random or a
 * keyed hash; copied. WEIR_INVALID: too many; WEIR_CLOSED once the head is sent. */
WEIR_API int weir_out_identity(weir_request *r, weir_str bytes);

/* How many bytes the encoder of r's response has taken and made; WEIR_ABSENT: there is none, or not of that coding. */
WEIR_API int weir_encoded(const weir_request *r, const weir_coding *coding, uint64_t *in, uint64_t *out);

WEIR_END
#endif
