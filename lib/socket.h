/* SPDX-License-Identifier: MIT */
/*
 * Sockets: the client side of the network service. A program needs the handle "net"; the first call
 * opens a session with the service. Bytes travel through pages that this library shares with the
 * service; a system call is made only to wake a side that sleeps. lib/socket_wire.h is the protocol.
 *
 * Every function that returns a number gives a value >= 0, or minus an enum socket_error, or minus an enum atm_error.
 * socket_error_text() puts both into words. Nothing blocks beyond its deadline (nanoseconds since boot, as atm_clock gives;
 * SOCKET_NOW: do not wait, SOCKET_FOREVER: wait). One thread of a program uses this library.
 *
 * When the service ends and is started anew, connections are lost: calls give SOCKET_RESTARTED until the
 * socket is closed. Listening and bound UDP sockets are made again by this library under the same number.
 */
#ifndef LIB_SOCKET_H
#define LIB_SOCKET_H

#include "lib/message.h"
#include <stddef.h>
#include <stdint.h>

#define SOCKET_NOW 0u
#define SOCKET_FOREVER UINT64_MAX

/* Event bits this library keeps for itself on the endpoint it waits on. */
#define SOCKET_WAKE (1ul << 60)

/* Errors of the network, beside those of the system calls. Numbers begin behind enum atm_error's. */
#define SOCKET_ERRORS(ERROR)                                                                       \
    ERROR(NONE_FREE, "the program has as many sockets as it may have")                             \
    ERROR(BAD, "no open socket has this number")                                                   \
    ERROR(TYPE, "this kind of socket cannot do that")                                              \
    ERROR(STATE, "the socket is not connected, or is already")                                     \
    ERROR(REFUSED, "the other side refuses the connection: nobody listens there")                  \
    ERROR(RESET, "the other side broke the connection off")                                        \
    ERROR(ABORTED, "the connection was given up: the other side does not answer")                  \
    ERROR(TIMED_OUT, "the time is up and there was no answer")                                     \
    ERROR(UNREACHABLE, "no route leads to this address")                                           \
    ERROR(IN_USE, "the address or port is in use")                                                 \
    ERROR(ADDRESS, "this is no address the system has or can reach")                               \
    ERROR(NO_NAME, "the name is not known")                                                        \
    ERROR(NAME_WRONG, "no host can have this name")                                                \
    ERROR(NAME_FAILED, "no name server gave a right answer")                                       \
    ERROR(NAME_ERROR, "the name server could not find out")                                        \
    ERROR(TOO_LONG, "the datagram is longer than can be sent")                                     \
    ERROR(CLOSED, "this side has ended sending")                                                   \
    ERROR(MEMORY, "the network service has no memory left for this")                               \
    ERROR(LIMIT, "the program uses all that one client of the network service may use")            \
    ERROR(RESTARTED, "the network service was restarted; the connection is lost")                  \
    ERROR(NO_SERVICE, "the network service does not run, or this program may not use it")          \
    ERROR(PROTOCOL, "the network service does not understand the request")

enum socket_error {
    SOCKET_ERROR_FIRST = 255,
#define SOCKET_ERROR_NUMBER(name, text) SOCKET_##name,
    SOCKET_ERRORS(SOCKET_ERROR_NUMBER)
#undef SOCKET_ERROR_NUMBER
        SOCKET_ERROR_LAST
};

/* What a status means, for people. */
const char *socket_error_text(int64_t status);

/* ---- addresses ---- */

enum socket_family { SOCKET_ANY_FAMILY, SOCKET_IPV4 = 4, SOCKET_IPV6 = 6 };

struct socket_address {
    uint32_t family; /* enum socket_family; SOCKET_ANY_FAMILY with zeros: any address of either */
    uint32_t port;   /* 0: any */
    uint8_t ip[16];  /* in network order; IPv4 uses the first four bytes */
};

#define SOCKET_ADDRESS_TEXT 56u /* bytes "[ip6]:port" needs at most, with its ending 0 */

/* "10.0.2.15" or "[::1]:80"; with_port: with the port. Gives to. */
const char *socket_address_text(const struct socket_address *a, int with_port,
                                char to[SOCKET_ADDRESS_TEXT]);

