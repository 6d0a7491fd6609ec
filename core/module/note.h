/* module/note.h - is this file a module we can run? Answered from its bytes alone, before any of its code could run.
 *
 * First step of loading (ABI.md 5): who may write the file, then the ELF header, the "weir" note, what the file asks the
 * dynamic linker for. `weir --check-module` shows the same answers.
 */
#ifndef WR_MODULE_NOTE_H
#define WR_MODULE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct wr_note_info {
    uint16_t abi_major, abi_minor; /* what it was built for */
    char build_id[65];             /* the linker's, in hexadecimal; "" when the file has none */
    uint32_t imports;              /* how many weir_* symbols it takes from the server */
    uint32_t odd_exports;          /* exported symbols besides weir_module_entry: they may capture other libraries' */
    char odd_names[256];           /* the first of them, "a, b, c"; "" when there are none */
};

/*
 * All checks of the file at path: owner and mode of it and of the folders above, then its contents.
 *
 * False with the reason in err: a sentence that names neither the path nor "module".
 */
bool wr_note_check(const char *path, struct wr_note_info *out, struct wr_err *err);

/*
 * Could anybody have written fd's file but those we trust anyway: root, the user we run as, and whoever owns the server's
 * own executable? It must be a regular file of one of these, as must each folder above it (of the real path), and none of
 * them writable by other users, or by a group that is neither root's, ours, nor one that may write the executable. A sticky
 * folder such as /tmp passes: others cannot put something else in the place of what is ours there.
 */
bool wr_note_check_owner(const char *path, int fd, struct wr_err *err);

/* The checks of the contents alone: `len` bytes of an ELF file at `elf`. Any bytes are safe to give. */
bool wr_note_check_bytes(const void *elf, size_t len, struct wr_note_info *out, struct wr_err *err);

#endif
