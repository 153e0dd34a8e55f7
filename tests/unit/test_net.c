/* SPDX-License-Identifier: MIT */
/*
 * The network service with lwIP under ASan: checksums, frames, streams over loopback between two sockets of
 * a client, and clients that break rules, die, or use too much.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/net_world.h"
#include "servers/net/checksum.h"
#include "servers/net/frame.h"

#define LISTENER 0
#define CLIENT 1
#define SERVER 2
#define PORT 4000u
#define TX_FIRST 32u /* chunks from here on are to send from */
#define OFFERED 32u

static struct client client;
static struct request r;
static const struct socket_address here = {SOCKET_IPV4, PORT, {127, 0, 0, 1}};

static int setup(void **state)
{
    (void)state;
    world_start();
    client_begin(&client, 5, 8, OFFERED);
    return 0;
}

/* Whatever the test did, nothing of the client is left behind. */
static int teardown(void **state)
{
    (void)state;
    client_die(&client);
    world_pass(11000);
    sessions_reap();
    return world.groups == 0 && !sessions_alive() && conns_held == 0 ? 0 : -1;
}

/* ---- checksums ---- */

static uint16_t naive(const unsigned char *bytes, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (uint32_t)bytes[i] << (i % 2 == 0 ? 0 : 8);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void test_checksum_any_length_and_place_as_by_hand(void **state)
{
    (void)state;
    static unsigned char from[300], to[300];
    srand(1);
    for (int n = 0; n < 20000; n++) {
        size_t at = (size_t)rand() % 9, bytes = (size_t)rand() % 280;
        for (size_t i = 0; i < sizeof from; i++)
            from[i] = (unsigned char)(n % 3 == 0 ? 0xff : rand());
        uint16_t expected = naive(from + at, bytes);
        uint16_t sum = checksum_fold(checksum_add(from + at, bytes, 0));
        assert_true(sum == expected || (uint16_t) ~(sum ^ expected) == 0);
        uint64_t copied = checksum_copy(to, from + at, bytes, 0);
        assert_int_equal(checksum_fold(copied), sum);
        assert_memory_equal(to, from + at, bytes);
    }
}

static void test_checksum_odd_pieces_join(void **state)
{
    (void)state;
    unsigned char bytes[101];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37);
    uint64_t sum = checksum_add(bytes, 33, 0);
    sum = checksum_join(sum, checksum_odd(checksum_add(bytes + 33, sizeof bytes - 33, 0)));
    assert_int_equal(checksum_fold(sum), naive(bytes, sizeof bytes));
}

/* ---- frames ---- */

static const unsigned char arp_request[42] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 2, 2, 2, 2, 2, 8, 6, /* who has */
    0,    1,    8,    0,    6,    4,    0, 1, 2, 2, 2, 2, 2, 2,
    10,   0,    2,    2,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0};

static void test_frame_of_any_length_is_survived(void **state)
{
    (void)state;
    unsigned char frame[1600];
    for (unsigned kind = 0; kind < 4; kind++)
        for (uint32_t bytes = 0; bytes < sizeof frame; bytes += bytes < 120 ? 1 : 97) {
            memset(frame, 0x45, sizeof frame);
            memcpy(frame, arp_request, 14);
            frame[12] = kind == 3 ? 0x86 : 8;
            frame[13] = kind == 1 ? 6 : kind == 3 ? 0xdd : 0;
            unsigned char *copy = malloc(bytes + 1);
            memcpy(copy, frame, bytes);
            stack_input(copy, bytes);
            free(copy);
        }
}

