/* SPDX-License-Identifier: MIT */
/*
 * The inside of the network service: sessions (clients and the memory they share), connections
 * (sockets), and the stack below them. session.c owns sessions, conn.c and its kinds tcp.c,
 * datagram.c own connections, stack.c the interfaces and timers, request.c the messages. None of
 * them makes a system call: system.h lists what they need of the outside, main.c provides it, and so
 * do the tests on the build machine.
 *
 * Whatever a client writes into shared memory is read once, checked, and then used. A client that breaks
 * the rules of one socket loses that socket, of a queue its session.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "lib/socket.h"
#include "lib/socket_wire.h"
/* A name that the system and lwIP both have; lwIP's headers come after this one. */
#define ERR_TIMEOUT LWIP_ERR_TIMEOUT
#include "lwip/err.h"
#undef ERR_TIMEOUT
#include "lwip/pbuf.h"
#include "lwip/raw.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

#define SESSIONS_MAX 48u           /* bit n of the bell: session n */
#define SESSIONS_A_BADGE 16u       /* programs behind one badge */
#define CHUNK_GROUPS_A_BADGE 2048u /* 32 MiB of one badge's pages */
#define SLOT_GROUPS_A_BADGE 80u    /* 2,560 sockets of one badge */
#define HELD_MAX 128u              /* packets a session's connections hold that have no room yet */
#define HELD_ALL_MAX 512u          /* and of all sessions */
#define BACKLOG_MAX 1024u
#define WORK_PIECE 64u        /* slots of one session handled in a turn */
#define ORPHAN_NS 10000000000 /* how long what a dead client sent before closing may still take */
#define SLOT_NONE 0xffffu

struct session;

/* A socket, or a connection that waits in a listening socket's queue (slot SLOT_NONE). */
struct conn {
    struct session *session;
    uint16_t slot;
    uint8_t type;    /* enum socket_type */
    uint8_t bound;   /* 1: has an address of its own */
    uint8_t closing; /* 1: tcp_close was called, what was sent is not all acknowledged */
    uint8_t ended;   /* 1: the FIN of the other side came */
    uint8_t fin;     /* 1: sending was shut down */
    uint8_t starved; /* 1: in the session's list of those that wait for free chunks */
    uint8_t broken;  /* 1: the client wrote nonsense; it is aborted at the next turn */
    uint8_t lost;    /* 1: lwIP has forgotten it without a word */
    uint8_t later;   /* 1: in the session's list of those to look at at the next turn */
    uint8_t connecting;
    union { /* NULL: no connection any more */
        struct tcp_pcb *tcp;
        struct udp_pcb *udp;
        struct raw_pcb *raw;
    } pcb;
    uint32_t tx_queued; /* position up to which lwIP has it */
    uint32_t tx_taken;
    uint32_t rx_put;
    uint32_t rx_end;    /* chunks are in place up to here */
    uint32_t rx_taken;  /* position up to which the window is open again */
    struct pbuf *held;  /* came, and has no room in the ring yet */
    uint16_t ping;      /* PING: identifier */
    struct conn *first; /* listening: connections to accept */
    struct conn *last;
    struct conn *next;     /* in a queue or the starved list */
    struct conn *listener; /* in the queue of */
    struct conn *next_later;
    uint32_t waiting; /* listening: connections in the queue */
    uint32_t backlog;
    struct socket_address peer; /* datagrams: where socket_send sends; family 0: not set */
};

struct session {
    uint32_t used;
    uint32_t generation; /* of the handle it was given */
    uint32_t resolve_serial;
    uint32_t slot_groups;
    uint32_t chunk_groups;
    uint32_t chunk_room; /* entries chunks has room for */
    uint32_t work_taken;
    uint32_t free_taken;
    uint32_t held;     /* bytes */
    uint32_t dying;    /* 1: the client is gone; what was closed before is still delivered */
    uint32_t wake;     /* 1: to be woken at the end of the turn */
    uint32_t broken;   /* 1: the client broke the rules of the queues */
    uint64_t badge;    /* of the handle it attached with */
    uint64_t endpoint; /* handle: signals */
    uint64_t bits;
    uint64_t waits;               /* handle: answer to NET_WAIT; 0: none */
    uint64_t resolves;            /* handle: answer to NET_RESOLVE; 0: none */
    struct wire_control *control; /* NULL: not shared yet */
    uint16_t *work;
    uint16_t *ready;
    uint16_t *free;
    struct wire_slot *slots[WIRE_SLOT_GROUPS];
    unsigned char **chunks; /* group */
    uint64_t ready_put;
    struct conn **conn;   /* by slot; NULL: none */
    uint64_t *ready_at;   /* by slot: entry in ready it was put into last, from 1; 0: none */
    struct conn *starved; /* list */
    struct conn *later;   /* list */
    uint64_t dying_since;
};

