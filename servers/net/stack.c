/* SPDX-License-Identifier: MIT */
/*
 * The stack: lwIP, its loopback and its one Ethernet interface, and its timers. A timer is only
 * wound up while what it drives is there, so that an idle system sleeps.
 */
#include "servers/net/net.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/ip4_frag.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "netif/ethernet.h"
#include "servers/net/frame.h"
#include "servers/net/system.h"
#include <string.h>

#define MTU 1500u
#define FRAME_MIN 14u
#define FRAME_MAX 1514u
#define MS 1000000u /* nanoseconds */

/* lwIP checks and makes all checksums but those of TCP segments, which frame.c does. */
#define ETHER_CHECKS ((uint16_t) ~(NETIF_CHECKSUM_GEN_TCP | NETIF_CHECKSUM_CHECK_TCP))
#define LOOP_CHECKS                                                                                \
    (NETIF_CHECKSUM_GEN_ICMP | NETIF_CHECKSUM_GEN_ICMP6 | NETIF_CHECKSUM_CHECK_ICMP |              \
     NETIF_CHECKSUM_CHECK_ICMP6)

struct stack_counts stack_counts;
int stack_blocked;

static struct netif ether;
static int ether_is_up;
static uint64_t time_now;

/* ---- what lwIP asks for ---- */

u32_t sys_now(void) { return (u32_t)(time_now / MS); }

/* ---- timers ---- */

static int needs_tcp(void) { return tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL; }
static int needs_ether(void) { return ether_is_up; }

struct timer {
    void (*due)(void);
    int (*needed)(void);
    uint64_t every; /* ns */
    uint64_t next;  /* 0: not wound up */
};

static struct timer timers[] = {
    {tcp_tmr, needs_tcp, TCP_TMR_INTERVAL *MS, 0},
    {ip_reass_tmr, needs_ether, IP_TMR_INTERVAL *MS, 0},
    {etharp_tmr, needs_ether, ARP_TMR_INTERVAL *MS, 0},
    {dhcp_coarse_tmr, needs_ether, DHCP_COARSE_TIMER_MSECS *(uint64_t)MS, 0},
    {dhcp_fine_tmr, needs_ether, DHCP_FINE_TIMER_MSECS *MS, 0},
    {names_time, needs_ether, DNS_TMR_INTERVAL *MS, 0},
    {nd6_tmr, needs_ether, ND6_TMR_INTERVAL *MS, 0},
    {mld6_tmr, needs_ether, MLD6_TMR_INTERVAL *MS, 0},
};
#define TIMERS (sizeof timers / sizeof timers[0])

void stack_time(uint64_t now)
{
    time_now = now;
    for (size_t i = 0; i < TIMERS; i++) {
        struct timer *t = &timers[i];
        if (t->next == 0 || now < t->next)
            continue;
        /* Late calls are not made up for. */
        t->next = now + t->every;
        t->due();
    }
}

uint64_t stack_deadline(void)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < TIMERS; i++) {
        struct timer *t = &timers[i];
        if (!t->needed())
            t->next = 0;
        else if (t->next == 0)
            t->next = time_now + t->every;
        if (t->next != 0 && t->next < first)
            first = t->next;
    }
    return first;
}

/* ---- the Ethernet interface ---- */

static err_t ether_send(struct netif *netif, struct pbuf *p)
{
    (void)netif;
    unsigned char *to = p->tot_len <= FRAME_MAX ? system_frame() : NULL;
    if (to == NULL) {
        stack_counts.tx_dropped++;
        stack_blocked = 1;
        return ERR_MEM;
    }
    uint32_t bytes = frame_out(to, p);
    system_frame_send(bytes);
    stack_counts.tx_packets++;
    stack_counts.tx_bytes += bytes;
    return ERR_OK;
}

static err_t ether_init(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = MTU;
    netif->hostname = "atmosphere";
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = ether_send;
    NETIF_SET_CHECKSUM_CTRL(netif, ETHER_CHECKS);
    return ERR_OK;
}

void stack_start(void)
{
    time_now = system_now();
    lwip_init();
    struct netif *loop = netif_find("lo0");
    if (loop != NULL)
        NETIF_SET_CHECKSUM_CTRL(loop, LOOP_CHECKS);
}

void stack_ether_up(const uint8_t mac[6])
{
    if (ether_is_up)
        return;
    memset(&ether, 0, sizeof ether);
    if (netif_add(&ether, NULL, NULL, NULL, NULL, ether_init, ethernet_input) == NULL)
        return;
    memcpy(ether.hwaddr, mac, 6);
    ether_is_up = 1;
    netif_set_default(&ether);
    netif_create_ip6_linklocal_address(&ether, 1);
    ether.ip6_autoconfig_enabled = 1;
    netif_set_up(&ether);
    netif_set_link_up(&ether);
    dhcp_start(&ether);
}

void stack_ether_down(void)
{
    if (!ether_is_up)
        return;
    dhcp_release_and_stop(&ether);
    dhcp_cleanup(&ether);
    netif_set_down(&ether);
    netif_remove(&ether);
    ether_is_up = 0;
}

int stack_ether_is_up(void) { return ether_is_up; }

void stack_input(const unsigned char *frame, uint32_t bytes)
{
    int checked;
    stack_counts.rx_packets++;
    stack_counts.rx_bytes += bytes;
    struct pbuf *p = ether_is_up && bytes >= FRAME_MIN && bytes <= FRAME_MAX
                         ? frame_in(frame, bytes, &checked)
                         : NULL;
    if (p == NULL) {
        stack_counts.rx_dropped++;
        PBUF_CHECK_FREE_OOSEQ(); /* no memory: what came out of order makes room */
        return;
    }
    if (!checked)
        NETIF_SET_CHECKSUM_CTRL(&ether, ETHER_CHECKS | NETIF_CHECKSUM_CHECK_TCP);
    if (ethernet_input(p, &ether) != ERR_OK)
        pbuf_free(p);
    NETIF_SET_CHECKSUM_CTRL(&ether, ETHER_CHECKS);
}

void stack_loopback(void) { netif_poll_all(); }

int stack_loopback_waits(void)
{
    for (struct netif *n = netif_list; n != NULL; n = n->next)
        if (n->loop_first != NULL)
            return 1;
    return 0;
}

void stack_transmit_again(void)
{
    if (!stack_blocked)
        return;
    stack_blocked = 0;
    tcp_txnow();
}