static void test_frame_tcp_checksum_made_and_checked(void **state)
{
    (void)state;
    unsigned char out[1600];
    for (u16_t data = 0; data < 1400; data = (u16_t)(data + 61)) {
        struct pbuf *head = pbuf_alloc(PBUF_RAW, 54, PBUF_RAM);
        struct pbuf *tail = pbuf_alloc(PBUF_RAW, (u16_t)(data + 1), PBUF_RAM);
        unsigned char *f = head->payload;
        memset(f, 0, 54);
        memset(tail->payload, 0xa7, tail->len);
        f[12] = 8;
        f[14] = 0x45;
        f[16] = (unsigned char)((41 + data) >> 8);
        f[17] = (unsigned char)(41 + data);
        f[23] = 6;
        f[26] = 10;
        f[30] = 11;
        f[46] = 0x50;
        pbuf_cat(head, tail);
        uint32_t bytes = frame_out(out, head);
        assert_int_equal(bytes, 55 + data);
        int checked;
        struct pbuf *in = frame_in(out, bytes, &checked);
        assert_non_null(in);
        assert_int_equal(checked, 1);
        pbuf_free(in);
        out[bytes - 1] ^= 1;
        assert_null(frame_in(out, bytes, &checked));
        pbuf_free(head);
    }
}

/* ---- streams ---- */

/* A listening socket, a connection to it, and its other side: CLIENT and SERVER. */
static void pair_make(void)
{
    assert_int_equal(client_ask(&client, &r, NET_OPEN, LISTENER, SOCKET_TCP), 0);
    assert_int_equal(client_ask_address(&client, NET_BIND, LISTENER, &here), 0);
    assert_int_equal(client_ask(&client, &r, NET_LISTEN, LISTENER, 5), 0);
    assert_int_equal(client_ask(&client, &r, NET_OPEN, CLIENT, SOCKET_TCP), 0);
    assert_int_equal(client_ask_address(&client, NET_CONNECT, CLIENT, &here), 0);
    world_turn();
    assert_int_equal(client.slot[CLIENT].state, WIRE_CONNECTED);
    assert_int_equal(client.slot[LISTENER].rx_put, 1);
    assert_int_equal(client_ask(&client, &r, NET_ACCEPT, LISTENER, SERVER), 0);
}

static unsigned char byte_at(uint32_t at) { return (unsigned char)(at * 2654435761u >> 13); }

/* Puts count bytes into a send ring, from chunk TX_FIRST on; the ring must have been empty. */
static void bytes_send(uint16_t slot, uint32_t count)
{
    struct wire_slot *s = &client.slot[slot];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = s->tx_put + i;
        uint16_t chunk = (uint16_t)(TX_FIRST + at / WIRE_CHUNK % 32);
        s->tx_chunk[at / WIRE_CHUNK % WIRE_RING_CHUNKS] = chunk;
        client.chunk[chunk][at % WIRE_CHUNK] = byte_at(at);
    }
    s->tx_put += count;
    client_work(&client, slot);
}

/* Takes what is in the receive ring, gives its chunks back. */
static uint32_t bytes_take(uint16_t slot)
{
    struct wire_slot *s = &client.slot[slot];
    uint32_t taken = 0;
    for (; s->rx_taken != s->rx_put; s->rx_taken++, taken++) {
        uint32_t at = s->rx_taken;
        uint16_t chunk = s->rx_chunk[at / WIRE_CHUNK % WIRE_RING_CHUNKS];
        assert_int_equal(client.chunk[chunk][at % WIRE_CHUNK], byte_at(at));
        if (at % WIRE_CHUNK == WIRE_CHUNK - 1)
            client_offer(&client, chunk, 1);
    }
    client_work(&client, slot);
    return taken;
}

static void test_stream_bytes_arrive_in_order(void **state)
{
    (void)state;
    pair_make();
    uint32_t got = 0;
    for (int n = 0; n < 40; n++) {
        bytes_send(CLIENT, 60001);
        for (int tries = 0; client.slot[CLIENT].tx_taken != client.slot[CLIENT].tx_put; tries++) {
            assert_in_range(tries, 0, 1000);
            world_pass(10);
            got += bytes_take(SERVER);
        }
    }
    assert_int_equal(got, 40 * 60001);
}

