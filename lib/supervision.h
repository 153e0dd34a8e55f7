/* SPDX-License-Identifier: MIT */
/*
 * What init tells servers, as event bits on the endpoint they serve.
 */
#ifndef LIB_SUPERVISION_H
#define LIB_SUPERVISION_H

/* A server whose endpoint this program uses was started again: sessions with it are to be opened
   anew. */
#define EVENT_RESTARTED (1ul << 62)
/* A program that uses this server's endpoint has ended: what it had is to be taken back. */
#define EVENT_CLIENT_ENDED (1ul << 61)

#endif
