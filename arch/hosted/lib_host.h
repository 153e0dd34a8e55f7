/* SPDX-License-Identifier: MIT */
/* In front of sources of lib/ that are compiled for the host: what they expect of <string.h> and not every host's has. */
#ifndef HOSTED_LIB_HOST_H
#define HOSTED_LIB_HOST_H

#include <string.h>

static inline __attribute__((unused)) size_t hosted_strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from), kept = length < size ? length : size - 1;

    if (size > 0) {
        memcpy(to, from, kept);
        to[kept] = 0;
    }
    return length;
}

#define strlcpy hosted_strlcpy

#endif