static void test_stream_end_is_told_behind_the_bytes(void **state)
{
    (void)state;
    pair_make();
    bytes_send(CLIENT, 5000);
    client.slot[CLIENT].want = WIRE_SHUTDOWN;
    world_turn();
    assert_int_equal(client.slot[SERVER].rx_put, 5000);
    assert_int_equal(client.slot[SERVER].state, WIRE_CONNECTED | WIRE_END);
    assert_int_equal(client.slot[CLIENT].state, WIRE_CONNECTED);
}

static void test_stream_closed_is_delivered_and_slot_given_back(void **state)
{
    (void)state;
    pair_make();
    bytes_send(CLIENT, 3000);
    client.slot[CLIENT].want = WIRE_CLOSE;
    world_turn();
    assert_int_equal(client.slot[SERVER].rx_put, 3000);
    assert_int_equal(client.slot[CLIENT].state & WIRE_FREE, WIRE_FREE);
    client.slot[CLIENT].tx_put = client.slot[CLIENT].rx_taken = client.slot[CLIENT].want = 0;
    assert_int_equal(client_ask(&client, &r, NET_OPEN, CLIENT, SOCKET_TCP), 0);
}

static void test_stream_without_free_chunks_waits_for_them(void **state)
{
    (void)state;
    client.control->free_put = client.free_put = 1; /* of 2,048 bytes */
    pair_make();
    bytes_send(CLIENT, 9000);
    world_pass(50);
    assert_int_equal(client.slot[SERVER].rx_put, WIRE_CHUNK);
    assert_int_equal(client.control->starved, 1);
    client_offer(&client, 1, 8);
    world_pass(2000);
    assert_int_equal(client.slot[SERVER].rx_put, 9000);
    assert_int_equal(client.control->starved, 0);
    assert_int_equal(bytes_take(SERVER), 9000);
}

static void test_stream_reset_is_told(void **state)
{
    (void)state;
    pair_make();
    client.slot[CLIENT].want = WIRE_ABORT;
    client_work(&client, CLIENT);
    world_turn();
    assert_int_equal(client.slot[SERVER].state, WIRE_DEAD);
    assert_int_equal(client.slot[SERVER].error, SOCKET_RESET);
}

static void test_connect_nobody_listens_refused(void **state)
{
    (void)state;
    assert_int_equal(client_ask(&client, &r, NET_OPEN, CLIENT, SOCKET_TCP), 0);
    assert_int_equal(client_ask_address(&client, NET_CONNECT, CLIENT, &here), 0);
    world_turn();
    assert_int_equal(client.slot[CLIENT].state, WIRE_DEAD);
    assert_int_equal(client.slot[CLIENT].error, SOCKET_REFUSED);
}

static void test_listen_same_port_in_use(void **state)
{
    (void)state;
    pair_make();
    assert_int_equal(client_ask(&client, &r, NET_OPEN, 7, SOCKET_TCP), 0);
    uint32_t label = client_ask_address(&client, NET_BIND, 7, &here);
    if (label == 0)
        label = client_ask(&client, &r, NET_LISTEN, 7, 5);
    assert_int_equal(label, SOCKET_IN_USE);
}

static void test_backlog_full_drops_and_later_connects(void **state)
{
    (void)state;
    pair_make();
    for (uint64_t slot = 10; slot < 20; slot++) {
        assert_int_equal(client_ask(&client, &r, NET_OPEN, slot, SOCKET_TCP), 0);
        assert_int_equal(client_ask_address(&client, NET_CONNECT, slot, &here), 0);
    }
    world_turn();
    assert_int_equal(client.slot[LISTENER].rx_put, 5);
    for (uint64_t slot = 20; slot < 25; slot++)
        assert_int_equal(client_ask(&client, &r, NET_ACCEPT, LISTENER, slot), 0);
    world_pass(4000);
    assert_int_equal(client.slot[LISTENER].rx_put, 5);
    for (uint64_t slot = 10; slot < 20; slot++)
        assert_int_equal(client.slot[slot].state, WIRE_CONNECTED);
}

