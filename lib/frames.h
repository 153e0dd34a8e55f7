/* SPDX-License-Identifier: MIT */
/*
 * Network frames between a driver and its one client, the network stack: the layout they share, and
 * the client side.
 *
 * Frames lie in buffers of FRAMES_BUFFER bytes, two a page, in pages the device reaches and both
 * sides map: nothing is copied. Buffers below FRAMES_RECEIVE are for receiving, the others for
 * transmitting. Who may touch a buffer is said by four rings of entries, in two control pages, each
 * written by one side only:
 *
 *   driver's page   full: received frames for the client       done: transmit buffers given back
 *   client's page   free: receive buffers for the driver       send: frames to transmit
 *
 * A side counts what it put into a ring (modulo 2^32; entry i lies at i % FRAMES_RING) and keeps for
 * itself what it took out of the other's. A ring holds every buffer there is, so none is ever full.
 * Neither side trusts the other: a count more than FRAMES_RING ahead, a buffer the other side does
 * not own or a length out of range is a broken peer, which is dropped.
 *
 * A side that is about to wait sets what it waits for (FRAMES_WAITS_*) in its page, looks at the
 * rings once more, and then waits; the other, having put something in, signals if it is waited for.
 * So under load nobody signals. A driver whose device still has buffers to receive into does not wait
 * for more: those that are given back lie in the ring until something else wakes it.
 *
 * In a buffer a frame begins at FRAMES_START: behind it the IP header is aligned to 16 bytes, before
 * it the driver has room for the device's header.
 */
#ifndef LIB_FRAMES_H
#define LIB_FRAMES_H

#include <stdint.h>

#define FRAMES_BUFFER 2048u
#define FRAMES_RECEIVE 128u  /* buffers 0 .. 127 */
#define FRAMES_TRANSMIT 128u /* buffers 128 .. 255 */
#define FRAMES_BUFFERS (FRAMES_RECEIVE + FRAMES_TRANSMIT)
#define FRAMES_RING 128u
#define FRAMES_START 18u
#define FRAMES_BYTES_MIN 14u   /* an Ethernet header */
#define FRAMES_BYTES_MAX 1514u /* without checksum */
#define FRAMES_CONTROL_PAGES 2u
#define FRAMES_PAGES (FRAMES_CONTROL_PAGES + FRAMES_BUFFERS / 2)

/* Ring entries: buffer number, frame length (0 in free and done). */
#define FRAMES_ENTRY(buffer, bytes) ((uint32_t)(buffer) | (uint32_t)(bytes) << 16)
#define FRAMES_ENTRY_BUFFER(entry) ((entry)&0xffffu)
#define FRAMES_ENTRY_BYTES(entry) ((entry) >> 16)

#define FRAMES_WAITS_RECEIVE 1u
#define FRAMES_WAITS_TRANSMIT 2u

struct frames_ring {
    uint32_t put; /* entries put in so far */
    uint32_t unused[15];
    uint32_t entry[FRAMES_RING];
};

/* A control page. The driver's: received, given back. The client's: free, to send. */
struct frames_page {
    uint32_t waits; /* FRAMES_WAITS_*: for entries of the other side's ring of this name */
    uint32_t unused[15];
    struct frames_ring receive;  /* driver: full; client: free */
    struct frames_ring transmit; /* driver: done; client: send */
};

/*
 * The protocol. The label of an answer is 0 or an errno number. Clients are told apart by badge.
 */
enum frames_label {
    FRAMES_INFO = 1, /* answer: w0 the hardware address, first byte lowest; w1 1: the link is up */
    FRAMES_ATTACH,   /* w0 bits to signal, w1 to w4: bit i % 64 of word 1 + i / 64: buffer i is held
                        by the client, from an earlier driver; item: the endpoint to signal them on.
                        Answer: item: the endpoint to signal the driver on, w0 bits to signal there.
                        Empty rings; all buffers but those held are the driver's, who gives back the
                        transmit buffers. A second client gets EBUSY while the first lives; the same
                        one begins anew. */
    FRAMES_TAKE      /* w0 first page. Answer: w0 pages in this message (0 to 4), and they as items.
                        Page 0 is the driver's control page (read-only), 1 the client's, then buffers */
};

