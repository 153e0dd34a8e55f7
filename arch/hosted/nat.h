/* SPDX-License-Identifier: MIT */
/*
 * The user network behind the cable: 10.0.2.0/24 and fec0::/64, where 10.0.2.2 is the host, 10.0.2.3 answers DNS and the
 * guest gets 10.0.2.15 by DHCP. It needs no rights on the host: connections of the guest are made by this process.
 * nat_slirp.c does it with libslirp; without that library, nat_none.c says what is missing. One caller: network.c.
 */
#ifndef HOSTED_NAT_H
#define HOSTED_NAT_H

#include "arch/hosted/network.h"

/* File descriptors to wait for. */
struct nat_poll {
    struct pollfd *fd;
    uint32_t count, room;
};

/* NULL: started. Else why not, and what to do about it. */
const char *nat_start(void);

/* Leads f->host:f->port to the guest's port. 0, or an errno number: EADDRINUSE when the port is taken. */
int nat_forward(const struct network_forward *f);

/* A frame from the guest. May call nat_deliver. */
void nat_send(const uint8_t *frame, uint32_t bytes);

/* Appends what is to be waited for; makes *milliseconds (UINT32_MAX: for ever) shorter if need be. */
void nat_poll_fill(struct nat_poll *p, uint32_t *milliseconds);

/* After the wait: acts on what came. May call nat_deliver. failed: the wait was. */
void nat_poll_done(const struct nat_poll *p, bool failed);

/* Provided by network.c: a frame for the guest. */
void nat_deliver(const uint8_t *frame, uint32_t bytes);

#endif
