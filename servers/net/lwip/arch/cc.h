/* SPDX-License-Identifier: MIT */
/*
 * What lwIP wants to know of compiler and machine. Found by lwIP's own headers only.
 */
#ifndef NET_LWIP_CC_H
#define NET_LWIP_CC_H

#include <stdint.h>
#if __STDC_HOSTED__ /* the tests on the build machine */
#include <sys/types.h>
#endif

#define BYTE_ORDER LITTLE_ENDIAN
#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_UNISTD_H 1
#define X8_F "x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "lu"

uint32_t net_random(void);
#define LWIP_RAND() net_random()

/* A broken assertion of lwIP ends the server, which is started anew. */
_Noreturn void net_panic(const char *what);
#define LWIP_PLATFORM_ASSERT(what) net_panic(what)
#define LWIP_PLATFORM_DIAG(what) ((void)0)

#endif
