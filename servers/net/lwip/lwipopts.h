/* SPDX-License-Identifier: MIT */
/*
 * How lwIP is built for servers/net: no threads, driven by packets, requests and deadlines; memory from servers/net/memory.c,
 * which bounds it; checksums of TCP and UDP made and checked while frames are copied (servers/net/frame.c).
 */
#ifndef NET_LWIPOPTS_H
#define NET_LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_TIMERS 0 /* servers/net/stack.c calls what is due */

/* Memory: everything by net_memory_get and net_memory_give. */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 8
#include <stddef.h>
void *net_memory_get(size_t bytes);
void *net_memory_get_zeroed(size_t count, size_t bytes);
void net_memory_give(void *block);
size_t net_memory_total(void); /* bytes taken from the heap */
#define mem_clib_malloc net_memory_get
#define mem_clib_calloc net_memory_get_zeroed
#define mem_clib_free net_memory_give
#define PBUF_POOL_BUFSIZE 1600

#define LWIP_ARP 1
#define LWIP_ETHERNET 1
#define ETH_PAD_SIZE 0
#define ARP_TABLE_SIZE 16
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 8
#define ETHARP_SUPPORT_STATIC_ENTRIES 0
#define LWIP_NETIF_HWADDRHINT 1

#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_ICMP 1
#define LWIP_RAW 1
#define LWIP_UDP 1
#define LWIP_TCP 1
#define LWIP_IGMP 0
#define LWIP_IPV6_MLD 1
#define LWIP_IPV6_AUTOCONFIG 1
#define LWIP_IPV6_REASS 0 /* lwIP's keeps pointers to headers it has freed: fragments are dropped */
#define LWIP_IPV6_DHCP6 0
#define IP_REASSEMBLY 1
#define IP_REASS_MAX_PBUFS 32
#define IP_FRAG 1
#define IP_FORWARD 0
#define LWIP_BROADCAST_PING 0
#define LWIP_MULTICAST_PING 0
#define IP_SOF_BROADCAST 0

#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define DHCP_DOES_ARP_CHECK 0
#define LWIP_DHCP_MAX_DNS_SERVERS 2
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 16
#define DNS_MAX_NAME_LENGTH 256
#define LWIP_DNS_SECURE 7

/* Why a name server's answer holds no address: flags of its header (dns.patch, servers/net/request.c). */
void net_dns_failed(unsigned flags1, unsigned flags2);
#define LWIP_HOOK_DNS_FAILED(flags1, flags2) net_dns_failed(flags1, flags2)

#define LWIP_NETIF_LOOPBACK 1
#define LWIP_HAVE_LOOPIF 1
#define LWIP_LOOPBACK_MAX_PBUFS 512
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_HOSTNAME 1
#define LWIP_NETIF_API 0
#define LWIP_SINGLE_NETIF 0

/*
 * TCP: a connection may have TCP_WND bytes under way each way, which is what a socket's ring holds
 * (lib/socket_wire.h), so whatever the peer may send has room.
 */
#define TCP_MSS 1460
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 2
#define TCP_WND (128 * 1024)
#define TCP_SND_BUF (128 * 1024)
#define TCP_SND_QUEUELEN 1024
#define TCP_SNDLOWAT 32768
#define TCP_SNDQUEUELOWAT 512
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_BYTES (64 * 1024)
#define TCP_OOSEQ_MAX_PBUFS 64
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_TIMESTAMPS 0
#define TCP_LISTEN_BACKLOG 1
#define TCP_DEFAULT_LISTEN_BACKLOG 128
#define LWIP_TCP_KEEPALIVE 0
#define TCP_MSL 2000UL
#define TCP_FIN_WAIT_TIMEOUT 10000
#define TCP_SYNMAXRTX 4
#define TCP_MAXRTX 8
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1
#define TCP_OVERSIZE 0
#define SO_REUSE 1

/* Checksums: see servers/net/frame.c. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHECKSUM_ON_COPY 0
#include <stdint.h>
uint16_t net_checksum(const void *data, int bytes);
#define LWIP_CHKSUM(data, bytes) net_checksum(data, bytes)

/* Sequence numbers that cannot be foreseen (servers/net/random.c). */
#define LWIP_HOOK_TCP_ISN net_tcp_isn
#define LWIP_HOOK_FILENAME "servers/net/lwip/hooks.h"

/* The TCP connection of a segment, by hash (tcp_in.patch, servers/net/demux.c). */
struct tcp_pcb;
struct tcp_pcb *net_tcp_find(uint16_t remote_port, uint16_t local_port);
#define LWIP_HOOK_TCP_FIND(remote, local) net_tcp_find(remote, local)

#define LWIP_STATS 1
#define LWIP_STATS_LARGE 1
#define MEM_STATS 0
#define MEMP_STATS 0
#define SYS_STATS 0
#define LWIP_DEBUG_TIMERNAMES 0

#endif
