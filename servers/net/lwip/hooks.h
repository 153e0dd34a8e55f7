/* SPDX-License-Identifier: MIT */
/* Functions of servers/net that lwIP calls, of types that lwipopts.h cannot name yet. */
#ifndef NET_LWIP_HOOKS_H
#define NET_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

u32_t net_tcp_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                  u16_t remote_port);

#endif
