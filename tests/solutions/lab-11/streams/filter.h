/* What the modules do to data. Given; leave it as it is. */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* Changes the contents of a message in place. False if the message is to be dropped. */
typedef bool filter_way(char *contents, size_t *size);

struct filter {
    const char *name;
    filter_way *down, *up;
};

/* NULL if there is none of this name. */
const struct filter *filter_named(const char *name);

#endif
