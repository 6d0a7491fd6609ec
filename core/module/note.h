/* module/note.h - is this file a module we can run? Answered from its bytes alone, before any of its code could run.
 *
 * First step of loading: who may write the file (trust.h), then the ELF header, the "weir" note, what the file asks the
 * dynamic linker for. `weir --check-module` shows the same answers.
 */
#ifndef WR_MODULE_NOTE_H
#define WR_MODULE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { WR_NOTE_FILE_MAX = 256 << 20 }; /* bytes of a module's file */

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

/* The checks of the contents alone: `len` bytes of an ELF file at `elf`. Any bytes are safe to give. */
bool wr_note_check_bytes(const void *elf, size_t len, struct wr_note_info *out, struct wr_err *err);

#endif
