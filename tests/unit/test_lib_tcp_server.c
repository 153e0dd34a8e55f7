/* SPDX-License-Identifier: MIT */
/*
 * The connection loop (lib/tcp_server.c) on sockets and a clock of this file's: who is closed when, and who makes room.
 * A test is a script; socket_poll takes its next step, and leaves the loop when there is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Instead of lib/sys.h: the clock is this file's. */
#define LIB_SYS_H
#include "atmos/abi.h"

struct atm_result {
    int64_t status;
    uint64_t r[6];
};
static struct atm_result atm_clock(void);

#include "lib/tcp_server.c"

#define PLACES 3
#define SOCKETS 16
#define STEPS 64

/* What a client does, or a look at what it sees. */
enum step_kind { STEP_CONNECT, STEP_SEND, STEP_END, STEP_RESET, STEP_WAIT, STEP_EXPECT };
enum seen { SEEN_OPEN, SEEN_ENDED, SEEN_CLOSED, SEEN_RESET };

struct step {
    enum step_kind kind;
    int client;       /* number of the connection, from 0, in the order they come */
    const char *text; /* STEP_SEND; STEP_EXPECT: all it has received so far */
    uint64_t wait;    /* seconds */
    enum seen seen;
};

/* A connection as the service keeps it. */
struct fake {
    int open; /* the server has its number */
    enum seen seen;
    int end, reset; /* the client's */
    char in[64], out[256];
    size_t in_at, in_end, out_end;
    uint32_t watched;
    uint64_t cookie;
};

static struct {
    struct fake socket[SOCKETS]; /* 0 is the listener */
    int client[SOCKETS];         /* its socket; 0: waits to be accepted */
    int clients, accepted;
    const struct step *step;
    size_t steps, at;
    uint64_t now;
    int most; /* connections the service gives, -1: any number */
    jmp_buf done;
} net;

static struct atm_result atm_clock(void) { return (struct atm_result){0, {net.now}}; }

/* ---- the service ---- */

int64_t socket_setup(uint32_t sockets, uint32_t pages, uint64_t endpoint)
{
    (void)endpoint;
    return sockets > PLACES && pages > 0 ? 0 : -ERR_ARGUMENT;
}

int socket_open(enum socket_type type)
{
    assert_int_equal(type, SOCKET_TCP);
    net.socket[0].open = 1;
    return 0;
}

int64_t socket_bind(int s, const struct socket_address *local)
{
    assert_int_equal(local->port, 77);
    return s;
}

int64_t socket_listen(int s, uint32_t backlog) { return backlog > 0 ? s : -ERR_ARGUMENT; }

int socket_accept(int s, struct socket_address *peer, uint64_t deadline)
{
    (void)peer;
    assert_int_equal(s + (int)deadline, 0);
    if (net.accepted == net.clients)
        return -ERR_WOULD_BLOCK;
    if (net.most == 0)
        return -SOCKET_LIMIT;
    net.most--;
    int number = 1;
    while (net.socket[number].open || net.socket[number].seen != SEEN_OPEN)
        number++;
    net.socket[number].open = 1;
    net.client[net.accepted++] = number;
    return number;
}

static struct fake *fake_of(int s)
{
    assert_in_range(s, 1, SOCKETS - 1);
    assert_true(net.socket[s].open);
    return &net.socket[s];
}

int64_t socket_close(int s)
{
    struct fake *f = fake_of(s);
    f->open = 0;
    f->seen = SEEN_CLOSED;
    return 0;
}

int64_t socket_abort(int s)
{
    socket_close(s);
    net.socket[s].seen = SEEN_RESET;
    return 0;
}

int64_t socket_shutdown(int s)
{
    fake_of(s)->seen = SEEN_ENDED;
    return 0;
}

int64_t socket_send_room(int s, void **to)
{
    struct fake *f = fake_of(s);
    *to = f->out + f->out_end;
    return (int64_t)(sizeof f->out - 1 - f->out_end);
}

