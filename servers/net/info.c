/* SPDX-License-Identifier: MIT */
/* Answers about the system: interfaces, connections, counters. Everything is read where it lives. */
#include "servers/net/net.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include <string.h>

static void ip6_info(const struct netif *n, struct net_interface *to)
{
    size_t count = 0;
    for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES && count < 3; i++)
        if (ip6_addr_isvalid(netif_ip6_addr_state(n, i)))
            address_from_lwip(netif_ip_addr6(n, i), 0, &to->ip6[count++]);
}

uint32_t info_interface(uint64_t n, struct net_interface *to)
{
    struct netif *netif = netif_list;
    for (; netif != NULL && n > 0; n--)
        netif = netif->next;
    if (netif == NULL)
        return SOCKET_BAD;
    memset(to, 0, sizeof *to);
    to->name[0] = netif->name[0];
    to->name[1] = netif->name[1];
    to->name[2] = (char)('0' + netif->num);
    to->mtu = netif->mtu;
    to->up = netif_is_up(netif) && netif_is_link_up(netif);
    to->dhcp = (uint8_t)dhcp_supplied_address(netif);
    address_from_lwip(netif_ip_addr4(netif), 0, &to->ip4);
    address_from_lwip(netif_ip_netmask4(netif), 0, &to->mask4);
    address_from_lwip(netif_ip_gw4(netif), 0, &to->gateway4);
    ip6_info(netif, to);
    if (netif->hwaddr_len == 6) {
        memcpy(to->mac, netif->hwaddr, 6);
        to->rx_packets = stack_counts.rx_packets;
        to->rx_bytes = stack_counts.rx_bytes;
        to->rx_dropped = stack_counts.rx_dropped;
        to->tx_packets = stack_counts.tx_packets;
        to->tx_bytes = stack_counts.tx_bytes;
        to->tx_dropped = stack_counts.tx_dropped;
    }
    return 0;
}

static uint32_t tcp_state(const struct tcp_pcb *pcb)
{
    return pcb->state <= TIME_WAIT ? (uint32_t)pcb->state : NET_STATE_CLOSED;
}

static void tcp_info(const struct tcp_pcb *pcb, struct net_connection *to)
{
    to->type = SOCKET_TCP;
    to->state = tcp_state(pcb);
    address_from_lwip(&pcb->local_ip, pcb->local_port, &to->local);
    if (pcb->state == LISTEN)
        return;
    address_from_lwip(&pcb->remote_ip, pcb->remote_port, &to->peer);
    to->rx_waiting = TCP_WND_MAX(pcb) - pcb->rcv_wnd;
    to->tx_waiting = TCP_SND_BUF - pcb->snd_buf;
    const struct conn *c = pcb->callback_arg;
    to->badge = c != NULL && pcb->state >= ESTABLISHED ? c->session->badge : 0;
}

static const struct tcp_pcb *pcb_nth(const struct tcp_pcb *list, uint64_t *n)
{
    for (; list != NULL; list = list->next)
        if ((*n)-- == 0)
            return list;
    return NULL;
}

uint32_t info_connection(uint64_t n, struct net_connection *to)
{
    memset(to, 0, sizeof *to);
    const struct tcp_pcb *pcb = pcb_nth(tcp_listen_pcbs.pcbs, &n);
    if (pcb == NULL)
        pcb = pcb_nth(tcp_active_pcbs, &n);
    if (pcb == NULL)
        pcb = pcb_nth(tcp_tw_pcbs, &n);
    if (pcb != NULL) {
        tcp_info(pcb, to);
        return 0;
    }
    for (const struct udp_pcb *udp = udp_pcbs; udp != NULL; udp = udp->next)
        if (n-- == 0) {
            to->type = SOCKET_UDP;
            to->state = NET_STATE_OPEN;
            address_from_lwip(&udp->local_ip, udp->local_port, &to->local);
            return 0;
        }
    return SOCKET_BAD;
}

uint32_t info_counter(uint64_t n, char name[24], uint64_t *value)
{
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {
        {"ip received", lwip_stats.ip.recv},
        {"ip sent", lwip_stats.ip.xmit},
        {"ip dropped", lwip_stats.ip.drop},
        {"ip6 received", lwip_stats.ip6.recv},
        {"ip6 sent", lwip_stats.ip6.xmit},
        {"ip6 dropped", lwip_stats.ip6.drop},
        {"icmp received", lwip_stats.icmp.recv + lwip_stats.icmp6.recv},
        {"icmp sent", lwip_stats.icmp.xmit + lwip_stats.icmp6.xmit},
        {"udp received", lwip_stats.udp.recv},
        {"udp sent", lwip_stats.udp.xmit},
        {"udp dropped", lwip_stats.udp.drop},
        {"tcp received", lwip_stats.tcp.recv},
        {"tcp sent", lwip_stats.tcp.xmit},
        {"tcp dropped", lwip_stats.tcp.drop},
        {"tcp bad checksums", lwip_stats.tcp.chkerr},
        {"tcp out of memory", lwip_stats.tcp.memerr},
        {"arp received", lwip_stats.etharp.recv},
    };
    if (n >= sizeof counters / sizeof counters[0])
        return SOCKET_BAD;
    memset(name, 0, 24);
    strlcpy(name, counters[n].name, 24);
    *value = counters[n].value;
    return 0;
}

uint32_t info_name_server(struct socket_address *to)
{
    address_from_lwip(dns_getserver(0), 53, to);
    if (ip_addr_isany(dns_getserver(0)))
        memset(to, 0, sizeof *to);
    return 0;
}
