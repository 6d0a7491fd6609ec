/* http/explain.h - the text form of what `weir -M` says. Private to http/explain*.c. */
#ifndef WR_HTTP_EXPLAIN_H
#define WR_HTTP_EXPLAIN_H

struct cJSON;

/* The tree that explain.c makes as text for people, zero-terminated, to be freed by the caller. */
char *wr_explain_text(const struct cJSON *tree);

#endif
