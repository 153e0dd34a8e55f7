/* SPDX-License-Identifier: MIT */
/* Copying frames between the driver's pages and lwIP's, with the checksum of TCP segments. */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include "lwip/pbuf.h"
#include <stdint.h>

/* A received frame in one pbuf; NULL: no memory, or a TCP segment with a wrong checksum. *checked: 1: it
   is a TCP segment with the right one; 0: lwIP has to check what it finds. */
struct pbuf *frame_in(const unsigned char *frame, uint32_t bytes, int *checked);

/* Writes a packet, which is not longer than a frame may be, to where it is sent from; a TCP segment gets its
   checksum, its field being 0. Gives the number of bytes. */
uint32_t frame_out(unsigned char *to, const struct pbuf *p);

#endif