/* Rings, for both sides. put and taken are the side's own counts. */
static inline void frames_ring_put(struct frames_ring *ring, uint32_t *put, uint32_t entry)
{
    __atomic_store_n(&ring->entry[*put % FRAMES_RING], entry, __ATOMIC_RELAXED);
    __atomic_store_n(&ring->put, ++*put, __ATOMIC_RELEASE);
}

/* The next entry: 1; 0: there is none; -1: the other side is broken. */
static inline int frames_ring_take(const struct frames_ring *ring, uint32_t *taken, uint32_t *entry)
{
    uint32_t ahead = __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE) - *taken;
    if (ahead == 0)
        return 0;
    if (ahead > FRAMES_RING)
        return -1;
    *entry = __atomic_load_n(&ring->entry[*taken % FRAMES_RING], __ATOMIC_RELAXED);
    (*taken)++;
    return 1;
}

static inline int frames_ring_empty(const struct frames_ring *ring, uint32_t taken)
{
    return __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE) == taken;
}

/* Sets what this side waits for, before it looks at the other's rings once more. */
static inline void frames_wait_set(struct frames_page *page, uint32_t waits)
{
    __atomic_store_n(&page->waits, waits, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* What the other side waits for, after this one has put something in. */
static inline uint32_t frames_waited_for(const struct frames_page *page)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&page->waits, __ATOMIC_RELAXED);
}

/* The client side. */
struct frames {
    uint64_t driver; /* handle: calls */
    uint64_t wake;   /* handle: signals to the driver */
    uint64_t wake_bits;
    uint64_t endpoint; /* own, and what is signalled on it */
    uint64_t bits;
    unsigned char mac[6];
    uint32_t link; /* 1: up, as far as last heard */
    const struct frames_page *theirs;
    struct frames_page *ours;
    unsigned char *buffers;
    uint32_t receive_taken; /* of theirs->receive, so far */
    uint32_t transmit_taken;
    uint32_t receive_put; /* into ours */
    uint32_t transmit_put;
    uint32_t fresh;         /* FRAMES_WAITS_*: what was put since the driver was last told */
    uint32_t transmit_free; /* entries in transmit_list */
    uint16_t transmit_list[FRAMES_TRANSMIT]; /* buffers free to fill */
    unsigned char owner[FRAMES_BUFFERS];     /* enum frames_owner */
    uint32_t unusable; /* 1: the driver broke the rules; until it is reopened */
    uint64_t broken;   /* times it did */
};
enum frames_owner { FRAMES_FREE, FRAMES_CLIENT, FRAMES_DRIVER }; /* free: in transmit_list */

/* Opens the driver behind handle driver, to be woken by bits on endpoint (which allows signals). 0
   or an errno number. */
int frames_open(struct frames *f, uint64_t driver, uint64_t endpoint, uint64_t bits);

/* After the driver was restarted (EVENT_RESTARTED) or broke the rules: attaches again. Received
   buffers not yet released and transmit buffers not yet sent stay as they are, at the same addresses
   with the same content; frames that were on their way are lost. 0 or an errno number. */
int frames_reopen(struct frames *f);

/* The next received frame: its buffer number, and place and length; -1: none now; -2: the driver
   broke the rules, reopen. */
int frames_receive(struct frames *f, unsigned char **data, uint32_t *bytes);

/* Gives a received buffer back. */
void frames_release(struct frames *f, int buffer);

/* A buffer to fill, -1: none free now (a signal comes when one is), -2: as above. */
int frames_reserve(struct frames *f, unsigned char **data);

/* Sends it, FRAMES_BYTES_MIN to FRAMES_BYTES_MAX bytes; or gives it back unused (bytes 0). */
void frames_send(struct frames *f, int buffer, uint32_t bytes);

/* Tells the driver of what was released and sent since the last time, if it waits for that. Call it
   once after a batch. */
void frames_kick(struct frames *f);
int frames_to_tell(struct frames *f); /* 1: it does; by now it counts as told */

/* Before waiting: 1: wait, a signal will come; 0: there is a frame already, or a buffer to transmit
   where there was none, or the driver broke the rules. */
int frames_sleep(struct frames *f);
void frames_awake(struct frames *f); /* after waiting */

#endif
