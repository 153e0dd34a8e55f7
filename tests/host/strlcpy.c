/* SPDX-License-Identifier: MIT */
/* What the host's C library lacks. Test only. */
#include <string.h>

size_t strlcpy(char *to, const char *from, size_t bytes)
{
    size_t length = strlen(from), copy = length < bytes ? length : bytes - 1;
    if (bytes > 0) {
        memcpy(to, from, copy);
        to[copy] = 0;
    }
    return length;
}
