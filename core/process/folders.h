/* process/folders.h - folders that workers write to (temporary files): made by the master before
 * they start. */
#ifndef WR_PROCESS_FOLDERS_H
#define WR_PROCESS_FOLDERS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"
#include "conf/bind.h"
#include "process/privileges.h"

/* For weir_conf.make_folder: note it in the generation that cf reads. */
void wr_folders_note(struct weir_conf *cf, weir_str path);

/* Make those of `folders` (weir_str) that are not there, with the folders above them: mode 0700,
 * the workers' user's. False with the reason in err. */
bool wr_folders_make(const struct wr_vec *folders, const struct wr_privileges_user *user,
                     struct wr_err *err);

#endif