extern struct session session_at[SESSIONS_MAX];

/* ---- session.c ---- */

/* A new session for a client's handle; NULL: SOCKET_LIMIT. */
struct session *session_open(uint64_t badge, uint64_t endpoint, uint64_t bits);

/* The session a badge of this service's own names, NULL: none. */
struct session *session_of(uint64_t badge);
uint64_t session_badge(const struct session *s);

/* Takes a group of pages that are the session's from now on: 0 or an enum socket_error. */
uint32_t session_share(struct session *s, uint64_t kind, unsigned char *group);

/* Ends it, the client is gone or broke the rules: its connections, and its pages once nothing refers
   to them. What the client sent and then closed is still delivered, for a while. */
void session_end(struct session *s);

/* Looks for sessions whose client is gone. */
void sessions_reap(void);
int sessions_alive(void);

/* The slot's shared part; slot is below 32 * slot_groups. */
struct wire_slot *session_slot(const struct session *s, uint32_t slot);
struct conn *session_conn(const struct session *s, uint64_t slot); /* NULL: none has this number */

/* A chunk's bytes; NULL: there is no such chunk. */
unsigned char *session_chunk(const struct session *s, uint32_t chunk);

/* A free chunk's number, or -1: none is offered. */
int session_chunk_take(struct session *s);

/* The client is to look at this slot. */
void session_ready(struct session *s, uint32_t slot);

/* Does what clients asked for in shared memory, a bounded piece for each. 1: there is more. */
int sessions_work(void);

/* Wakes those who have something ready. At the end of a turn. */
void sessions_wake(void);

/* ---- conn.c ---- */

/* 0 or an enum socket_error. */
uint32_t conn_open(struct session *s, uint32_t slot, uint32_t type);
uint32_t conn_bind(struct conn *c, const struct socket_address *a);
uint32_t conn_connect(struct conn *c, const struct socket_address *a);
uint32_t conn_address(const struct conn *c, int peer, struct socket_address *a);

/* A new one of a session, in slot or SLOT_NONE; NULL: no memory. */
struct conn *conn_new(struct session *s, uint32_t slot, uint32_t type);

/* Gives the slot back and forgets it; there is no connection any more. */
void conn_free(struct conn *c);

/* Ends it at once, whatever it is. */
void conn_abort(struct conn *c);

/* The client wrote something about this slot. It may be gone afterwards. */
void conn_work(struct conn *c);

/* It is to be looked at at the next turn, not within a call of lwIP's. */
void conn_later(struct conn *c);
void conn_break(struct conn *c); /* the client wrote nonsense */

/* Packets held, by this session and in all, became so many more or fewer. */
void conn_held_add(struct session *s, int packets);
extern uint32_t conns_held;

/* Says in shared memory what has come and what is so. */
void conn_publish(struct conn *c);

/* The connection is gone: error says why. */
void conn_dead(struct conn *c, uint32_t error);

/* More free chunks are there. */
void conn_refill(struct conn *c);
void conn_starve(struct conn *c);

/* Bytes into the receive ring, from what is held: 1 if something was put. */
int conn_deliver(struct conn *c);

/* Room in the receive ring, as the client reported; -1: it reported nonsense and is punished. */
int64_t conn_room(struct conn *c);

/* Copies out of the send ring or into the receive ring, at a position; 0: a chunk is missing. */
int conn_ring_read(struct conn *c, uint32_t position, void *to, uint32_t bytes);
int conn_ring_write(struct conn *c, const void *from, uint32_t bytes);

