/* SPDX-License-Identifier: MIT */
/* strlcpy for tests and fuzz targets that take the host's C library, which lacks it; fuzz/host.h declares it. */
#include "fuzz/host.h"
#include <string.h>

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t bytes = strlen(from);
    if (size > 0) {
        size_t n = bytes < size - 1 ? bytes : size - 1;
        memcpy(to, from, n);
        to[n] = 0;
    }
    return bytes;
}
