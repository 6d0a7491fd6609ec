/* module/loader.h - module images of this process: private copies of .so files, opened once and never closed.
 *
 * An image is known by the SHA-256 of its contents: the same bytes are the same image whatever the path, and a file that
 * was replaced is a second image beside the first, used by the configurations read after that. Every image, and every
 * module built into the server, has a slot of its own, which is never given to another. Kept per process, because the
 * dynamic linker is; only the master (and its probes) load.
 */
#ifndef WR_MODULE_LOADER_H
#define WR_MODULE_LOADER_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/module.h>

#include "base/err.h"
#include "module/note.h"

enum {
    WR_IMAGES_MAX = 1024,            /* of one process; the next one is an error that asks for a restart */
    WR_SLOTS_MAX = WR_IMAGES_MAX + 64
};

struct wr_image {
    weir_module module;  /* the server's own: of our size, its item lists of our strides */
    char *path;          /* where the file was */
    char sha256[65];     /* of the file, hexadecimal */
    struct wr_note_info note;
};

/*
 * The image of the file at path; opens it when these contents are new.
 *
 * path    as the linker would take it; not relative to anything but the working folder
 * sha256  what the contents must have, 64 hexadecimal digits in either case; NULL: anything
 * image   out; lives as long as the process
 *
 * False with the reason in err; then no code of the file has run, unless the reason is one of dlopen's or of the
 * descriptor's. A file that failed may be tried again.
 */
bool wr_loader_load(const char *path, const char *sha256, const struct wr_image **image,
                    struct wr_err *err);

/* Give a module that is part of the server its slot (again: nothing happens). It needs `self`. */
void wr_loader_adopt(const weir_module *builtin);

/* How many slots have been given: every slot is below. */
uint32_t wr_loader_slots(void);

/* The image whose module is `module`, NULL for a built-in one. */
const struct wr_image *wr_loader_image_of(const weir_module *module);

/* Which image's memory `address` lies in: its module's name, and the offset to look up in the file; NULL: none. Safe in a
 * signal handler. */
const char *wr_loader_locate(const void *address, uintptr_t *offset);

#endif
