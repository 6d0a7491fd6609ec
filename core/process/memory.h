/* process/memory.h - how much memory a worker may plan with when nobody said. */
#ifndef WR_PROCESS_MEMORY_H
#define WR_PROCESS_MEMORY_H

#include <stdint.h>

/* A worker's share of three quarters of the machine's memory, or of its control group's limit where that is lower. */
uint64_t wr_memory_share(uint32_t workers);

/* The limit in a text of the control group's form, "max\n" or bytes; UINT64_MAX for none or what cannot be read. */
uint64_t wr_memory_limit_parse(const char *text);

#endif
