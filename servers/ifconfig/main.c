/* SPDX-License-Identifier: MIT */
/* Shows the network interfaces: addresses, state, packets. */
#include "lib/socket.h"
#include <stdio.h>

static void address_show(const char *what, const struct socket_address *a)
{
    char text[SOCKET_ADDRESS_TEXT];
    if (a->family != SOCKET_ANY_FAMILY)
        printf(" %s %s", what, socket_address_text(a, 0, text));
}

static void interface_show(const struct net_interface *n)
{
    printf("%s: %s, mtu %u", n->name, n->up ? "up" : "down", n->mtu);
    if ((n->mac[0] | n->mac[1] | n->mac[2] | n->mac[3] | n->mac[4] | n->mac[5]) != 0)
        printf(", ether %02x:%02x:%02x:%02x:%02x:%02x", n->mac[0], n->mac[1], n->mac[2], n->mac[3],
               n->mac[4], n->mac[5]);
    printf("\n    inet");
    address_show("", &n->ip4);
    address_show("netmask", &n->mask4);
    address_show("gateway", &n->gateway4);
    printf("%s\n", n->dhcp ? " (DHCP)" : "");
    for (int i = 0; i < 3; i++)
        if (n->ip6[i].family != SOCKET_ANY_FAMILY) {
            printf("    inet6");
            address_show("", &n->ip6[i]);
            printf("\n");
        }
    printf("    received %lu packets, %lu bytes, %lu dropped\n", n->rx_packets, n->rx_bytes,
           n->rx_dropped);
    printf("    sent     %lu packets, %lu bytes, %lu dropped\n", n->tx_packets, n->tx_bytes,
           n->tx_dropped);
}

int main(int argc, char **argv)
{
    struct net_interface interface;
    struct socket_address server;
    char text[SOCKET_ADDRESS_TEXT];
    int64_t status = 0;
    uint32_t n = 0;
    if (argc > 1) {
        fprintf(stderr, "usage: %s\n", argv[0]);
        return 2;
    }
    while ((status = net_interface(n, &interface)) == 0) {
        interface_show(&interface);
        n++;
    }
    if (status != -ERR_ARGUMENT) {
        fprintf(stderr, "ifconfig: %s\n", socket_error_text(status));
        return 1;
    }
    if (net_name_server(&server) == 0 && server.family != SOCKET_ANY_FAMILY)
        printf("name server %s\n", socket_address_text(&server, 0, text));
    return 0;
}
