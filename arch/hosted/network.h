/* SPDX-License-Identifier: MIT */
/*
 * The hosted machine's network: the cable between the virtio-net model (virtio_net.h) and the user network of this
 * process (nat.h), with the faults that were asked for in both directions, and the part it takes in the run loop's
 * waiting. Only with --net; else every function here does nothing.
 */
#ifndef HOSTED_NETWORK_H
#define HOSTED_NETWORK_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/hosted/wire.h"

#define NETWORK_FORWARDS_MAX 64u

/* Connections to a port of the host lead to a port of the guest. */
struct network_forward {
    struct in_addr host;
    uint16_t port, guest;
};

struct network_options {
    bool on;
    struct wire_faults faults;
    uint32_t forwards;
    struct network_forward forward[NETWORK_FORWARDS_MAX];
};
extern struct network_options network_options;

/* Command-line options: --net, --forward, --net-loss, --net-delay, --net-reorder, by these values of getopt. */
enum {
    NETWORK_OPTION_ON = 0x100,
    NETWORK_OPTION_FORWARD,
    NETWORK_OPTION_LOSS,
    NETWORK_OPTION_DELAY,
    NETWORK_OPTION_REORDER
};
#define NETWORK_LONG_OPTIONS                                                                       \
    {"net", no_argument, NULL, NETWORK_OPTION_ON},                                                 \
        {"forward", required_argument, NULL, NETWORK_OPTION_FORWARD},                              \
        {"net-loss", required_argument, NULL, NETWORK_OPTION_LOSS},                                \
        {"net-delay", required_argument, NULL, NETWORK_OPTION_DELAY},                              \
    {                                                                                              \
        "net-reorder", required_argument, NULL, NETWORK_OPTION_REORDER                             \
    }

/* NULL: taken. Else what would be right. */
const char *network_option(int option, const char *text);
/* The name of the option, for messages. */
const char *network_option_name(int option);

/* Puts the device on the bus, opens the ports of the host and says which. Ends the program with a message when something
   is not to be had. seed: of the faults. quiet: says only what is not as asked. */
void network_start(uint64_t seed, bool quiet);

/* Takes what the host has for the guest, without waiting. Cheap if called often: a look that is too soon is none. */
void network_look(void);

/* What a wait has to look at: an array of *count entries whose first is the caller's to fill in, and *wait, which is made
   shorter (ns) if something is due before. network_poll_end after the wait; nothing else of this file in between. */
struct pollfd *network_poll_begin(uint32_t *count, uint64_t *wait);
void network_poll_end(void);

#endif
