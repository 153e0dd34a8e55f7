/* SPDX-License-Identifier: MIT */
/*
 * The inside of the socket library. socket_session.c owns the session: the memory shared with the
 * service, the two queues, chunks, waiting, and beginning anew after the service was restarted;
 * socket.c the sockets, socket_poll.c waiting for many.
 */
#ifndef LIB_SOCKET_INSIDE_H
#define LIB_SOCKET_INSIDE_H

#include "lib/socket.h"
#include "lib/socket_wire.h"

enum socket_use { SOCKET_UNUSED, SOCKET_OPEN, SOCKET_CLOSING };

struct socket {
    uint8_t use;  /* enum socket_use */
    uint8_t type; /* enum socket_type */
    uint8_t listens;
    uint8_t bound;
    uint8_t connecting;
    uint8_t active;  /* 1: in the list of those socket_poll has to look at */
    uint8_t hungry;  /* 1: found no chunk to send with */
    uint32_t status; /* enum socket_error that holds whatever the service says; 0: none */
    uint32_t watch;
    uint64_t cookie;
    uint32_t want;
    uint32_t tx_put;
    uint32_t tx_end;   /* chunks are in place up to here */
    uint32_t tx_freed; /* chunks are given back up to here */
    uint32_t rx_taken;
    uint32_t rx_freed;
    uint32_t unreported; /* bytes received since the service was last told */
    uint64_t work_at;    /* entry of the work queue it was put into last, from 1; 0: none */
    uint32_t backlog;
    struct socket_address local; /* as bound */
    struct socket_address peer;  /* datagrams: as connected */
    int next_active;
};

/* An open socket's; NULL: no open socket has this number. */
struct socket *socket_at(int s);
struct socket *socket_any(int s); /* of a known number, open or not */
struct wire_slot *socket_slot(int s);
uint32_t sockets_known(void); /* numbers below are slots that exist */

/* The session, opened if it is not: 0 or -error. */
int64_t session_get(void);
int session_has_endpoint(void); /* 1: the program gave one to socket_setup */
uint64_t session_endpoint(void);

/* Asks the service: 0 or -error. The answer replaces the message. */
int64_t session_ask(struct message *m);
int64_t session_ask_until(struct message *m, uint64_t deadline);

/* A free number, in use from now on; -error. */
int session_slot_take(enum socket_type type);

/* A chunk to send from, its number; -1: none. A quarter of all is kept for receiving, so that clients that do not
   take what they are sent keep no others from being heard. And its bytes; NULL: there is no such chunk. */
int session_send_chunk_get(void);
void session_send_chunk_put(uint32_t chunk);
void session_chunk_put(uint32_t chunk); /* one that was received into */
unsigned char *session_chunk_at(uint32_t chunk);

/* A socket found no chunk: it becomes active when there may be one. */
void session_hungry(int s);

/* Offers free chunks to receive into. */
void session_offer(void);

/* The service is to look at this socket; session_bell wakes it if it sleeps. */
void session_work(int s);
void session_bell(void);

/* Takes the queue of ready sockets: they become active. Chunks of what was acknowledged are free again. */
void session_collect(void);

/* Waits until a socket may be ready, by asking the service. -ERR_TIMEOUT at the deadline, 0 else. */
int64_t session_wait(uint64_t deadline);

/* About to wait on the own endpoint for a signal: 1: wait; 0: something is ready already. */
int session_sleep(void);

/* The service may have been restarted: looks, and begins anew if so. */
void session_check(void);

void socket_activate(int s);
int socket_active_first(void);
void socket_active_list(int first);

/* What is so of a socket now: SOCKET_CAN_... */
uint32_t socket_events(int s);

/* Bytes there is room for in the send ring, in one piece or in all. */
uint32_t socket_ring_room(int s);

/* Gives the chunks back that were acknowledged. */
void socket_reclaim(int s);

#endif
