/* cache - responses kept for the next who asks. The store is in store.h; who speaks HTTP stands above it. */
#include <weir/weir.h>

WEIR_MODULE("cache", "0.1", .summary = "keeps responses of upstreams and answers from them");
