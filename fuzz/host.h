/* SPDX-License-Identifier: MIT */
/* What programs' sources expect of <string.h> and the host's lacks; tests/unit/strlcpy.c defines it. In front of such a source. */
#ifndef FUZZ_HOST_H
#define FUZZ_HOST_H

#include <stddef.h>

size_t strlcpy(char *to, const char *from, size_t size);

#endif
