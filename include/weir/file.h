/* weir/file.h - files beneath a location's root: naming them, looking at them, answering with them.
 *
 * A path here is a file name, as weir_file_path makes it: the location's root or alias in front of the request's path. The
 * server opens it beneath that root whatever the path says (openat2 with RESOLVE_BENEATH; disable_symlinks as configured),
 * and asks the system about one file at most once a turn of the event loop, or as open_file_cache says.
 */
#ifndef WEIR_FILE_H
#define WEIR_FILE_H

#include "base.h"

WEIR_BEGIN

enum weir_file_kind { WEIR_FILE_REGULAR = 1, WEIR_FILE_DIRECTORY = 2, WEIR_FILE_OTHER = 3 };

typedef struct weir_file_info {
    uint32_t size_of; /* sizeof(weir_file_info), set by the caller */
    uint32_t kind;    /* WEIR_FILE_* */
    uint64_t size;    /* bytes */
    int64_t  mtime;   /* seconds since 1970 */
    uint64_t inode;
    bool     executable;
} weir_file_info;

/* The file that r's path (absent), or `path` instead of it ("/x/y"), means under the location's root or alias, without a zero byte
 * in it; absent after a logged error. In request memory, zero-terminated. An alias takes the place of the location's prefix;
 * a path without that prefix (and any path given in, or set by weir_set_path in, a regex location) is put behind it. Root
 * or alias and path are joined by exactly one '/'. */
WEIR_API weir_str weir_file_path(weir_request *r, weir_str path);

/* What is at file? WEIR_OK, also when it must not be read; WEIR_ABSENT (also for a path through a file); 403 when the folders
 * on the way deny access; WEIR_ERROR (logged).
 * log_missing: note an absent file in the error log, as log_not_found says. */
WEIR_API int weir_file_look(weir_request *r, weir_str file, weir_file_info *info, bool log_missing);

/* Open it for reading: WEIR_OK with *fd, which the caller closes (weir_buf_file can), and info of what was opened; else as
 * weir_file_look. Directories can be opened, for fdopendir. */
WEIR_API int weir_file_open(weir_request *r, weir_str file, int *fd, weir_file_info *info);

enum weir_respond_file_flag {
    WEIR_FILE_NO_RANGES = 1u << 0, /* answer whole whatever Range says */
    WEIR_FILE_AS_IS     = 1u << 1  /* no type from the name, no validators, no preconditions: the caller has set the head */
};

/* Answer GET or HEAD with a regular file: Content-Type by its name, ETag, Last-Modified, preconditions, ranges, from memory
 * when it is small and hot. What the handler should return: WEIR_DONE, 404 (absent, noted as log_not_found says, or not a
 * regular file), 403, 405 with Allow (the file is there), 500; or WEIR_NEXT with nothing answered, whatever the method, when
 * file is a directory: so that the usual case costs one look. */
WEIR_API int weir_respond_file(weir_request *r, weir_str file, uint32_t flags);

WEIR_END
#endif
