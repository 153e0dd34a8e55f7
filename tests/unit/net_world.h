/* SPDX-License-Identifier: MIT */
/*
 * The network service on the build machine: all of servers/net but main.c, with lwIP, and in place of
 * the kernel this: time that tests move, frames that are kept, groups of pages from the heap, clients
 * that are alive or not. For tests/unit/test_net.c and fuzz/net.c.
 */
#ifndef TESTS_NET_WORLD_H
#define TESTS_NET_WORLD_H

#include "servers/net/net.h"
#include "servers/net/system.h"
#include <stddef.h>

#define WORLD_FRAMES 64

struct world_frame {
    unsigned char bytes[2048];
    uint32_t count;
};

struct world {
    uint64_t now;
    struct world_frame sent[WORLD_FRAMES]; /* the last ones, oldest first */
    unsigned frames;
    unsigned groups; /* that the service has */
    unsigned signals;
    uint64_t dead; /* an endpoint that is no more */
    uint64_t save; /* what system_save gives */
    uint64_t answered;
    uint32_t answer_label;
};
extern struct world world;

/* Starts lwIP, once, and the Ethernet interface. */
void world_start(void);

/* A turn of the service, at the present time. */
void world_turn(void);

/* Moves time on, in steps of ten milliseconds, with a turn each. */
void world_pass(uint64_t ms);

/* A client with shared memory, as lib/socket.c has it, seen from this side. */
struct client {
    uint64_t badge;
    uint64_t endpoint;
    struct session *session;
    struct wire_control *control;
    uint16_t *work, *ready, *free;
    struct wire_slot *slot; /* of WIRE_SLOTS_A_GROUP */
    unsigned char *chunk[64];
    unsigned chunks;
    uint32_t free_put;
};

/* Attaches, shares control, slots and groups of chunks; offers the first so many chunks. */
void client_begin(struct client *c, uint64_t badge, unsigned groups, unsigned offered);
void client_offer(struct client *c, unsigned first, unsigned count);

/* One request through the client's session; its label. r holds the answer. */
uint32_t client_ask(struct client *c, struct request *r, uint32_t label, uint64_t w0, uint64_t w1);
uint32_t client_ask_address(struct client *c, uint32_t label, uint64_t slot,
                            const struct socket_address *a);

/* Puts a slot into the work queue. */
void client_work(struct client *c, uint16_t slot);

/* The client's process ends. */
void client_die(struct client *c);

/* A group of pages; it counts as the service's once it is shared. */
unsigned char *world_group(void);
void world_group_free(unsigned char *group);

#endif