int64_t socket_send_commit(int s, size_t bytes)
{
    fake_of(s)->out_end += bytes;
    return (int64_t)bytes;
}

int64_t socket_recv_view(int s, const void **from)
{
    struct fake *f = fake_of(s);
    *from = f->in + f->in_at;
    if (f->in_at < f->in_end)
        return (int64_t)(f->in_end - f->in_at);
    return f->reset ? -SOCKET_RESET : f->end ? 0 : -ERR_WOULD_BLOCK;
}

int64_t socket_recv_done(int s, size_t bytes)
{
    fake_of(s)->in_at += bytes;
    return 0;
}

int64_t socket_watch(int s, uint32_t events, uint64_t cookie)
{
    net.socket[s].watched = events;
    net.socket[s].cookie = cookie;
    return 0;
}

/* What is so now of what is watched. */
static int events_find(struct socket_event *event)
{
    int n = 0;
    if (net.accepted < net.clients && net.socket[0].watched != 0)
        event[n++] = (struct socket_event){0, SOCKET_CAN_READ, 0};
    for (int s = 1; s < SOCKETS; s++) {
        const struct fake *f = &net.socket[s];
        uint32_t events = f->in_at < f->in_end || f->end ? SOCKET_CAN_READ : 0;
        events |= f->out_end < sizeof f->out - 1 ? SOCKET_CAN_WRITE : 0;
        events = (events & f->watched) | (f->reset ? SOCKET_HAS_ENDED : 0);
        if (f->open && events != 0)
            event[n++] = (struct socket_event){s, events, f->cookie};
    }
    return n;
}

static void step_expect(const struct step *step)
{
    const struct fake *f = &net.socket[net.client[step->client]];
    assert_int_equal(f->seen, step->seen);
    if (step->text != NULL) {
        assert_int_equal(f->out_end, strlen(step->text));
        assert_memory_equal(f->out, step->text, f->out_end);
    }
}

static void step_do(const struct step *step)
{
    struct fake *f = &net.socket[net.client[step->client]];
    switch (step->kind) {
    case STEP_CONNECT:
        net.clients++;
        break;
    case STEP_SEND:
        memcpy(f->in + f->in_end, step->text, strlen(step->text));
        f->in_end += strlen(step->text);
        break;
    case STEP_END:
        f->end = 1;
        break;
    case STEP_RESET:
        f->reset = 1;
        break;
    default:
        step_expect(step);
    }
}

int socket_poll(struct socket_event *event, int most, struct message *message, uint64_t deadline)
{
    (void)message;
    assert_true(most >= SOCKETS);
    for (;;) {
        int n = events_find(event);
        if (n > 0)
            return n;
        if (net.at == net.steps)
            longjmp(net.done, 1);
        const struct step *step = &net.step[net.at];
        if (step->kind == STEP_WAIT) {
            uint64_t end = step->wait * 1000000000u;
            if (deadline < end) {
                net.now = deadline > net.now ? deadline : net.now;
                return 0;
            }
            net.now = end;
        } else {
            step_do(step);
        }
        net.at++;
    }
}

/* ---- the engine: "x" is answered "y", "q" ends, "w" is answered more than is read; other bytes need one of them ---- */

struct engine {
    uint64_t turns;
    int middle, answers, ended;
};

static void start(void *state) { memset(state, 0, sizeof(struct engine)); }

static size_t take(void *state, const void *from, size_t bytes)
{
    struct engine *e = state;
    for (size_t i = 0; i < bytes; i++) {
        char c = ((const char *)from)[i];
        e->middle = c != 'x' && c != 'q' && c != 'w';
        e->answers += c == 'x' ? 1 : c == 'w' ? 1000 : 0;
        e->turns += c == 'x';
        e->ended |= c == 'q';
    }
    return bytes;
}

static size_t give(void *state, void *to, size_t room)
{
    struct engine *e = state;
    size_t n = (size_t)e->answers < room ? (size_t)e->answers : room;
    memset(to, 'y', n);
    e->answers -= (int)n;
    return n;
}