/* Reads "1.2.3.4", "::1" (no port, no name): 1 if it is an address. */
int socket_address_read(const char *text, struct socket_address *a);

/* Addresses of a name (a number is its own address); gives how many, most at most. */
int64_t socket_resolve(const char *name, struct socket_address *to, size_t most, uint64_t deadline);

/* ---- sockets ---- */

enum socket_type {
    SOCKET_TCP = 1,
    SOCKET_UDP,
    SOCKET_PING /* ICMP echo: what is sent goes out as a request, what is received are the answers */
};

/*
 * Sizes of this program's sockets, before its first socket: how many sockets it may have at once, and
 * how many pages all of them share for data in flight (pages are taken from the program's quota as
 * they are needed, and once more from the service's). Without it: 64 sockets, 512 pages.
 * endpoint: the one this program receives on; socket_poll then takes its messages and events, too.
 * 0: an endpoint of this library's own.
 */
int64_t socket_setup(uint32_t sockets, uint32_t pages, uint64_t endpoint);

/* A new socket: its number, from 0. */
int socket_open(enum socket_type type);

/* Closes; what was sent before is still delivered, what was not received is thrown away. */
int64_t socket_close(int s);

/* Breaks a connection off (RST), and closes. */
int64_t socket_abort(int s);

int64_t socket_bind(int s, const struct socket_address *local);
int64_t socket_listen(int s, uint32_t backlog);

/* The next connection of a listening socket: its number. */
int socket_accept(int s, struct socket_address *peer /* may be NULL */, uint64_t deadline);

/* With SOCKET_NOW: begins, gives -ERR_WOULD_BLOCK; SOCKET_CAN_WRITE tells the end of it and
   socket_status how. UDP and PING: sets the peer that socket_send sends to. */
int64_t socket_connect(int s, const struct socket_address *peer, uint64_t deadline);

/* 0, or -error: what became of the connection. -ERR_WOULD_BLOCK: is being made. */
int64_t socket_status(int s);

int64_t socket_local(int s, struct socket_address *a);
int64_t socket_peer(int s, struct socket_address *a);

/*
 * Bytes sent (copied for the service; at least one, all of them if the deadline allows) or received
 * (at least one; 0: the other side has ended sending). SOCKET_NOW and nothing possible: -ERR_WOULD_BLOCK.
 */
int64_t socket_send(int s, const void *from, size_t bytes, uint64_t deadline);
int64_t socket_recv(int s, void *to, size_t bytes, uint64_t deadline);

/*
 * The same without the service being woken: more follows soon, or socket_poll (which wakes it) is
 * called soon. Puts as much as there is room for: 0 when there is none.
 */
int64_t socket_send_later(int s, const void *from, size_t bytes);

/* Wakes the service if anything waits for it. */
void socket_flush(void);

/*
 * The same in place. socket_send_room gives where bytes may be written and how many are there in one
 * piece (0: none now, wait for SOCKET_CAN_WRITE); socket_send_commit sends the first so many of them (like
 * socket_send_later). socket_recv_view gives the first piece of what has arrived, as socket_recv's
 * result would be; socket_recv_done takes so many bytes of it off. The other side may be the service gone
 * wrong: what is seen in place may change until it is done.
 */
int64_t socket_send_room(int s, void **to);
int64_t socket_send_commit(int s, size_t bytes);
int64_t socket_recv_view(int s, const void **from);
int64_t socket_recv_done(int s, size_t bytes);

/* Bytes that have arrived and are not received, and bytes that are sent and not acknowledged. */
size_t socket_received(int s);
size_t socket_unsent(int s);

/* Ends sending: the other side reads to the end. Receiving goes on. */
int64_t socket_shutdown(int s);

/* Small pieces go at once (no Nagle): on 1, off 0. It is on at first. */
int64_t socket_no_delay(int s, int on);

