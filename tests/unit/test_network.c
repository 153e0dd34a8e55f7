/* SPDX-License-Identifier: MIT */
/*
 * The user network as a guest finds it: a driver of the virtio-net model talks Ethernet to libslirp, over the cable of
 * network.c and with its waiting. What a guest's stack does above that is tested with the whole system.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "arch/hosted/network.h"
#include "arch/hosted/virtio_net.h"
#include "tests/unit/virtio_guest.h"

enum { RECEIVE, TRANSMIT };
#define HEADER 12u
#define BUFFER_BYTES 0x800u
#define RECEIVE_AT (GUEST_DATA + 0x8000u) /* GUEST_QUEUE_ENTRIES buffers */
#define PATIENCE 10000                    /* ms, for hangs */
#define SECOND 1000000000u
#define GARBAGE 3000u

/* Offsets in frames. */
enum { ETHER_TYPE = 12, IP = 14, IP_PROTOCOL = 23, IP_FROM = 26, IP_TO = 30, PAYLOAD = 34 };
static const uint8_t us[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
static const uint8_t our_ip[4] = {10, 0, 2, 15}, host_ip[4] = {10, 0, 2, 2};

static uint8_t frame[WIRE_BYTES_MAX]; /* the last received */
static uint32_t frame_bytes;

uint64_t time_host(void);
uint64_t time_host(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static void buffer_offer(uint32_t n)
{
    const struct guest_piece piece = {RECEIVE_AT + n * BUFFER_BYTES, BUFFER_BYTES, true};

    guest_offer(RECEIVE, (uint16_t)n, &piece, 1);
}

/* One network for all tests: it is made once in a process. */
static int start(void **state)
{
    (void)state;
    guest_clear();
    assert_null(network_option(NETWORK_OPTION_FORWARD, "127.0.0.1:21234:80"));
    network_start(1, true);
    assert_true(guest_find());
    (void)guest_start(0, 2);
    for (uint32_t n = 0; n < GUEST_QUEUE_ENTRIES; n++) {
        buffer_offer(n);
    }
    return 0;
}

static void send_frame(const uint8_t *data, uint32_t bytes)
{
    const struct guest_piece piece = {GUEST_DATA, HEADER + bytes, false};
    uint32_t first, used;

    memset(guest_ram + GUEST_DATA, 0, HEADER);
    memcpy(guest_ram + GUEST_DATA + HEADER, data, bytes);
    guest_offer(TRANSMIT, 0, &piece, 1);
    assert_true(guest_used(TRANSMIT, &first, &used));
}

/* Takes a received frame, if there is one, and gives its buffer back. */
static bool frame_take(void)
{
    uint32_t first, bytes;

    if (!guest_used(RECEIVE, &first, &bytes)) {
        return false;
    }
    assert_in_range(bytes, HEADER + 14, HEADER + WIRE_BYTES_MAX);
    frame_bytes = bytes - HEADER;
    memcpy(frame, guest_ram + RECEIVE_AT + first * BUFFER_BYTES + HEADER, frame_bytes);
    buffer_offer(first);
    return true;
}

/* Waits as the run loop does, until a frame comes that is of this type and IP protocol (0: any). */
static void frame_wait(uint32_t type, uint32_t protocol)
{
    uint64_t end = time_host() + PATIENCE * 1000000ull;

    for (;;) {
        uint64_t wait = SECOND;
        uint32_t count;
        struct pollfd *fds;

        while (frame_take()) {
            if ((uint32_t)(frame[ETHER_TYPE] << 8 | frame[ETHER_TYPE + 1]) == type &&
                (protocol == 0 || frame[IP_PROTOCOL] == protocol)) {
                return;
            }
        }
        assert_true(time_host() < end);
        fds = network_poll_begin(&count, &wait);
        fds[0] = (struct pollfd){.fd = -1};
        (void)poll(fds, count, (int)((wait + 999999) / 1000000));
        network_poll_end();
    }
}

static uint16_t checksum(const uint8_t *data, uint32_t bytes)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < bytes; i++) {
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

static void store(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

/* Ethernet and IP headers in front of `bytes` of payload. Returns the length of the frame. */
static uint32_t ip_make(uint8_t *f, const uint8_t *from, const uint8_t *to, uint8_t protocol,
                        uint32_t bytes)
{
    memset(f, 0xff, 6);
    memcpy(f + 6, us, 6);
    store(f + ETHER_TYPE, 0x0800);
    memset(f + IP, 0, 20);
    f[IP] = 0x45;
    store(f + IP + 2, 20 + bytes);
    f[IP + 8] = 64;
    f[IP_PROTOCOL] = protocol;
    memcpy(f + IP_FROM, from, 4);
    memcpy(f + IP_TO, to, 4);
    store(f + IP + 10, checksum(f + IP, 20));
    return PAYLOAD + bytes;
}

static void arp_make(uint8_t *f, uint32_t operation, const uint8_t *to_ether)
{
    static const uint8_t fixed[] = {0, 1, 8, 0, 6, 4};

    memset(f, 0, 42);
    memcpy(f, to_ether, 6);
    memcpy(f + 6, us, 6);
    store(f + ETHER_TYPE, 0x0806);
    memcpy(f + 14, fixed, sizeof fixed);
    store(f + 20, operation);
    memcpy(f + 22, us, 6);
    memcpy(f + 28, our_ip, 4);
    memcpy(f + 38, host_ip, 4);
}

static void test_dhcp_offers_the_address(void **state)
{
    static const uint8_t nobody[4] = {0}, all[4] = {255, 255, 255, 255};
    static const uint8_t options[] = {99, 130, 83, 99, 53, 1, 1, 255};
    uint8_t f[PAYLOAD + 8 + 300] = {0};
    uint8_t *udp = f + PAYLOAD, *dhcp = udp + 8;

    (void)state;
    store(udp, 68);
    store(udp + 2, 67);
    store(udp + 4, 308);
    memcpy(dhcp, "\1\1\6", 3);
    memcpy(dhcp + 28, us, 6);
    memcpy(dhcp + 236, options, sizeof options);
    send_frame(f, ip_make(f, nobody, all, 17, 308));
    frame_wait(0x0800, 17);
    assert_memory_equal(frame + IP_FROM, host_ip, 4);
    assert_memory_equal(frame + PAYLOAD + 8 + 16, our_ip, 4);
}

static void test_arp_finds_the_host_and_ping_is_answered(void **state)
{
    static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255};
    uint8_t f[PAYLOAD + 40] = {0};

    (void)state;
    arp_make(f, 1, everybody);
    send_frame(f, 60);
    frame_wait(0x0806, 0);
    assert_memory_equal(frame + 28, host_ip, 4);
    memset(f + PAYLOAD, 0, 40);
    f[PAYLOAD] = 8; /* echo */
    memcpy(f + PAYLOAD + 8, "what is sent comes back", 23);
    store(f + PAYLOAD + 2, checksum(f + PAYLOAD, 40));
    send_frame(f, ip_make(f, our_ip, host_ip, 1, 40));
    frame_wait(0x0800, 1);
    assert_int_equal(frame[PAYLOAD], 0); /* echo reply */
    assert_memory_equal(frame + PAYLOAD + 8, f + PAYLOAD + 8, 32);
}

static void test_a_connection_to_the_forwarded_port_reaches_the_guest(void **state)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(network_options.forward[0].port)};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    uint8_t f[60] = {0};

    (void)state;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof to), 0);
    arp_make(f, 2, frame + 6); /* where we are, should slirp ask */
    send_frame(f, 60);
    frame_wait(0x0800, 6);
    assert_memory_equal(frame + IP_TO, our_ip, 4);
    assert_int_equal(frame[PAYLOAD + 2] << 8 | frame[PAYLOAD + 3], 80);
    assert_int_equal(frame[PAYLOAD + 13] & 0x12, 0x02); /* SYN, no ACK */
    close(client);
}