static enum tcp_phase phase(const void *state)
{
    const struct engine *e = state;
    if (e->answers > 0)
        return TCP_WRITING;
    return e->ended ? TCP_ENDED : e->middle ? TCP_READING : TCP_IDLE;
}

static uint64_t turns(const void *state)
{
    const struct engine *e = state;
    return e->turns;
}

static void late(void *state)
{
    struct engine *e = state;
    e->answers = 1;
    e->ended = 1;
}

static void end(void *state) { (void)state; }

static void run(const struct step *step, size_t steps)
{
    static const struct tcp_engine engine = {
        sizeof(struct engine), start, take, give, phase, turns, late, end};
    static const struct tcp_server server = {.engine = &engine,
                                             .port = 77,
                                             .connections = PLACES,
                                             .pages = 1,
                                             .limit = {[TCP_IDLE] = 100000000000u,
                                                       [TCP_READING] = 10000000000u,
                                                       [TCP_WRITING] = 20000000000u,
                                                       [TCP_ENDED] = 3000000000u}};
    net.step = step;
    net.steps = steps;
    if (setjmp(net.done) == 0)
        fail_msg("the loop ended: %ld", (long)tcp_serve(&server));
    assert_int_equal(net.at, steps);
}

#define RUN(...)                                                                                   \
    do {                                                                                           \
        static const struct step steps[] = {__VA_ARGS__};                                          \
        run(steps, sizeof steps / sizeof steps[0]);                                                \
    } while (0)
#define CONNECT                                                                                    \
    {                                                                                              \
        STEP_CONNECT, 0, NULL, 0, SEEN_OPEN                                                        \
    }
#define SEND(client, text)                                                                         \
    {                                                                                              \
        STEP_SEND, client, text, 0, SEEN_OPEN                                                      \
    }
#define END(client)                                                                                \
    {                                                                                              \
        STEP_END, client, NULL, 0, SEEN_OPEN                                                       \
    }
#define RESET(client)                                                                              \
    {                                                                                              \
        STEP_RESET, client, NULL, 0, SEEN_OPEN                                                     \
    }
#define UNTIL(seconds)                                                                             \
    {                                                                                              \
        STEP_WAIT, 0, NULL, seconds, SEEN_OPEN                                                     \
    }
#define EXPECT(client, text, seen)                                                                 \
    {                                                                                              \
        STEP_EXPECT, client, text, 0, seen                                                         \
    }

static int setup(void **state)
{
    (void)state;
    memset(&net, 0, sizeof net);
    net.most = -1;
    net.now = 1;
    memset(&tcp, 0, sizeof tcp);
    memset(&tcp_count, 0, sizeof tcp_count);
    return 0;
}

static void chain_free(struct connection *c)
{
    while (c != NULL) {
        struct connection *next = c->next;
        free(c);
        c = next;
    }
}

/* Every connection is on one list, and those lists are all. */
static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < TCP_PHASES; i++)
        chain_free(tcp.phase[i].first);
    chain_free(tcp.free);
    return 0;
}

static void test_tcp_requests_are_answered(void **state)
{
    (void)state;
    RUN(CONNECT, SEND(0, "x"), EXPECT(0, "y", SEEN_OPEN), SEND(0, "axbxx"),
        EXPECT(0, "yyyy", SEEN_OPEN), END(0), EXPECT(0, "yyyy", SEEN_CLOSED));
}

static void test_tcp_end_is_told_and_waited_for(void **state)
{
    (void)state;
    RUN(CONNECT, SEND(0, "xq"), EXPECT(0, "y", SEEN_ENDED), SEND(0, "rest"),
        EXPECT(0, "y", SEEN_ENDED), END(0), EXPECT(0, "y", SEEN_CLOSED), CONNECT, SEND(1, "q"),
        UNTIL(2), EXPECT(1, "", SEEN_ENDED), UNTIL(4), EXPECT(1, "", SEEN_CLOSED));
}