/* Datagrams, UDP and PING: whole ones; a longer one than fits is cut. The result is its length. */
#define SOCKET_DATAGRAM_MAX 8192u
int64_t socket_sendto(int s, const void *from, size_t bytes, const struct socket_address *to);
int64_t socket_recvfrom(int s, void *to, size_t bytes, struct socket_address *from,
                        uint64_t deadline);

/* ---- waiting for many ---- */

#define SOCKET_CAN_READ 1u  /* bytes, a datagram, a connection to accept, or the end is there */
#define SOCKET_CAN_WRITE 2u /* there is room; the connection is made, or has failed */
#define SOCKET_HAS_ENDED 4u /* broken off, refused, or lost: socket_status says how; always told */
#define SOCKET_MESSAGE 256u /* no socket: a message came to the endpoint, see socket_poll */
#define SOCKET_SIGNALS 512u /* no socket: event bits came to the endpoint */

/* What socket_poll shall tell of a socket; cookie comes back with it. Not watched at first. */
int64_t socket_watch(int s, uint32_t events, uint64_t cookie);

struct socket_event {
    int socket;      /* -1: SOCKET_MESSAGE or SOCKET_SIGNALS */
    uint32_t events; /* what is so now (not what has changed) */
    uint64_t cookie; /* SOCKET_SIGNALS: the bits */
};

/*
 * Waits until a watched socket can do what it is watched for, or the endpoint has a message or
 * event bits; gives how many events there are, 0 when the deadline has passed. The cost is that of the sockets
 * that have something, not of all. It wakes the service first if anything waits for it.
 * SOCKET_MESSAGE comes alone: *message holds it; a call must be answered or saved before the next call
 * of any function here. message may be NULL for a program without an endpoint of its own.
 */
int socket_poll(struct socket_event *event, int most, struct message *message, uint64_t deadline);

/* ---- what the system has ---- */

struct net_interface {
    char name[8];
    uint8_t mac[6];
    uint8_t up;   /* 1: packets go in and out */
    uint8_t dhcp; /* 1: its IPv4 address is from DHCP */
    uint32_t mtu; /* bytes */
    struct socket_address ip4, mask4, gateway4;
    struct socket_address ip6[3]; /* family SOCKET_ANY_FAMILY: none */
    uint64_t rx_packets, rx_bytes, rx_dropped;
    uint64_t tx_packets, tx_bytes, tx_dropped;
};

struct net_connection {
    uint32_t type;  /* enum socket_type */
    uint32_t state; /* NET_STATE_... */
    uint64_t badge; /* of the client, as its parent gave it; 0: nobody holds it any more */
    struct socket_address local, peer;
    uint64_t rx_waiting, tx_waiting; /* bytes */
};
#define NET_STATES(STATE)                                                                          \
    STATE(CLOSED, "closed")                                                                        \
    STATE(LISTEN, "listen")                                                                        \
    STATE(SYN_SENT, "syn-sent")                                                                    \
    STATE(SYN_RECEIVED, "syn-received")                                                            \
    STATE(ESTABLISHED, "established")                                                              \
    STATE(FIN_WAIT_1, "fin-wait-1")                                                                \
    STATE(FIN_WAIT_2, "fin-wait-2")                                                                \
    STATE(CLOSE_WAIT, "close-wait")                                                                \
    STATE(CLOSING, "closing")                                                                      \
    STATE(LAST_ACK, "last-ack")                                                                    \
    STATE(TIME_WAIT, "time-wait")                                                                  \
    STATE(OPEN, "open") /* UDP, PING */
enum net_state {
#define NET_STATE_NUMBER(name, text) NET_STATE_##name,
    NET_STATES(NET_STATE_NUMBER)
#undef NET_STATE_NUMBER
        NET_STATE_LAST
};
const char *net_state_name(uint32_t state);

/* The nth (from 0) interface, connection, counter; -ERR_ARGUMENT behind the last. */
int64_t net_interface(uint32_t n, struct net_interface *to);
int64_t net_connection(uint32_t n, struct net_connection *to);
int64_t net_counter(uint32_t n, char name[24], uint64_t *value);

/* The name server in use; family SOCKET_ANY_FAMILY: none. */
int64_t net_name_server(struct socket_address *to);

#endif
