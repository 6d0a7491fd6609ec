/* process/title.h - the process's name in ps: "weir: worker process". */
#ifndef WR_PROCESS_TITLE_H
#define WR_PROCESS_TITLE_H

/* Remember where the command line stands and move the environment out of its way. Once, first thing
 * in main. */
void wr_title_init(int argc, char **argv);

/* Be "weir: TEXT" from now on. */
void wr_title_set(const char *text);

/* The title of a master: its command line stands in it. */
void wr_title_set_master(int argc, char *const *argv);

/* Free what init took. */
void wr_title_fini(void);

#endif
