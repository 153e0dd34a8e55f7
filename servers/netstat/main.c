/* SPDX-License-Identifier: MIT */
/* Shows the connections the network service has; with -s its counters. */
#include "lib/socket.h"
#include <stdio.h>
#include <string.h>

static int fail(int64_t status)
{
    if (status == -ERR_ARGUMENT) /* behind the last */
        return 0;
    fprintf(stderr, "netstat: %s\n", socket_error_text(status));
    return 1;
}

static int counters_show(void)
{
    char name[24];
    uint64_t value;
    int64_t status = 0;
    for (uint32_t n = 0; (status = net_counter(n, name, &value)) == 0; n++)
        printf("%-20s %12lu\n", name, value);
    return fail(status);
}

static int connections_show(void)
{
    struct net_connection c;
    char local[SOCKET_ADDRESS_TEXT], peer[SOCKET_ADDRESS_TEXT];
    int64_t status = 0;
    printf("%-5s %-24s %-24s %-13s %8s %8s %6s\n", "TYPE", "LOCAL", "PEER", "STATE", "RECV", "SEND",
           "CLIENT");
    for (uint32_t n = 0; (status = net_connection(n, &c)) == 0; n++)
        printf("%-5s %-24s %-24s %-13s %8lu %8lu %6lu\n", c.type == SOCKET_TCP ? "tcp" : "udp",
               socket_address_text(&c.local, 1, local), socket_address_text(&c.peer, 1, peer),
               net_state_name(c.state), c.rx_waiting, c.tx_waiting, c.badge);
    return fail(status);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "-s") == 0)
        return counters_show();
    if (argc > 1) {
        fprintf(stderr, "usage: %s [-s]\n", argv[0]);
        return 2;
    }
    return connections_show();
}