static void test_tcp_slow_request_is_late_however_it_trickles(void **state)
{
    (void)state;
    RUN(CONNECT, SEND(0, "a"), UNTIL(4), SEND(0, "a"), UNTIL(8), SEND(0, "a"),
        EXPECT(0, "", SEEN_OPEN), UNTIL(11), EXPECT(0, "y", SEEN_ENDED), UNTIL(15),
        EXPECT(0, "y", SEEN_CLOSED));
    assert_int_equal(tcp_count.late, 1);
}

static void test_tcp_new_request_has_its_own_time(void **state)
{
    (void)state;
    RUN(CONNECT, SEND(0, "a"), UNTIL(8), SEND(0, "xa"), UNTIL(16), SEND(0, "xa"), UNTIL(24),
        EXPECT(0, "yy", SEEN_OPEN), UNTIL(27), EXPECT(0, "yyy", SEEN_ENDED));
}

static void test_tcp_idle_and_unread_are_closed_in_time(void **state)
{
    (void)state;
    RUN(CONNECT, CONNECT, SEND(1, "w"), UNTIL(19), EXPECT(1, NULL, SEEN_OPEN), UNTIL(21),
        EXPECT(1, NULL, SEEN_CLOSED), EXPECT(0, "", SEEN_OPEN), UNTIL(99), EXPECT(0, "", SEEN_OPEN),
        UNTIL(101), EXPECT(0, "", SEEN_CLOSED));
}

static void test_tcp_longest_idle_makes_room(void **state)
{
    (void)state;
    RUN(CONNECT, CONNECT, CONNECT, UNTIL(1), SEND(0, "x"), CONNECT, EXPECT(0, "y", SEEN_OPEN),
        EXPECT(1, "", SEEN_CLOSED), UNTIL(2), SEND(2, "a"), SEND(0, "a"), CONNECT,
        EXPECT(3, "", SEEN_CLOSED), EXPECT(0, "y", SEEN_OPEN), EXPECT(2, "", SEEN_OPEN));
    assert_int_equal(tcp_count.crowded_out, 2);
}

static void test_tcp_who_is_answered_makes_no_room(void **state)
{
    (void)state;
    RUN(CONNECT, CONNECT, CONNECT, SEND(0, "w"), SEND(1, "w"), SEND(2, "w"), CONNECT, UNTIL(10),
        EXPECT(0, NULL, SEEN_OPEN), EXPECT(1, NULL, SEEN_OPEN), EXPECT(2, NULL, SEEN_OPEN),
        UNTIL(21), EXPECT(0, NULL, SEEN_CLOSED), SEND(3, "x"), EXPECT(3, "y", SEEN_OPEN));
    assert_int_equal(tcp_count.crowded_out, 0);
}

static void test_tcp_reset_gives_the_place_back(void **state)
{
    (void)state;
    RUN(CONNECT, CONNECT, CONNECT, RESET(0), RESET(1), RESET(2), EXPECT(0, "", SEEN_CLOSED),
        CONNECT, SEND(3, "x"), EXPECT(3, "y", SEEN_OPEN));
    assert_int_equal(tcp_count.open, 1);
    assert_int_equal(tcp_count.crowded_out, 0);
}

static void test_tcp_service_out_of_memory_costs_the_idle(void **state)
{
    (void)state;
    net.most = 2;
    RUN(CONNECT, CONNECT, SEND(0, "w"), CONNECT, EXPECT(1, "", SEEN_CLOSED),
        EXPECT(0, NULL, SEEN_OPEN), UNTIL(5), EXPECT(0, NULL, SEEN_OPEN));
    assert_int_equal(tcp_count.crowded_out, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tcp_requests_are_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp_end_is_told_and_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp_slow_request_is_late_however_it_trickles, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_tcp_new_request_has_its_own_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp_idle_and_unread_are_closed_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp_longest_idle_makes_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp_who_is_answered_makes_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp_reset_gives_the_place_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp_service_out_of_memory_costs_the_idle, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("lib_tcp_server", tests, NULL, NULL);
}
