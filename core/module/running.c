/* module/running.c - the one record of whose code is running in this process. */
#include "module/running.h"

struct wr_running wr_running;