/* ---- clients that break rules ---- */

static void test_rings_positions_out_of_range_end_the_socket(void **state)
{
    (void)state;
    pair_make();
    client.slot[CLIENT].tx_put = WIRE_RING + 1;
    client_work(&client, CLIENT);
    world_turn();
    assert_int_equal(client.slot[CLIENT].state, WIRE_DEAD);
    assert_int_equal(client.slot[CLIENT].error, SOCKET_PROTOCOL);
    client.slot[SERVER].rx_taken = 5;
    client_work(&client, SERVER);
    world_turn();
    assert_int_equal(client.slot[SERVER].state & WIRE_DEAD, WIRE_DEAD);
}

static void test_rings_chunk_unknown_ends_the_socket(void **state)
{
    (void)state;
    pair_make();
    client.slot[CLIENT].tx_chunk[0] = 64;
    client.slot[CLIENT].tx_put = 10;
    client_work(&client, CLIENT);
    world_turn();
    assert_int_equal(client.slot[CLIENT].error, SOCKET_PROTOCOL);
}

static void test_queues_overrun_ends_the_session_alone(void **state)
{
    (void)state;
    static struct client other;
    client_begin(&other, 6, 1, 4);
    unsigned groups = world.groups;
    other.control->work_put += WIRE_QUEUE + 1;
    world_turn();
    assert_int_equal(world.groups, groups - 3);
    pair_make();
    bytes_send(CLIENT, 100);
    world_turn();
    assert_int_equal(bytes_take(SERVER), 100);
}

static void test_queues_free_chunk_unknown_ends_the_session(void **state)
{
    (void)state;
    static struct client other;
    client_begin(&other, 6, 8, 0);
    struct client mine = client;
    client = other;
    client_offer(&client, 9999, 1);
    pair_make();
    bytes_send(CLIENT, 10);
    client = mine;
    world_turn();
    struct session *s = &session_at[1];
    assert_true(!s->used || s->dying || s->badge != 6);
}

static void test_limits_sessions_of_a_badge(void **state)
{
    (void)state;
    static struct client many[SESSIONS_A_BADGE + 1];
    for (unsigned i = 0; i <= SESSIONS_A_BADGE; i++) {
        client_begin(&many[i], 9, 0, 0);
        assert_int_equal(many[i].session != NULL, i < SESSIONS_A_BADGE);
    }
    for (unsigned i = 0; i < SESSIONS_A_BADGE; i++)
        client_die(&many[i]);
    client_begin(&many[0], 9, 0, 0);
    assert_non_null(many[0].session);
    client_die(&many[0]);
}

static void test_request_numbers_of_any_kind_are_answered(void **state)
{
    (void)state;
    static const uint64_t edges[] = {0, 1, 31, 32, 33, 2047, 2048, 65535, 1ul << 32, UINT64_MAX};
    pair_make();
    for (uint32_t label = 0; label < NET_NAME_SERVER + 3; label++)
        for (size_t a = 0; a < 10; a++)
            for (size_t b = 0; b < 10; b++)
                (void)client_ask(&client, &r, label, edges[a], edges[b]);
    world_pass(100);
}

static void test_session_forged_or_old_is_refused(void **state)
{
    (void)state;
    struct request ask = {.badge = session_badge(client.session) + (1ul << 16), .label = NET_OPEN};
    ask.w[1] = SOCKET_TCP;
    assert_int_equal(request_handle(&ask), SOCKET_RESTARTED);
    ask.badge = 5;
    assert_int_equal(request_handle(&ask), SOCKET_RESTARTED);
}

