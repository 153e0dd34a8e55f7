/* SPDX-License-Identifier: MIT */
/*
 * The protocol between lib/socket.c and servers/net: requests by message, and the memory both map.
 *
 * A program opens a session: its own handle to the service, by which the service knows it. It then
 * shares memory, WIRE_GROUP pages a message: first the control group, then groups of slots (one slot
 * a socket) and of chunks (bytes on their way) as it needs them; chunk c lies in group c / 8.
 *
 * Bytes of a connection are a ring in each direction, of WIRE_RING_CHUNKS places; a place holds the
 * number of the chunk with its bytes, byte p of the stream lies in place p / WIRE_CHUNK. Positions
 * count from 0 and wrap at 2^32. Chunks are all the client's: it puts its own into tx_chunk, and offers free
 * ones to the service in a queue, which puts them into rx_chunk as bytes come. So an idle connection holds two
 * chunks at most.
 *
 *   tx: client writes tx_put; the service takes; when the other side has acknowledged, it moves tx_taken
 *   rx: service writes rx_put; the client reads and moves rx_taken
 *
 * Datagram sockets put records in the same rings: struct wire_record and the bytes, padded to 8.
 * A listening socket's rx_put is how many connections wait; NET_ACCEPT takes one.
 *
 * Two queues of slot numbers say where there is something to do: work (client to service) and ready
 * (service to client). A slot is in a queue at most once: its writer adds it again only after the
 * reader has taken it out, and the reader first takes it out, then looks at the slot. So none overflows.
 * Who is about to sleep says so (bell_armed, asleep), looks again, and is signalled once.
 *
 * Neither side trusts the other's numbers.
 */
#ifndef LIB_SOCKET_WIRE_H
#define LIB_SOCKET_WIRE_H

#include <stdint.h>

#define WIRE_GROUP 4u /* pages */
#define WIRE_QUEUE 2048u
#define WIRE_SOCKETS_MAX WIRE_QUEUE
#define WIRE_SLOTS_A_GROUP 32u
#define WIRE_SLOT_GROUPS (WIRE_SOCKETS_MAX / WIRE_SLOTS_A_GROUP)
#define WIRE_CHUNK 2048u /* bytes */
#define WIRE_CHUNKS_A_GROUP 8u
#define WIRE_CHUNKS_MAX 65536u
#define WIRE_CHUNK_GROUPS (WIRE_CHUNKS_MAX / WIRE_CHUNKS_A_GROUP)
#define WIRE_RING_CHUNKS 64u
#define WIRE_RING (WIRE_RING_CHUNKS * WIRE_CHUNK)

/* The control group: this page, and one page each of work, ready and free entries. */
struct wire_control {
    uint32_t work_put; /* written by the client */
    uint32_t ready_taken;
    uint32_t free_put;
    uint32_t asleep; /* 1: signal when a slot is ready; the service sets it to 0 */
    uint32_t unused[12];
    uint32_t work_taken; /* written by the service */
    uint32_t ready_put;
    uint32_t free_taken;
    uint32_t bell_armed; /* 1: signal when there is work; the client sets it to 0 */
    uint32_t starved;    /* 1: bytes wait for free chunks: signal when there are some */
};
enum { WIRE_PAGE_CONTROL, WIRE_PAGE_WORK, WIRE_PAGE_READY, WIRE_PAGE_FREE };

/* What the client wants of a slot. */
#define WIRE_WANT_ROOM 1u /* say when there is room to send again */
#define WIRE_SHUTDOWN 2u  /* end sending behind what is in the ring */
#define WIRE_CLOSE 4u     /* and be done with the socket */
#define WIRE_ABORT 8u     /* at once */
#define WIRE_NAGLE 16u    /* small pieces may wait */

/* What is so. */
#define WIRE_CONNECTED 1u
#define WIRE_END 2u  /* the other side has ended sending: nothing comes behind rx_put */
#define WIRE_DEAD 4u /* no connection any more: error says why */
#define WIRE_FREE 8u /* the service is done with the slot and its chunks */

struct wire_slot {
    uint32_t tx_put; /* written by the client */
    uint32_t rx_taken;
    uint32_t want;
    uint32_t unused_client[13];
    uint32_t tx_taken; /* written by the service */
    uint32_t rx_put;
    uint32_t state;
    uint32_t error;  /* enum socket_error */
    uint32_t rx_end; /* chunks are in their places up to here */
    uint32_t unused_service[11];
    uint16_t tx_chunk[WIRE_RING_CHUNKS]; /* written by the client */
    uint16_t rx_chunk[WIRE_RING_CHUNKS]; /* written by the service */
    uint32_t unused[32];
};
_Static_assert(sizeof(struct wire_slot) * WIRE_SLOTS_A_GROUP == WIRE_GROUP * 4096u, "slots");

/* A datagram in a ring: the peer, then bytes bytes. */
struct wire_record {
    uint32_t bytes;
    uint32_t family; /* enum socket_family */
    uint32_t port;   /* PING, received: the hop limit it came with */
    uint8_t ip[16];
    uint32_t unused;
};
#define WIRE_RECORD_BYTES(bytes) ((uint32_t)sizeof(struct wire_record) + (((bytes) + 7u) & ~7u))

/*
 * Requests. The label of an answer is 0 or an enum socket_error. All but ATTACH and the questions
 * about the system go through the session's handle. An address takes three words: family | port << 32, ip.
 */
enum wire_label {
    NET_ATTACH = 1, /* w0 bits; item: endpoint to signal them on. Answer: w0 bits, item: endpoint to
                       call and to signal those bits on */
    NET_SHARE,      /* w0 enum wire_kind; items: WIRE_GROUP pages, the next of their kind */
    NET_OPEN,       /* w0 slot, w1 enum socket_type */
    NET_BIND,       /* w0 slot, w1.. address */
    NET_LISTEN,     /* w0 slot, w1 backlog */
    NET_ACCEPT,    /* w0 listening slot, w1 new slot. Answer: w1.. peer; SOCKET_STATE: none there */
    NET_CONNECT,   /* w0 slot, w1.. address; the slot's state says how it ended */
    NET_ADDRESS,   /* w0 slot, w1 0 local, 1 peer. Answer: w1.. address */
    NET_RESOLVE,   /* w0 family, w1.. name, ends in 0. Answer: w0 count, w1.. addresses */
    NET_WAIT,      /* answered as soon as there is a ready slot not taken */
    NET_INTERFACE, /* w0 n. Answer: w1.. struct net_interface */
    NET_CONNECTION, /* w0 n. Answer: w1.. struct net_connection */
    NET_COUNTER,    /* w0 n. Answer: w1 value, w2.. name, 24 bytes */
    NET_NAME_SERVER /* Answer: w1.. address */
};
enum wire_kind { WIRE_KIND_CONTROL, WIRE_KIND_SLOTS, WIRE_KIND_CHUNKS };

#endif
