/* SPDX-License-Identifier: MIT */
/*
 * Random bytes from a device: the protocol of the endpoint "random" and its client side.
 */
#ifndef LIB_RANDOM_H
#define LIB_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_PIECE 504u /* bytes a message */

/* w0: bytes wanted, 1 to RANDOM_PIECE. Answer: label 0, w0 the same number, the bytes as text; or an
   errno number. */
enum random_label { RANDOM_GET = 1 };

/* Fills to with bytes nobody can guess; waits for the device where it has to. 0, or an errno number:
   ENODEV where there is no such device or the program may not use it; then nothing in to is random. */
int random_get(void *to, size_t bytes);

#endif
