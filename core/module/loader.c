/* module/loader.c - the images of this process; see loader.h.
 *
 * The tables here are the one piece of state that belongs to the process and not to a generation: what is linked into a
 * process stays, and the crash handler has to find it without asking anybody. Entries are only added; a count is raised
 * after its entry is complete.
 */
#include "module/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/str.h"
#include "module/copy.h"
#include "module/descriptor.h"
#include "module/trust.h"

/* What the crash handler looks at. */
struct span {
    uintptr_t begin, end;
    const char *name;
};

static struct {
    struct wr_image *images[WR_IMAGES_MAX];
    struct span spans[WR_IMAGES_MAX];
    atomic_uint n;
    uint32_t slots;
} loader;

static const struct wr_image *
find_by_hash(const char *sha256)
{
    for (uint32_t i = 0; i < atomic_load(&loader.n); i++) {
        if (strcmp(loader.images[i]->sha256, sha256) == 0) {
            return loader.images[i];
        }
    }
    return NULL;
}

/* ---- Where an image lies. ---- */

struct search {
    uintptr_t inside; /* an address of the image */
    struct span found;
};

static int
match_span(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *s = data;
    uintptr_t begin = UINTPTR_MAX, end = 0;

    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD) {
            begin = WR_MIN(begin, info->dlpi_addr + p->p_vaddr);
            end = WR_MAX(end, info->dlpi_addr + p->p_vaddr + p->p_memsz);
        }
    }
    if (s->inside < begin || s->inside >= end) {
        return 0;
    }
    s->found = (struct span){ begin, end, NULL };
    return 1;
}

const char *
wr_loader_locate(const void *address, uintptr_t *offset)
{
    uintptr_t a = (uintptr_t)address;

    for (uint32_t i = 0; i < atomic_load(&loader.n); i++) {
        if (a >= loader.spans[i].begin && a < loader.spans[i].end) {
            *offset = a - loader.spans[i].begin;
            return loader.spans[i].name;
        }
    }
    return NULL;
}

/* ---- Loading. ---- */

/* Open the file, refuse it by its writers, and copy it. */
static bool
take_copy(const char *path, struct wr_copy *copy, struct wr_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const char *slash = strrchr(path, '/');
    bool fine;

    if (fd < 0) {
        return wr_err_set(err, "%s", strerror(errno));
    }
    fine = wr_trust_check(path, fd, err) &&
           wr_copy_open(fd, slash != NULL ? slash + 1 : path, WR_NOTE_FILE_MAX, copy, err);
    (void)close(fd);
    return fine;
}

/* Link the copy and take over its descriptor; *at is an address inside. */
static bool
link_image(const struct wr_copy *copy, struct wr_image *image, const weir_module **at,
           struct wr_err *err)
{
    void *handle = wr_copy_link(copy, err);
    const weir_module *entry;

    if (handle == NULL) {
        return false;
    }
    entry = dlsym(handle, "weir_module_entry");
    if (entry == NULL) {
        return wr_err_set(err, "it does not export weir_module_entry");
    }
    if (!wr_descriptor_copy(entry, &image->module, err) ||
        !wr_descriptor_check(&image->module, err)) {
        return false;
    }
    if (image->module.abi_major != image->note.abi_major ||
        image->module.abi_minor != image->note.abi_minor) {
        return wr_err_set(err, "its note and its weir_module_entry name different ABI versions");
    }
    *at = entry;
    return true;
}

static void
warn_of_exports(const struct wr_image *image)
{
    if (image->note.odd_exports != 0) {
        wr_say(wr_log_process(), WARN,
               "module \"%s\" exports more than weir_module_entry (%s): its symbols may take the "
               "place of a library's; build it with -fvisibility=hidden",
               image->module.name, image->note.odd_names);
    }
}

/* Give the image its slot and make it known. */
static void
publish(struct wr_image *image, const weir_module *entry)
{
    uint32_t i = atomic_load(&loader.n);
    struct search s = { .inside = (uintptr_t)entry };

    (void)dl_iterate_phdr(match_span, &s);
    s.found.name = image->module.name;
    image->module.self->slot = loader.slots++;
    loader.images[i] = image;
    loader.spans[i] = s.found;
    atomic_store(&loader.n, i + 1);
}

/* The image of a copy that is not among ours yet. */
static struct wr_image *
make_image(const char *path, struct wr_copy *copy, struct wr_err *err)
{
    struct wr_image *image = calloc(1, sizeof(*image));
    const weir_module *entry = NULL;

    if (image == NULL || (image->path = strdup(path)) == NULL) {
        free(image);
        wr_copy_close(copy);
        (void)wr_err_set(err, "there is no memory for it");
        return NULL;
    }
    memcpy(image->sha256, copy->sha256, sizeof(image->sha256));
    if (!wr_note_check_bytes(copy->bytes, copy->len, &image->note, err)) {
        wr_copy_close(copy);
    } else if (link_image(copy, image, &entry, err)) {
        wr_copy_unmap(copy);
        publish(image, entry);
        return image;
    } else {
        wr_copy_unmap(copy); /* it may have been linked: its name must not be used again */
    }
    free(image->path);
    free(image);
    return NULL;
}

bool
wr_loader_load(const char *path, const char *sha256, const struct wr_image **image,
               struct wr_err *err)
{
    struct wr_copy copy;
    const struct wr_image *found;

    if (!take_copy(path, &copy, err)) {
        return false;
    }
    if (sha256 != NULL && !weir_str_ieq(weir_str_c(sha256), weir_str_c(copy.sha256))) {
        (void)wr_err_set(err, "its contents are not those of sha256=%.64s, but %s", sha256,
                         copy.sha256);
        wr_copy_close(&copy);
        return false;
    }
    found = find_by_hash(copy.sha256);
    if (found != NULL) {
        wr_copy_close(&copy);
        *image = found;
        return true;
    }
    if (atomic_load(&loader.n) == WR_IMAGES_MAX) {
        wr_copy_close(&copy);
        return wr_err_set(err, "%d module files were loaded since the start; restart the server",
                          WR_IMAGES_MAX);
    }
    found = make_image(path, &copy, err);
    if (found == NULL) {
        return false;
    }
    warn_of_exports(found);
    *image = found;
    return true;
}

/* ---- Built-in modules, and what there is. ---- */

void
wr_loader_adopt(const weir_module *builtin)
{
    struct wr_err err;
    bool in_order;

    if (builtin->self->slot != UINT32_MAX) {
        return;
    }
    in_order = wr_descriptor_check(builtin, &err);
    if (!in_order) {
        wr_log_line(wr_log_process(), WR_LOG_EMERG, "built-in module \"%s\": %s", builtin->name,
                    err.text);
    }
    WR_ASSERT(in_order);
    WR_ASSERT(loader.slots < WR_SLOTS_MAX);
    builtin->self->slot = loader.slots++;
}

uint32_t
wr_loader_slots(void)
{
    return loader.slots;
}

const struct wr_image *
wr_loader_image_of(const weir_module *module)
{
    for (uint32_t i = 0; i < atomic_load(&loader.n); i++) {
        if (&loader.images[i]->module == module) {
            return loader.images[i];
        }
    }
    return NULL;
}
