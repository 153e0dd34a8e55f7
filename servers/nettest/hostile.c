/* SPDX-License-Identifier: MIT */
/*
 * A client that breaks the rules: writes nonsense into the memory it shares with the service, and sends
 * requests of any form. Whatever it does, the service goes on to serve others, which the caller looks at.
 */
#include "lib/memory.h"
#include "lib/socket_wire.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include "nettest.h"
#include <stdio.h>
#include <string.h>

#define MEMORY_VA 0x390000000000u
#define GROUP_BYTES ((uint64_t)WIRE_GROUP * PAGE_SIZE)
#define GROUPS 6u /* control, two of slots, three of chunks */
#define PIECE 40
#define WAIT_NS 2000000ul /* for an answer that need not come */

static uint64_t state;

static uint64_t any(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* A number of the kind that is checked: small, near a limit, or anything. */
static uint64_t number(void)
{
    static const uint64_t edges[] = {0,  1,          31,        32,    63,
                                     64, WIRE_QUEUE, WIRE_RING, 65535, UINT64_MAX};
    switch (any() % 3) {
    case 0:
        return any() % 64;
    case 1:
        return edges[any() % (sizeof edges / sizeof edges[0])] - any() % 2;
    default:
        return any();
    }
}

static int64_t request(uint64_t to, uint32_t label, uint64_t items)
{
    uint64_t w[4] = {number(), number(), number(), number()};
    if (label == NET_OPEN && any() % 2 == 0)
        w[1] = 1 + any() % 3;
    for (uint32_t i = REGISTER_WORDS; i < MESSAGE_WORDS_MAX; i++)
        atm_message()->word[i] = any();
    uint64_t words = any() % 8 == 0 ? any() % (MESSAGE_WORDS_MAX + 1) : 4;
    struct atm_result r = atm_call_until(to, TAG(label, words, items), w, nettest_now() + WAIT_NS);
    return r.status < 0 ? r.status : (int64_t)TAG_LABEL(r.r[1]);
}

static uint64_t attach(uint64_t net, uint64_t endpoint)
{
    const uint64_t w[4] = {SOCKET_WAKE};
    atm_message()->item[0] = (struct atm_item){ITEM_HANDLE, endpoint, RIGHT_SIGNAL, 0};
    struct atm_result r = atm_call_until(net, TAG(NET_ATTACH, 1, 1), w, nettest_now() + 5 * SECOND);
    if (r.status != 0 || TAG_LABEL(r.r[1]) != 0 || TAG_ITEMS(r.r[1]) != 1)
        return 0;
    return atm_message()->item[0].value;
}

static void group_share(uint64_t session, uint64_t kind, uint64_t group)
{
    const uint64_t w[4] = {kind};
    uint64_t pages = any() % 8 == 0 ? any() % 5 : WIRE_GROUP;
    for (uint64_t i = 0; i < pages; i++)
        atm_message()->item[i] =
            (struct atm_item){ITEM_PAGE, MEMORY_VA + group * GROUP_BYTES + i * PAGE_SIZE,
                              any() % 16 == 0 ? PAGE_READ : PAGE_READ | PAGE_WRITE, 0};
    atm_call_until(session, TAG(NET_SHARE, 1, pages), w, nettest_now() + SECOND);
}

/* Writes into the words the service reads. */
static void scribble(void)
{
    struct wire_control *control = (struct wire_control *)(uintptr_t)MEMORY_VA;
    uint16_t *queues = (uint16_t *)(uintptr_t)(MEMORY_VA + PAGE_SIZE);
    struct wire_slot *slots = (struct wire_slot *)(uintptr_t)(MEMORY_VA + GROUP_BYTES);
    struct wire_slot *slot = &slots[any() % (2 * WIRE_SLOTS_A_GROUP)];
    unsigned char *chunks = (unsigned char *)(uintptr_t)(MEMORY_VA + 3 * GROUP_BYTES);
    switch (any() % 8) {
    case 0:
        slot->tx_put += (uint32_t)(any() % 4 == 0 ? number() : any() % 4096);
        break;
    case 1:
        slot->rx_taken += (uint32_t)(any() % 4 == 0 ? number() : any() % 64);
        break;
    case 2:
        slot->want = (uint32_t)(any() % 64);
        break;
    case 3:
        slot->tx_chunk[any() % WIRE_RING_CHUNKS] =
            (uint16_t)(any() % 4 == 0 ? number() : any() % 24);
        break;
    case 4:
        queues[any() % (3 * WIRE_QUEUE)] = (uint16_t)(any() % 8 == 0 ? number() : any() % 24);
        break;
    case 5:
        control->free_put += (uint32_t)(any() % 8);
        break;
    case 6:
        chunks[any() % (3 * GROUP_BYTES)] = (unsigned char)any();
        break;
    default:
        ((uint32_t *)(uintptr_t)MEMORY_VA)[any() % (GROUPS * GROUP_BYTES / 4)] = (uint32_t)number();
    }
}

/* Puts slots into the work queue and rings. */
static void work(uint64_t session)
{
    struct wire_control *control = (struct wire_control *)(uintptr_t)MEMORY_VA;
    uint16_t *queue = (uint16_t *)(uintptr_t)(MEMORY_VA + PAGE_SIZE);
    for (unsigned i = 0; i < 8; i++)
        queue[control->work_put++ % WIRE_QUEUE] = (uint16_t)(any() % (2 * WIRE_SLOTS_A_GROUP));
    if (any() % 64 == 0)
        control->work_put += (uint32_t)number();
    atm_signal(session, any());
}

static void round_do(uint64_t net, uint64_t endpoint)
{
    uint64_t session = attach(net, endpoint);
    if (session == 0)
        return;
    memset((void *)(uintptr_t)MEMORY_VA, 0, GROUPS * GROUP_BYTES);
    for (uint64_t g = 0; g < GROUPS; g++)
        group_share(session,
                    g == 0  ? WIRE_KIND_CONTROL
                    : g < 3 ? WIRE_KIND_SLOTS
                            : WIRE_KIND_CHUNKS,
                    g);
    for (unsigned i = 0; i < PIECE; i++) {
        request(session, i % 4 == 0 ? NET_OPEN : (uint32_t)(any() % (NET_NAME_SERVER + 2)), 0);
        for (unsigned k = any() % 16; k > 0; k--)
            scribble();
        work(session);
    }
    atm_handle_close(session);
}

int nettest_hostile(uint32_t seed, uint32_t rounds)
{
    uint64_t net = startup_handle("net");
    printf("seed %u\n", seed);
    state = (uint64_t)seed * 0x9e3779b97f4a7c15ul | 1;
    int64_t status = memory_map(0, MEMORY_VA, GROUPS * WIRE_GROUP, PAGE_READ | PAGE_WRITE);
    if (status != 0)
        return nettest_fail("memory", status);
    for (uint32_t i = 0; i < rounds; i++) {
        struct atm_result r = atm_endpoint_create(0);
        if (r.status != 0)
            return nettest_fail("endpoint", r.status);
        round_do(net, r.r[0]);
        object_destroy(r.r[0]); /* so the service finds its client dead */
        atm_handle_close(r.r[0]);
    }
    printf("%u rounds\n", rounds);
    return 0;
}