/* enum socket_error for lwIP's err_t. */
uint32_t conn_error(err_t e);

void address_to_lwip(const struct socket_address *a, ip_addr_t *to);
void address_from_lwip(const ip_addr_t *a, uint32_t port, struct socket_address *to);

/* ---- tcp.c ---- */
uint32_t tcp_conn_open(struct conn *c);
uint32_t tcp_conn_bind(struct conn *c, const ip_addr_t *ip, uint16_t port);
uint32_t tcp_conn_listen(struct conn *c, uint32_t backlog);
uint32_t tcp_conn_connect(struct conn *c, const ip_addr_t *ip, uint16_t port);
uint32_t tcp_conn_accept(struct conn *listener, uint32_t slot, struct socket_address *peer);
void tcp_conn_work(struct conn *c, uint32_t want);
void tcp_conn_abort(struct conn *c);

/* 1: another connection may begin; c is the listening socket, half_open those that have begun. */
int tcp_conn_may_begin(const struct conn *c, uint32_t half_open);
void tcp_conn_recved(struct conn *c, uint32_t bytes);

/* Out of its listening socket's queue: it ends. */
void tcp_conn_unqueue(struct conn *c);

/* ---- datagram.c ---- */
uint32_t datagram_open(struct conn *c);
void datagram_work(struct conn *c, uint32_t want);
void datagram_close(struct conn *c);

/* ---- demux.c: TCP connections by hash ---- */
int demux_prepare(struct tcp_pcb *pcb); /* a new pcb; it leaves the table when it is freed */
void demux_listen(struct tcp_pcb *pcb); /* a listening one: what it accepts is put in */
void demux_add(struct tcp_pcb *pcb);    /* it has both addresses now */

/* Whose it is: conn->lost is set should it be freed while it has an owner. NULL: nobody's. */
void demux_owner(struct tcp_pcb *pcb, struct conn *c);

/* ---- random.c ---- */
void net_random_key(const uint64_t from[2]);

/* ---- stack.c ---- */
void stack_start(void);

/* The time: all timers that are due are called. Deadline of the next, UINT64_MAX: none. */
void stack_time(uint64_t now);
uint64_t stack_deadline(void);

/* The Ethernet interface: there with its address and link state, or not there. */
void stack_ether_up(const uint8_t mac[6]);
void stack_ether_down(void);
int stack_ether_is_up(void);

/* A received frame, read once. */
void stack_input(const unsigned char *frame, uint32_t bytes);

/* Packets to the own addresses, and whether there are some. */
void stack_loopback(void);
int stack_loopback_waits(void);

/* There is room to transmit again. */
void stack_transmit_again(void);

struct stack_counts {
    uint64_t rx_packets, rx_bytes, rx_dropped, tx_packets, tx_bytes, tx_dropped;
};
extern struct stack_counts stack_counts;
extern int stack_blocked; /* 1: a frame found no room to be sent */

/* ---- info.c: answers about the system; 0 or SOCKET_BAD behind the last ---- */
uint32_t info_interface(uint64_t n, struct net_interface *to);
uint32_t info_connection(uint64_t n, struct net_connection *to);
uint32_t info_counter(uint64_t n, char name[24], uint64_t *value);
uint32_t info_name_server(struct socket_address *to);

/* ---- request.c ---- */

/* A message and what came with it. */
struct request {
    uint64_t badge;
    uint32_t label;
    uint32_t words;
    uint64_t w[MESSAGE_WORDS_MAX]; /* words sent, the others 0; the answer's words */
    unsigned char *group;          /* WIRE_GROUP writable pages that came; NULL: none */
    uint64_t handle;               /* that came; 0: none */
    uint32_t group_kept;           /* set: the pages are the session's now */
    uint32_t handle_kept;
    uint32_t answer_words; /* of the answer */
    struct session *give;  /* the answer carries this session's handle; NULL: none */
    int later;             /* set: the answer is saved and given later */
};

/* Handles it; gives the label of the answer. */
uint32_t request_handle(struct request *r);

/* Names asked for are asked for again, or given up: every DNS_TMR_INTERVAL. */
void names_time(void);

#endif
