/* SPDX-License-Identifier: MIT */
/*
 * Where malloc's memory comes from.
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include <stdint.h>

#define HEAP_BLOCK_MAX 0x40000000u /* malloc gives NULL for more */

/* Makes the heap longer by at least bytes, zeroed, right behind what it gave before; NULL: no
   memory. *grown says by how much. */
void *heap_grow(uint64_t bytes, uint64_t *grown);

/* What the kernel said when it could not grow, the last time: an error; 0: it always could. */
int64_t heap_error(void);

#endif
