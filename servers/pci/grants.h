/* SPDX-License-Identifier: MIT */
/*
 * Which program may open which device, as init says it in the environment.
 */
#ifndef PCI_GRANTS_H
#define PCI_GRANTS_H

#include "function.h"

#define GRANTS_MAX 64u
#define GRANT_NAME 17u

struct grant {
    uint64_t program; /* its place in the manifest from 1, which is its badge */
    uint16_t vendor, device;
    uint32_t index; /* among functions of this kind */
    uint64_t pages; /* of DMA memory the program may have, for all its devices */
    char name[GRANT_NAME];
};

/* Reads "place:vendor:device:index:pages:name," repeated, numbers in hexadecimal; what is malformed ends
   it. Returns how many. */
size_t grants_read(const char *text, struct grant g[GRANTS_MAX]);

/* The function a grant is for; count: it is not there. Bridges are no devices. */
size_t grant_function(const struct grant *g, const struct function *f, size_t count);

/* A program's grant number index; NULL: it has no more. */
const struct grant *grant_find(const struct grant *g, size_t count, uint64_t program,
                               uint64_t index);

#endif