static void test_when_nothing_happens_the_wait_is_long(void **state)
{
    uint64_t end = time_host() + SECOND;
    uint32_t turns = 0;

    (void)state;
    for (; time_host() < end; turns++) {
        uint64_t wait = SECOND;
        uint32_t count;
        struct pollfd *fds = network_poll_begin(&count, &wait);

        fds[0] = (struct pollfd){.fd = -1};
        (void)poll(fds, count, (int)((wait + 999999) / 1000000));
        network_poll_end();
        while (frame_take()) {
        }
    }
    assert_in_range(turns, 1, 50); /* slirp's own timers: some a second */
}

static void test_any_frames_at_all_do_no_harm(void **state)
{
    static const uint8_t protocols[] = {1, 6, 17, 58};
    uint8_t f[WIRE_BYTES_MAX];
    uint64_t random = 12345;

    for (uint32_t i = 0; i < GARBAGE; i++) {
        uint32_t bytes = 14 + (uint32_t)(random >> 33) % (sizeof f - 14);

        for (uint32_t at = 0; at < bytes; at++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            f[at] = (uint8_t)(random >> 56);
        }
        if (i % 4 != 0) { /* half-way sound: it gets further */
            (void)ip_make(f, our_ip, host_ip, protocols[i / 4 % 4], bytes > 34 ? bytes - 34 : 0);
        }
        send_frame(f, bytes);
        network_look();
        while (frame_take()) {
        }
    }
    test_arp_finds_the_host_and_ping_is_answered(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dhcp_offers_the_address),
        cmocka_unit_test(test_arp_finds_the_host_and_ping_is_answered),
        cmocka_unit_test(test_a_connection_to_the_forwarded_port_reaches_the_guest),
        cmocka_unit_test(test_when_nothing_happens_the_wait_is_long),
        cmocka_unit_test(test_any_frames_at_all_do_no_harm),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