/* The asker was killed between its call and the service's look at it: that is no want of memory. */
static void test_wait_of_one_who_is_gone_is_not_answered(void **state)
{
    (void)state;
    world.save = SYSTEM_GONE;
    assert_int_equal(client_ask(&client, &r, NET_WAIT, 0, 0), 0);
    assert_int_equal(r.later, 1);
    assert_int_equal(client.session->waits, 0);
    world.save = 0;
    assert_int_equal(client_ask(&client, &r, NET_WAIT, 0, 0), SOCKET_MEMORY);
    assert_int_equal(r.later, 0);
    world.save = 77;
    assert_int_equal(client_ask(&client, &r, NET_WAIT, 0, 0), 0);
    assert_int_equal(client.session->waits, 77);
}

static void test_client_dies_its_port_is_free(void **state)
{
    (void)state;
    pair_make();
    bytes_send(CLIENT, 50000);
    world_turn();
    client_die(&client);
    assert_int_equal(world.groups, 0);
    client_begin(&client, 5, 8, OFFERED);
    pair_make();
}

/* ---- datagrams ---- */

static void record_send(uint16_t slot, uint32_t bytes, uint32_t claimed)
{
    struct wire_slot *s = &client.slot[slot];
    struct wire_record record = {claimed, SOCKET_IPV4, PORT, {127, 0, 0, 1}, 0};
    s->tx_chunk[0] = TX_FIRST;
    memcpy(client.chunk[TX_FIRST], &record, sizeof record);
    memset(client.chunk[TX_FIRST] + sizeof record, 0x5a, bytes);
    s->tx_put = WIRE_RECORD_BYTES(bytes);
    client_work(&client, slot);
    world_turn();
}

static void test_datagram_arrives_whole(void **state)
{
    (void)state;
    assert_int_equal(client_ask(&client, &r, NET_OPEN, CLIENT, SOCKET_UDP), 0);
    assert_int_equal(client_ask(&client, &r, NET_OPEN, SERVER, SOCKET_UDP), 0);
    assert_int_equal(client_ask_address(&client, NET_BIND, SERVER, &here), 0);
    record_send(CLIENT, 1001, 1001);
    assert_int_equal(client.slot[SERVER].rx_put, WIRE_RECORD_BYTES(1001));
    struct wire_record got;
    memcpy(&got, client.chunk[client.slot[SERVER].rx_chunk[0]], sizeof got);
    assert_int_equal(got.bytes, 1001);
    assert_int_equal(got.family, SOCKET_IPV4);
}

static void test_datagram_length_untrue_ends_the_socket(void **state)
{
    (void)state;
    assert_int_equal(client_ask(&client, &r, NET_OPEN, CLIENT, SOCKET_UDP), 0);
    record_send(CLIENT, 100, 100000);
    assert_int_equal(client.slot[CLIENT].error, SOCKET_PROTOCOL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_checksum_any_length_and_place_as_by_hand),
        TEST(test_checksum_odd_pieces_join),
        TEST(test_frame_of_any_length_is_survived),
        TEST(test_frame_tcp_checksum_made_and_checked),
        TEST(test_stream_bytes_arrive_in_order),
        TEST(test_stream_end_is_told_behind_the_bytes),
        TEST(test_stream_closed_is_delivered_and_slot_given_back),
        TEST(test_stream_without_free_chunks_waits_for_them),
        TEST(test_stream_reset_is_told),
        TEST(test_connect_nobody_listens_refused),
        TEST(test_listen_same_port_in_use),
        TEST(test_backlog_full_drops_and_later_connects),
        TEST(test_rings_positions_out_of_range_end_the_socket),
        TEST(test_rings_chunk_unknown_ends_the_socket),
        TEST(test_queues_overrun_ends_the_session_alone),
        TEST(test_queues_free_chunk_unknown_ends_the_session),
        TEST(test_limits_sessions_of_a_badge),
        TEST(test_request_numbers_of_any_kind_are_answered),
        TEST(test_session_forged_or_old_is_refused),
        TEST(test_wait_of_one_who_is_gone_is_not_answered),
        TEST(test_client_dies_its_port_is_free),
        TEST(test_datagram_arrives_whole),
        TEST(test_datagram_length_untrue_ends_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
