/* SPDX-License-Identifier: MIT */
/*
 * The one client: the pages it shares, and its rings. A client that breaks the rules is dropped, and
 * may attach again.
 */
#include "lib/memory.h"
#include "lib/server.h"
#include "lib/startup.h"
#include "net.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONTROL_VA 0x320000000000u /* two pages */

static struct frames_page *const ours = (struct frames_page *)CONTROL_VA;
static struct frames_page *const theirs = (struct frames_page *)(CONTROL_VA + PAGE_SIZE);

static struct {
    uint64_t badge;
    uint64_t endpoint; /* handle to signal; 0: there is no client */
    uint64_t bits;
    uint32_t receive_put, transmit_put, receive_taken, transmit_taken;
    uint32_t fresh; /* FRAMES_WAITS_*: what was put since it was last told */
} client;

int64_t client_open(void) { return memory_map(0, CONTROL_VA, 2, PAGE_READ | PAGE_WRITE); }

int client_there(void) { return client.endpoint != 0; }

static void client_drop(void)
{
    atm_handle_close(client.endpoint);
    client.endpoint = 0;
}

static void client_broken(void)
{
    fprintf(stderr, "%s: its client broke the rules of the rings and is dropped\n", startup_name());
    client_drop();
}

/* Word number i of a message. */
static uint64_t word(const struct message *m, uint32_t i)
{
    return i < REGISTER_WORDS ? m->w[i] : atm_message()->word[i];
}

/* All buffers that the client had and does not hold come back: those to receive go to the device,
   those to transmit to the client. */
static void buffers_sort(const struct message *m)
{
    for (uint32_t b = 0; b < FRAMES_BUFFERS; b++) {
        int held = (word(m, 1 + b / 64) >> b % 64 & 1) != 0;
        if (ether.place[b] == BUFFER_DEVICE)
            continue;
        ether.place[b] = held ? BUFFER_CLIENT : BUFFER_HERE;
        if (!held && b < FRAMES_RECEIVE)
            ether_receive_put(b);
        else if (!held)
            client_transmit_put(b);
    }
    ether_notify();
}

static int client_alive(void)
{
    return client.endpoint != 0 && atm_handle_info(client.endpoint).r[0] != KIND_NONE;
}

/* Empty rings, and the buffers where they belong. */
static void client_begin(const struct message *m, uint64_t endpoint)
{
    if (client.endpoint != 0)
        client_drop();
    memset(ours, 0, PAGE_SIZE);
    memset(theirs, 0, PAGE_SIZE);
    client.badge = m->badge;
    client.endpoint = endpoint;
    client.bits = m->w[0];
    client.receive_put = client.transmit_put = client.receive_taken = client.transmit_taken = 0;
    buffers_sort(m);
}

uint64_t client_attach(struct message *m, uint64_t own_endpoint, uint64_t wake_bits)
{
    uint64_t endpoint = atm_message()->item[0].value;
    int taken = m->badge != client.badge && client_alive();
    if (taken || TAG_WORDS(m->tag) < 1 + FRAMES_BUFFERS / 64) {
        atm_handle_close(endpoint);
        return TAG(taken ? EBUSY : EINVAL, 0, 0);
    }
    client_begin(m, endpoint);
    m->w[0] = wake_bits;
    atm_message()->item[0] =
        (struct atm_item){ITEM_HANDLE, own_endpoint, RIGHT_SIGNAL | RIGHT_COPY, 0};
    return TAG(0, 1, 1);
}

uint64_t client_take(struct message *m)
{
    uint64_t first = m->w[0], items = 0;
    if (client.endpoint == 0 || m->badge != client.badge)
        return TAG(ESTALE, 0, 0);
    for (; items < MESSAGE_ITEMS_MAX && first < FRAMES_PAGES && items < FRAMES_PAGES - first;
         items++) {
        uint64_t page = first + items;
        uint64_t va = page < FRAMES_CONTROL_PAGES
                          ? CONTROL_VA + page * PAGE_SIZE
                          : ether.pages_va + (page - FRAMES_CONTROL_PAGES) * PAGE_SIZE;
        uint64_t rights = page == 0 ? PAGE_READ : PAGE_READ | PAGE_WRITE;
        atm_message()->item[items] = (struct atm_item){ITEM_PAGE, va, rights, 0};
    }
    m->w[0] = items;
    return TAG(0, 1, items);
}

void client_receive_put(uint32_t buffer, uint32_t bytes)
{
    ether.place[buffer] = BUFFER_CLIENT;
    client.fresh |= FRAMES_WAITS_RECEIVE;
    frames_ring_put(&ours->receive, &client.receive_put, FRAMES_ENTRY(buffer, bytes));
}

void client_transmit_put(uint32_t buffer)
{
    ether.place[buffer] = BUFFER_CLIENT;
    client.fresh |= FRAMES_WAITS_TRANSMIT;
    frames_ring_put(&ours->transmit, &client.transmit_put, FRAMES_ENTRY(buffer, 0));
}

/* An entry of the client's with one of the FRAMES_RECEIVE buffers from first on, which it has. */
static int entry_take(const struct frames_ring *ring, uint32_t *taken, uint32_t *entry,
                      uint32_t first)
{
    int got = client.endpoint != 0 ? frames_ring_take(ring, taken, entry) : 0;
    uint32_t buffer = got > 0 ? FRAMES_ENTRY_BUFFER(*entry) : UINT32_MAX;
    if (got == 0)
        return 0;
    if (buffer - first < FRAMES_RECEIVE && ether.place[buffer] == BUFFER_CLIENT)
        return 1;
    client_broken();
    return 0;
}

int client_receive_take(uint32_t *buffer)
{
    uint32_t entry;
    if (!entry_take(&theirs->receive, &client.receive_taken, &entry, 0))
        return 0;
    *buffer = FRAMES_ENTRY_BUFFER(entry);
    ether.place[*buffer] = BUFFER_HERE;
    return 1;
}

int client_transmit_take(uint32_t *buffer, uint32_t *bytes)
{
    uint32_t entry;
    if (!entry_take(&theirs->transmit, &client.transmit_taken, &entry, FRAMES_RECEIVE))
        return 0;
    *buffer = FRAMES_ENTRY_BUFFER(entry);
    *bytes = FRAMES_ENTRY_BYTES(entry);
    if (*bytes < FRAMES_BYTES_MIN || *bytes > FRAMES_BYTES_MAX) {
        client_broken();
        return 0;
    }
    ether.place[*buffer] = BUFFER_HERE;
    return 1;
}

void client_notify(void)
{
    if (client.fresh == 0 || client.endpoint == 0)
        return;
    if ((frames_waited_for(theirs) & client.fresh) != 0 &&
        atm_signal(client.endpoint, client.bits).status != 0)
        client_drop();
    client.fresh = 0;
}

int client_listen(void)
{
    uint32_t waits = FRAMES_WAITS_TRANSMIT | (ether_hungry() ? FRAMES_WAITS_RECEIVE : 0);
    frames_wait_set(ours, waits);
    return client.endpoint != 0 &&
           (!frames_ring_empty(&theirs->receive, client.receive_taken) ||
            (ether.slots_free > 0 && !frames_ring_empty(&theirs->transmit, client.transmit_taken)));
}

void client_awake(void) { __atomic_store_n(&ours->waits, 0, __ATOMIC_RELAXED); }
