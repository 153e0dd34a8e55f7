/* SPDX-License-Identifier: MIT */
/* IPC: send, receive, call, reply, reply_receive, reply_save; blocking forms, deadlines, payload, deaths. */
#include "tests/unit/harness.h"

#define BADGE 7u
#define LABEL 0xABCDu

static uint64_t endpoint;               /* init's handle */
static struct actor server, client;     /* of one container, two processes */
static uint64_t server_end, client_end; /* their handles */

static int setup(void **state)
{
    int bad = machine_setup(state);
    endpoint = endpoint_new();
    server = actor_new(box);
    client = actor_new(box);
    server_end = actor_give(server, endpoint, RIGHTS_ALL & ~RIGHT_SEND, 0);
    client_end = actor_give(client, endpoint, RIGHTS_ALL & ~RIGHT_RECEIVE, BADGE);
    return bad;
}
#define ipc_test(f) cmocka_unit_test_setup_teardown(f, setup, machine_teardown)

static void check_message(pfn_t t, uint64_t badge, uint64_t tag, uint64_t w0, uint64_t w3)
{
    check_equal(result(t, 0), badge);
    check_equal(result(t, 1), tag);
    check_equal(result(t, 2), w0);
    check_equal(result(t, 5), w3);
}

/* ---- send and receive ---- */

static void test_send_receiver_waits_delivers_words_and_badge(void **state)
{
    (void)state;
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    check_equal(thread_at[T(server.thread)].state, THREAD_RECEIVING);
    expect(OK, sys(client.thread, SYS_send, client_end, TAG(LABEL, 4, 0), 1, 2, 3, 4));
    expect(OK, outcome(server.thread));
    check_message(server.thread, BADGE, TAG(LABEL, 4, 0), 1, 4);
    check_equal(result(server.thread, 3), 2);
    check_equal(result(server.thread, 4), 3);
}

static void test_send_nobody_waits_blocks_until_received(void **state)
{
    (void)state;
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(LABEL, 1, 0), 11));
    check_equal(thread_at[T(client.thread)].state, THREAD_SENDING);
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    check_message(server.thread, BADGE, TAG(LABEL, 1, 0), 11, 0);
    expect(OK, outcome(client.thread));
}

static void test_send_nonblock_nobody_waits_would_block(void **state)
{
    (void)state;
    expect(ERR_WOULD_BLOCK, sys(client.thread, SYS_send, client_end, TAG(1, 0, 0) | TAG_NONBLOCK));
    check_equal(thread_at[T(client.thread)].state, THREAD_RUNNING);
}

static void test_receive_nonblock_nothing_would_block(void **state)
{
    (void)state;
    expect(ERR_WOULD_BLOCK, sys(server.thread, SYS_receive, server_end, TAG_NONBLOCK));
}

static void test_send_deadline_passes_gives_timeout(void **state)
{
    (void)state;
    deadline(client.thread, 1000000);
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(1, 0, 0) | TAG_DEADLINE));
    check_equal(hosted_direct.timer <= 1000000, 1);
    tick(999999);
    expect(BLOCKED, outcome(client.thread));
    tick(1);
    expect(ERR_TIMEOUT, outcome(client.thread));
    expect(ERR_WOULD_BLOCK, sys(server.thread, SYS_receive, server_end, TAG_NONBLOCK));
}

static void test_receive_deadline_passes_gives_timeout(void **state)
{
    (void)state;
    deadline(server.thread, 5);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, TAG_DEADLINE));
    tick(5);
    expect(ERR_TIMEOUT, outcome(server.thread));
}

static void test_send_deadline_in_the_past_gives_timeout(void **state)
{
    (void)state;
    hosted_clock_advance(1000);
    deadline(client.thread, 999);
    int got = sys(client.thread, SYS_send, client_end, TAG(1, 0, 0) | TAG_DEADLINE);
    if (got == BLOCKED) {
        tick(0);
        got = outcome(client.thread);
    }
    expect(ERR_TIMEOUT, got);
}

static void test_send_deadline_met_is_forgotten(void **state)
{
    (void)state;
    deadline(client.thread, 1000);
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(1, 0, 0) | TAG_DEADLINE));
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, outcome(client.thread));
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(1, 0, 0)));
    tick(2000);
    expect(BLOCKED, outcome(client.thread));
}

static void test_receive_three_senders_first_come_first_served(void **state)
{
    (void)state;
    pfn_t more[3];
    for (uint64_t i = 0; i < 3; i++) {
        more[i] = actor_thread(client, SETUP(ACTOR_PRIORITY, 0), NULL);
        expect(BLOCKED, sys(more[i], SYS_send, client_end, TAG(1, 1, 0), 100 + i));
    }
    for (uint64_t i = 0; i < 3; i++) {
        expect(OK, sys(server.thread, SYS_receive, server_end, 0));
        check_equal(result(server.thread, 2), 100 + i);
        expect(OK, outcome(more[i]));
    }
}

static void test_send_unbadged_handle_gives_badge_zero(void **state)
{
    (void)state;
    uint64_t plain = actor_give(client, endpoint, RIGHT_SEND, 0);
    expect(BLOCKED, sys(client.thread, SYS_send, plain, TAG(1, 0, 0)));
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    check_equal(result(server.thread, 0), 0);
}

/* ---- malformed messages ---- */

static void test_send_bad_tags_give_message(void **state)
{
    (void)state;
    static const uint64_t bad[] = {
        TAG(1, 65, 0), TAG(1, 127, 0), TAG(1, 0, 5), TAG(1, 0, 7),
        0x80,          0x800,          TAG_EVENT,    TAG_CALL,
        TAG_FAULT,     0x20000,        0x80000000,   TAG_NONBLOCK | TAG_DEADLINE,
    };
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int got = sys(client.thread, SYS_send, client_end, bad[i]);
        if (i + 1 == sizeof bad / sizeof bad[0] && got == ERR_WOULD_BLOCK)
            continue; /* both: not waiting wins */
        expect(ERR_MESSAGE, got);
    }
    expect(ERR_MESSAGE, sys(server.thread, SYS_receive, server_end, 1));
    expect(ERR_MESSAGE, sys(server.thread, SYS_receive, server_end, (uint64_t)1 << 32));
}

static void test_send_long_without_message_page_gives_message(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_thread_create, client.process_handle, ACTOR_CODE, ACTOR_STACK,
                   0, SETUP(ACTOR_PRIORITY, 0), 0));
    pfn_t bare = object_of(init_process, result(init_thread, 0));
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_MESSAGE, sys(bare, SYS_send, client_end, TAG(1, 5, 0)));
    expect(ERR_MESSAGE, sys(bare, SYS_send, client_end, TAG(1, 0, 1)));
    expect(OK, sys(bare, SYS_send, client_end, TAG(1, 4, 0)));
}

static void test_send_message_page_unmapped_gives_unmapped(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_unmap, client.process_handle, ACTOR_MESSAGE, 1, 0));
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    int got = sys(client.thread, SYS_send, client_end, TAG(1, 5, 0));
    assert_true(got == ERR_UNMAPPED || got == ERR_MESSAGE);
    expect(BLOCKED, outcome(server.thread));
}

/* A message that waited and cannot be moved is its sender's error; the receiver asks again. */
static void test_receive_message_that_cannot_move_gives_again(void **state)
{
    (void)state;
    pfn_t second = actor_thread(client, SETUP(ACTOR_PRIORITY, 0), NULL);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, 999, RIGHT_READ, 0});
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
    expect(BLOCKED, sys(second, SYS_send, client_end, TAG(1, 1, 0), 6));
    expect(ERR_AGAIN, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_HANDLE, outcome(client.thread));
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    check_equal(result(server.thread, 2), 6);
}

/* The receiver's process ended before it was destroyed: what is sent must wait for somebody alive. */
static void test_send_to_ended_receiver_waits_for_the_next(void **state)
{
    (void)state;
    struct actor next = actor_new(box);
    uint64_t next_end = actor_give(next, endpoint, RIGHTS_ALL, 0);
    pfn_t other = actor_thread(server, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(GONE, sys(other, SYS_process_exit, 0));
    expect(BLOCKED, sys(client.thread, SYS_call, client_end, TAG(1, 1, 0), 9));
    expect(OK, sys(next.thread, SYS_receive, next_end, 0));
    check_equal(result(next.thread, 2), 9);
    expect(OK, sys(next.thread, SYS_reply, 0, TAG(1, 0, 0)));
    expect(OK, outcome(client.thread));
}

static void test_signal_to_ended_receiver_stays_pending(void **state)
{
    (void)state;
    pfn_t other = actor_thread(server, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(GONE, sys(other, SYS_process_exit, 0));
    expect(OK, sys(client.thread, SYS_signal, client_end, 4));
    expect(OK, sys(init_thread, SYS_receive, endpoint, TAG_NONBLOCK));
    check_equal(result(init_thread, 2), 4);
}

/* ---- message page ---- */

static void test_send_sixty_four_words_arrive(void **state)
{
    (void)state;
    for (uint32_t i = REGISTER_WORDS; i < MESSAGE_WORDS_MAX; i++)
        poke(client.process, ACTOR_MESSAGE + 8 * i, 1000 + i);
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(LABEL, 64, 0), 1, 2, 3, 4));
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    check_message(server.thread, BADGE, TAG(LABEL, 64, 0), 1, 4);
    for (uint32_t i = REGISTER_WORDS; i < MESSAGE_WORDS_MAX; i++)
        check_equal(peek(server.process, ACTOR_MESSAGE + 8 * i), 1000 + i);
    expect(OK, outcome(client.thread));
}

static void test_send_five_words_leave_the_sixth_alone(void **state)
{
    (void)state;
    poke(client.process, ACTOR_MESSAGE + 32, 77);
    poke(client.process, ACTOR_MESSAGE + 40, 78);
    poke(server.process, ACTOR_MESSAGE + 40, 5);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, sys(client.thread, SYS_send, client_end, TAG(LABEL, 5, 0)));
    check_equal(peek(server.process, ACTOR_MESSAGE + 32), 77);
    check_equal(peek(server.process, ACTOR_MESSAGE + 40), 5);
}

static void test_send_receiver_without_message_page_gives_transfer(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_unmap, server.process_handle, ACTOR_MESSAGE, 1, 0));
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_TRANSFER, sys(client.thread, SYS_send, client_end, TAG(1, 5, 0)));
    expect(BLOCKED, outcome(server.thread));
}

/* ---- handles in messages ---- */

static void test_send_handle_copies_it_with_fewer_rights(void **state)
{
    (void)state;
    uint64_t mine = actor_give(client, box, RIGHTS_ALL, 0);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, mine, RIGHT_READ | RIGHT_COPY, 0});
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
    uint32_t open = handles_open(client.process);
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    check_equal(TAG_ITEMS(result(server.thread, 1)), 1);
    struct atm_item got = item_get(server, 0);
    check_equal(got.kind, ITEM_HANDLE);
    expect(OK, sys(server.thread, SYS_handle_info, got.value));
    check_equal(result(server.thread, 0), KIND_CONTAINER);
    check_equal(result(server.thread, 1), RIGHT_READ | RIGHT_COPY);
    check_equal(handles_open(client.process), open);
    expect(OK, sys(server.thread, SYS_container_info, got.value));
}

static void test_send_handle_move_closes_the_senders(void **state)
{
    (void)state;
    uint64_t mine = actor_give(client, box, RIGHTS_ALL, 0);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, mine, RIGHTS_ALL, ITEM_MOVE});
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
    expect(ERR_HANDLE, sys(client.thread, SYS_handle_info, mine));
    expect(OK, sys(server.thread, SYS_container_info, item_get(server, 0).value));
}

static void test_send_handle_rights_never_grow(void **state)
{
    (void)state;
    uint64_t mine = actor_give(client, box, RIGHT_READ | RIGHT_COPY, 0);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, mine, RIGHTS_ALL, 0});
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
    expect(OK, sys(server.thread, SYS_handle_info, item_get(server, 0).value));
    check_equal(result(server.thread, 1), RIGHT_READ | RIGHT_COPY);
}

static void test_send_handle_gives_a_badge(void **state)
{
    (void)state;
    uint64_t other = endpoint_new();
    uint64_t mine = actor_give(client, other, RIGHTS_ALL, 0);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, mine, RIGHTS_ALL, 55 * 2});
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
    expect(OK, sys(server.thread, SYS_handle_info, item_get(server, 0).value));
    check_equal(result(server.thread, 0), KIND_ENDPOINT);
    check_equal(result(server.thread, 2), 55);
}

static void test_send_handle_without_copy_right_gives_rights(void **state)
{
    (void)state;
    uint64_t mine = actor_give(client, box, RIGHT_READ, 0);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, mine, RIGHT_READ, 0});
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_RIGHTS, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
    expect(BLOCKED, outcome(server.thread));
}

static void test_send_items_without_grant_right_gives_rights(void **state)
{
    (void)state;
    uint64_t poor = actor_give(client, endpoint, RIGHT_SEND, 0);
    uint64_t mine = actor_give(client, box, RIGHTS_ALL, 0);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, mine, RIGHT_READ, 0});
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_RIGHTS, sys(client.thread, SYS_send, poor, TAG(1, 0, 1)));
}

static void test_send_item_of_unknown_kind_gives_message(void **state)
{
    (void)state;
    item_set(client, 0, (struct atm_item){3, 0, 0, 0});
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_MESSAGE, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
    expect(BLOCKED, outcome(server.thread));
}

static void test_send_item_bad_handle_gives_handle(void **state)
{
    (void)state;
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, 999, RIGHT_READ, 0});
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_HANDLE, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
}

static void test_send_handles_receiver_table_full_gives_transfer(void **state)
{
    (void)state;
    uint64_t mine = actor_give(client, box, RIGHTS_ALL, 0);
    check_unchanged_every = 64;
    check_invariants_every = 64;
    while (sys(init_thread, SYS_handle_copy, server.process_handle, box, RIGHT_READ, 0) == OK)
        continue;
    check_equal(handles_open(server.process), HANDLES_MAX - 1);
    check_unchanged_every = 1;
    check_invariants_every = 1;
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, mine, RIGHT_READ, 0});
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_TRANSFER, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
    expect(BLOCKED, outcome(server.thread));
}

static void test_send_four_items_arrive_in_order(void **state)
{
    (void)state;
    poke(client.process, ACTOR_DATA, 0xFEED);
    uint64_t mine = actor_give(client, box, RIGHTS_ALL, 0);
    receive_window(server, ACTOR_RECEIVE, 2);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, mine, RIGHT_READ, 0});
    item_set(client, 1, (struct atm_item){ITEM_PAGE, ACTOR_DATA, PAGE_READ, 0});
    item_set(client, 2, (struct atm_item){ITEM_HANDLE, client_end, RIGHT_SEND, 0});
    item_set(client, 3, (struct atm_item){ITEM_PAGE, ACTOR_DATA, PAGE_READ | PAGE_WRITE, 0});
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, sys(client.thread, SYS_send, client_end, TAG(1, 0, 4)));
    expect(OK, sys(server.thread, SYS_handle_info, item_get(server, 0).value));
    check_equal(result(server.thread, 0), KIND_CONTAINER);
    expect(OK, sys(server.thread, SYS_handle_info, item_get(server, 2).value));
    check_equal(result(server.thread, 0), KIND_ENDPOINT);
    check_equal(result(server.thread, 2), BADGE);
    check_equal(item_get(server, 1).value, ACTOR_RECEIVE);
    check_equal(item_get(server, 3).value, ACTOR_RECEIVE + 4096);
    check_equal(peek(server.process, ACTOR_RECEIVE), 0xFEED);
    check_equal(peek(server.process, ACTOR_RECEIVE + 4096), 0xFEED);
}

/* ---- pages in messages ---- */

static int send_page(uint64_t flags, uint64_t move)
{
    item_set(client, 0, (struct atm_item){ITEM_PAGE, ACTOR_DATA, flags, move});
    return sys(client.thread, SYS_send, client_end, TAG(1, 0, 1));
}

static void test_send_page_share_both_keep_it(void **state)
{
    (void)state;
    poke(client.process, ACTOR_DATA + 8, 4711);
    receive_window(server, ACTOR_RECEIVE, 1);
    uint64_t charged = process_at[P(server.process)].charged;
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, send_page(PAGE_READ, 0));
    check_equal(peek(server.process, ACTOR_RECEIVE + 8), 4711);
    assert_true(is_mapped(client.process, ACTOR_DATA));
    assert_true(process_at[P(server.process)].charged > charged);
    expect(OK, sys(server.thread, SYS_query, 0, ACTOR_RECEIVE));
    check_equal(result(server.thread, 0) & (PAGE_READ | PAGE_WRITE | PAGE_MAX_WRITE), PAGE_READ);
    check_equal(result(server.thread, 2), 2);
    expect(ERR_PERM, sys(server.thread, SYS_protect, 0, ACTOR_RECEIVE, 1, PAGE_READ | PAGE_WRITE));
}

static void test_send_page_move_sender_loses_it(void **state)
{
    (void)state;
    poke(client.process, ACTOR_DATA + 8, 4711);
    receive_window(server, ACTOR_RECEIVE, 1);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, send_page(PAGE_READ | PAGE_WRITE, ITEM_MOVE));
    check_equal(peek(server.process, ACTOR_RECEIVE + 8), 4711);
    assert_false(is_mapped(client.process, ACTOR_DATA));
    expect(OK, sys(server.thread, SYS_query, 0, ACTOR_RECEIVE));
    check_equal(result(server.thread, 2), 1);
}

static void test_send_page_no_window_gives_transfer(void **state)
{
    (void)state;
    receive_window(server, 0, 0);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_TRANSFER, send_page(PAGE_READ, 0));
    expect(BLOCKED, outcome(server.thread));
}

static void test_send_page_bad_windows_give_transfer(void **state)
{
    (void)state;
    static const uint64_t bad[] = {
        1,        ACTOR_RECEIVE + 8, ACTOR_DATA /* taken */, 0x1000,
        USER_TOP, UINT64_MAX,        UINT64_MAX - 4095,      0x800000000000,
    };
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        receive_window(server, bad[i], 1);
        expect(ERR_TRANSFER, send_page(PAGE_READ, 0));
        expect(BLOCKED, outcome(server.thread));
    }
}

static void test_send_page_unmapped_gives_unmapped(void **state)
{
    (void)state;
    receive_window(server, ACTOR_RECEIVE, 1);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, sys(client.thread, SYS_unmap, 0, ACTOR_DATA, 1, 0));
    expect(ERR_UNMAPPED, send_page(PAGE_READ, 0));
}

static void test_send_page_more_than_it_has_gives_perm(void **state)
{
    (void)state;
    receive_window(server, ACTOR_RECEIVE, 1);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(OK, sys(client.thread, SYS_protect, 0, ACTOR_DATA, 1, PAGE_READ));
    expect(ERR_PERM, send_page(PAGE_READ | PAGE_WRITE | PAGE_EXECUTE, 0));
    expect(BLOCKED, outcome(server.thread));
}

static void test_send_page_of_superpage_gives_size(void **state)
{
    (void)state;
    uint64_t va = 0x40000000;
    int got = ERR_AGAIN;
    for (uint32_t i = 0; i < 200 && got == ERR_AGAIN; i++)
        got = sys(init_thread, SYS_map, client.process_handle, va, 1,
                  PAGE_READ | PAGE_WRITE | PAGE_SIZE_2M);
    expect(OK, got);
    receive_window(server, ACTOR_RECEIVE, 1);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    item_set(client, 0, (struct atm_item){ITEM_PAGE, va, PAGE_READ, 0});
    expect(ERR_SIZE, sys(client.thread, SYS_send, client_end, TAG(1, 0, 1)));
}

static void test_send_page_receiver_quota_used_up_gives_quota(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_container_create, box, 64, 1, BOX_CEILING, 0, 0));
    uint64_t small = result(init_thread, 0);
    struct actor poor = actor_new(small);
    uint64_t poor_end = actor_give(poor, endpoint, RIGHTS_ALL, 0);
    receive_window(poor, ACTOR_RECEIVE, 1);
    pfn_t c = object_of(init_process, small);
    while (container_at[C(c)].used < 64)
        expect(OK, sys(init_thread, SYS_process_create, small, 0, 0, 0, 0) == OK
                       ? OK
                       : sys(init_thread, SYS_map, poor.process_handle,
                             ACTOR_DATA + 4096 * (1 + container_at[C(c)].used), 1, PAGE_READ));
    expect(BLOCKED, sys(poor.thread, SYS_receive, poor_end, 0));
    int got = send_page(PAGE_READ, 0);
    assert_true(got == ERR_QUOTA || got == ERR_TRANSFER);
    expect(BLOCKED, outcome(poor.thread));
}

/* ---- calls and answers ---- */

static void call_taken(pfn_t caller)
{
    expect(BLOCKED, sys(caller, SYS_call, client_end, TAG(LABEL, 1, 0), 5));
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    check_equal(result(server.thread, 1), TAG(LABEL, 1, 0) | TAG_CALL);
    check_equal(thread_at[T(caller)].state, THREAD_CALLING);
}

static void test_call_answered_returns_the_answer(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(OK, sys(server.thread, SYS_reply, 0, TAG(2, 2, 0), 21, 22));
    expect(OK, outcome(client.thread));
    check_equal(result(client.thread, 1), TAG(2, 2, 0));
    check_equal(result(client.thread, 2), 21);
    check_equal(result(client.thread, 3), 22);
}

static void test_call_receiver_waits_is_taken_at_once(void **state)
{
    (void)state;
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(BLOCKED, sys(client.thread, SYS_call, client_end, TAG(1, 0, 0)));
    check_equal(thread_at[T(client.thread)].state, THREAD_CALLING);
    expect(OK, outcome(server.thread));
    check_equal(cpu_at[0].current, server.thread); /* direct switch */
}

/* A call of ten words whose pages are known from one before: client's words arrive, and the answer's. */
static void call_ten_words(uint64_t first)
{
    poke(client.process, ACTOR_MESSAGE + 9 * 8, first);
    expect(BLOCKED, sys(client.thread, SYS_call, client_end, TAG(1, 10, 0)));
    expect(OK, outcome(server.thread));
    check_equal(peek(server.process, ACTOR_MESSAGE + 9 * 8), first);
    poke(server.process, ACTOR_MESSAGE + 9 * 8, first + 1);
    expect(BLOCKED, sys(server.thread, SYS_reply_receive, server_end, TAG(2, 10, 0)));
    expect(OK, outcome(client.thread));
    check_equal(peek(client.process, ACTOR_MESSAGE + 9 * 8), first + 1);
}

static void test_call_pages_known_words_travel_both_ways(void **state)
{
    (void)state;
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    for (uint64_t round = 1; round <= 3; round++)
        call_ten_words(round * 100);
}

static void test_call_page_unmapped_since_gives_message(void **state)
{
    (void)state;
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    call_ten_words(1);
    expect(OK, sys(client.thread, SYS_unmap, 0, ACTOR_MESSAGE, 1, 0));
    expect(ERR_MESSAGE, sys(client.thread, SYS_call, client_end, TAG(1, 10, 0)));
    check_equal(thread_at[T(server.thread)].state, THREAD_RECEIVING);
}

static void test_reply_page_read_only_since_gives_transfer(void **state)
{
    (void)state;
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    call_ten_words(1);
    expect(OK, sys(client.thread, SYS_protect, 0, ACTOR_MESSAGE, 1, PAGE_READ));
    expect(BLOCKED, sys(client.thread, SYS_call, client_end, TAG(1, 10, 0)));
    expect(OK, outcome(server.thread));
    expect(ERR_TRANSFER, sys(server.thread, SYS_reply_receive, server_end, TAG(2, 10, 0)));
    check_equal(thread_at[T(client.thread)].state, THREAD_CALLING);
}

static void test_call_moves_its_own_handle_badge_and_grant_are_kept(void **state)
{
    (void)state;
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    call_ten_words(1);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE, client_end, RIGHTS_ALL, 1});
    expect(BLOCKED, sys(client.thread, SYS_call, client_end, TAG(1, 0, 1)));
    expect(OK, outcome(server.thread));
    check_equal(result(server.thread, 0), BADGE);
    check_equal(handle_slot(client.process, (uint32_t)client_end), 0);
    item_set(server, 0, (struct atm_item){ITEM_HANDLE, item_get(server, 0).value, RIGHT_SEND, 0});
    expect(OK, sys(server.thread, SYS_reply, 0, TAG(2, 0, 1)));
    expect(OK, outcome(client.thread)); /* the call's handle had the right to grant */
}

static void test_reply_answers_only_once(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(OK, sys(server.thread, SYS_reply, 0, TAG(2, 0, 0)));
    expect(ERR_NO_CALL, sys(server.thread, SYS_reply, 0, TAG(2, 0, 0)));
}

static void test_reply_without_call_gives_no_call(void **state)
{
    (void)state;
    expect(ERR_NO_CALL, sys(server.thread, SYS_reply, 0, TAG(2, 0, 0)));
    expect(ERR_NO_CALL, sys(server.thread, SYS_reply_save));
}

static void test_reply_to_send_gives_no_call(void **state)
{
    (void)state;
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(1, 0, 0)));
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_NO_CALL, sys(server.thread, SYS_reply, 0, TAG(2, 0, 0)));
}

static void test_reply_receive_answers_and_takes_the_next(void **state)
{
    (void)state;
    pfn_t second = actor_thread(client, SETUP(ACTOR_PRIORITY, 0), NULL);
    call_taken(client.thread);
    expect(BLOCKED, sys(second, SYS_call, client_end, TAG(3, 1, 0), 33));
    expect(OK, sys(server.thread, SYS_reply_receive, server_end, TAG(2, 1, 0), 8));
    check_equal(result(server.thread, 2), 33);
    expect(OK, outcome(client.thread));
    check_equal(result(client.thread, 2), 8);
    expect(BLOCKED, sys(server.thread, SYS_reply_receive, server_end, TAG(4, 0, 0)));
    expect(OK, outcome(second));
    check_equal(TAG_LABEL(result(second, 1)), 4);
}

static void test_reply_receive_nothing_to_answer_gives_no_call(void **state)
{
    (void)state;
    expect(ERR_NO_CALL, sys(server.thread, SYS_reply_receive, server_end, TAG(2, 0, 0)));
}

static void test_reply_receive_nonblock_answers_then_would_block(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(ERR_WOULD_BLOCK,
           sys(server.thread, SYS_reply_receive, server_end, TAG(2, 0, 0) | TAG_NONBLOCK));
    expect(OK, outcome(client.thread));
}

static void test_reply_receive_answer_fails_nothing_is_done(void **state)
{
    (void)state;
    call_taken(client.thread);
    item_set(server, 0, (struct atm_item){ITEM_HANDLE, 999, RIGHT_READ, 0});
    expect(ERR_HANDLE, sys(server.thread, SYS_reply_receive, server_end, TAG(2, 0, 1)));
    expect(BLOCKED, outcome(client.thread));
    expect(OK, sys(server.thread, SYS_reply, 0, TAG(2, 0, 0)));
    expect(OK, outcome(client.thread));
}

static void test_receive_again_unanswered_call_gets_peer(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    expect(ERR_PEER, outcome(client.thread));
}

static void test_reply_save_answers_out_of_order(void **state)
{
    (void)state;
    pfn_t second = actor_thread(client, SETUP(ACTOR_PRIORITY, 0), NULL);
    call_taken(client.thread);
    expect(OK, sys(server.thread, SYS_reply_save));
    uint64_t first_reply = result(server.thread, 0);
    call_taken(second);
    expect(OK, sys(server.thread, SYS_reply_save));
    uint64_t second_reply = result(server.thread, 0);
    expect(BLOCKED, outcome(client.thread));
    expect(OK, sys(server.thread, SYS_reply, second_reply, TAG(2, 1, 0), 22));
    expect(OK, outcome(second));
    check_equal(result(second, 2), 22);
    expect(BLOCKED, outcome(client.thread));
    expect(OK, sys(server.thread, SYS_reply, first_reply, TAG(2, 1, 0), 11));
    check_equal(result(client.thread, 2), 11);
    expect(ERR_HANDLE, sys(server.thread, SYS_reply, first_reply, TAG(2, 0, 0)));
}

static void test_reply_save_twice_gives_no_call(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(OK, sys(server.thread, SYS_reply_save));
    expect(ERR_NO_CALL, sys(server.thread, SYS_reply_save));
    expect(ERR_NO_CALL, sys(server.thread, SYS_reply, 0, TAG(2, 0, 0)));
}

static void test_handle_close_saved_reply_caller_gets_peer(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(OK, sys(server.thread, SYS_reply_save));
    expect(OK, sys(server.thread, SYS_handle_close, result(server.thread, 0)));
    expect(ERR_PEER, outcome(client.thread));
}

static void test_reply_to_dead_caller_gives_an_error(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(OK, sys(server.thread, SYS_reply_save));
    uint64_t reply = result(server.thread, 0);
    destroy_all(client.process_handle);
    expect(ERR_DEAD, sys(server.thread, SYS_reply, reply, TAG(2, 0, 0)));
    expect(OK, sys(server.thread, SYS_handle_close, reply));
}

static void test_call_deadline_passes_while_served_gives_timeout(void **state)
{
    (void)state;
    deadline(client.thread, 100);
    expect(BLOCKED, sys(client.thread, SYS_call, client_end, TAG(1, 0, 0) | TAG_DEADLINE));
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    tick(100);
    expect(ERR_TIMEOUT, outcome(client.thread));
    expect(ERR_NO_CALL, sys(server.thread, SYS_reply, 0, TAG(2, 0, 0)));
}

static void test_call_refused_takes_its_deadline_back(void **state)
{
    (void)state;
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    deadline(client.thread, 100);
    item_set(client, 0, (struct atm_item){ITEM_HANDLE + 7, 1, 0, 0});
    expect(ERR_MESSAGE, sys(client.thread, SYS_call, client_end, TAG(1, 0, 1) | TAG_DEADLINE));
    tick(200);
    expect(ERR_MESSAGE, outcome(client.thread));
    expect(BLOCKED, outcome(server.thread));
}

static void test_reply_with_items_reaches_the_caller(void **state)
{
    (void)state;
    poke(server.process, ACTOR_DATA, 31337);
    receive_window(client, ACTOR_RECEIVE, 1);
    call_taken(client.thread);
    item_set(server, 0, (struct atm_item){ITEM_PAGE, ACTOR_DATA, PAGE_READ, 0});
    expect(OK, sys(server.thread, SYS_reply, 0, TAG(2, 0, 1)));
    expect(OK, outcome(client.thread));
    check_equal(peek(client.process, ACTOR_RECEIVE), 31337);
    check_equal(item_get(client, 0).value, ACTOR_RECEIVE);
}

/* ---- deaths ---- */

static void test_destroy_endpoint_senders_and_callers_get_peer(void **state)
{
    (void)state;
    pfn_t second = actor_thread(client, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(1, 0, 0)));
    expect(BLOCKED, sys(second, SYS_call, client_end, TAG(1, 0, 0)));
    destroy_all(endpoint);
    expect(ERR_PEER, outcome(client.thread));
    expect(ERR_PEER, outcome(second));
    expect(ERR_DEAD, sys(client.thread, SYS_send, client_end, TAG(1, 0, 0)));
}

static void test_destroy_endpoint_receivers_get_peer(void **state)
{
    (void)state;
    expect(BLOCKED, sys(server.thread, SYS_receive, server_end, 0));
    destroy_all(endpoint);
    expect(ERR_PEER, outcome(server.thread));
}

static void test_destroy_callee_process_caller_gets_peer(void **state)
{
    (void)state;
    call_taken(client.thread);
    destroy_all(server.process_handle);
    expect(ERR_PEER, outcome(client.thread));
}

static void test_destroy_callee_thread_caller_gets_peer(void **state)
{
    (void)state;
    call_taken(client.thread);
    destroy_all(server.thread_handle);
    expect(ERR_PEER, outcome(client.thread));
}

static void test_destroy_process_with_saved_reply_caller_gets_peer(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(OK, sys(server.thread, SYS_reply_save));
    destroy_all(server.process_handle);
    expect(ERR_PEER, outcome(client.thread));
}

static void test_destroy_waiting_sender_leaves_the_queue(void **state)
{
    (void)state;
    pfn_t second = actor_thread(client, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(BLOCKED, sys(client.thread, SYS_send, client_end, TAG(1, 1, 0), 1));
    expect(BLOCKED, sys(second, SYS_send, client_end, TAG(1, 1, 0), 2));
    destroy_all(client.thread_handle);
    expect(OK, sys(server.thread, SYS_receive, server_end, 0));
    check_equal(result(server.thread, 2), 2);
}

/* What an ended process owes to others is settled by the kernel's next entries, whether or not it is ever destroyed. */
static void kernel_settles(void)
{
    for (uint32_t i = 0; i < 64 && dead_first != 0; i++)
        tick(1);
    check_equal(dead_first, 0);
}

static void test_process_exit_with_taken_call_caller_gets_peer(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(GONE, sys(server.thread, SYS_process_exit, 3));
    kernel_settles();
    expect(ERR_PEER, outcome(client.thread));
}

static void test_process_exit_with_saved_reply_caller_gets_peer(void **state)
{
    (void)state;
    call_taken(client.thread);
    expect(OK, sys(server.thread, SYS_reply_save));
    expect(GONE, sys(server.thread, SYS_process_exit, 3));
    kernel_settles();
    expect(ERR_PEER, outcome(client.thread));
}

static void test_fault_without_handler_sender_to_own_endpoint_gets_peer(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_endpoint_create, server.process_handle));
    uint64_t to = actor_give(client, result(init_thread, 0), RIGHTS_ALL, 0);
    expect(BLOCKED, sys(client.thread, SYS_call, to, TAG(1, 0, 0)));
    (void)fault(server.thread, FAULT_READ, 0x10);
    kernel_settles();
    expect(ERR_PEER, outcome(client.thread));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ipc_test(test_send_receiver_waits_delivers_words_and_badge),
        ipc_test(test_send_nobody_waits_blocks_until_received),
        ipc_test(test_send_nonblock_nobody_waits_would_block),
        ipc_test(test_receive_nonblock_nothing_would_block),
        ipc_test(test_send_deadline_passes_gives_timeout),
        ipc_test(test_receive_deadline_passes_gives_timeout),
        ipc_test(test_send_deadline_in_the_past_gives_timeout),
        ipc_test(test_send_deadline_met_is_forgotten),
        ipc_test(test_receive_three_senders_first_come_first_served),
        ipc_test(test_send_unbadged_handle_gives_badge_zero),
        ipc_test(test_send_bad_tags_give_message),
        ipc_test(test_send_long_without_message_page_gives_message),
        ipc_test(test_send_message_page_unmapped_gives_unmapped),
        ipc_test(test_receive_message_that_cannot_move_gives_again),
        ipc_test(test_send_to_ended_receiver_waits_for_the_next),
        ipc_test(test_signal_to_ended_receiver_stays_pending),
        ipc_test(test_send_sixty_four_words_arrive),
        ipc_test(test_send_five_words_leave_the_sixth_alone),
        ipc_test(test_send_receiver_without_message_page_gives_transfer),
        ipc_test(test_send_handle_copies_it_with_fewer_rights),
        ipc_test(test_send_handle_move_closes_the_senders),
        ipc_test(test_send_handle_rights_never_grow),
        ipc_test(test_send_handle_gives_a_badge),
        ipc_test(test_send_handle_without_copy_right_gives_rights),
        ipc_test(test_send_items_without_grant_right_gives_rights),
        ipc_test(test_send_item_of_unknown_kind_gives_message),
        ipc_test(test_send_item_bad_handle_gives_handle),
        ipc_test(test_send_handles_receiver_table_full_gives_transfer),
        ipc_test(test_send_four_items_arrive_in_order),
        ipc_test(test_send_page_share_both_keep_it),
        ipc_test(test_send_page_move_sender_loses_it),
        ipc_test(test_send_page_no_window_gives_transfer),
        ipc_test(test_send_page_bad_windows_give_transfer),
        ipc_test(test_send_page_unmapped_gives_unmapped),
        ipc_test(test_send_page_more_than_it_has_gives_perm),
        ipc_test(test_send_page_of_superpage_gives_size),
        ipc_test(test_send_page_receiver_quota_used_up_gives_quota),
        ipc_test(test_call_answered_returns_the_answer),
        ipc_test(test_call_receiver_waits_is_taken_at_once),
        ipc_test(test_call_pages_known_words_travel_both_ways),
        ipc_test(test_call_page_unmapped_since_gives_message),
        ipc_test(test_reply_page_read_only_since_gives_transfer),
        ipc_test(test_call_moves_its_own_handle_badge_and_grant_are_kept),
        ipc_test(test_reply_answers_only_once),
        ipc_test(test_reply_without_call_gives_no_call),
        ipc_test(test_reply_to_send_gives_no_call),
        ipc_test(test_reply_receive_answers_and_takes_the_next),
        ipc_test(test_reply_receive_nothing_to_answer_gives_no_call),
        ipc_test(test_reply_receive_nonblock_answers_then_would_block),
        ipc_test(test_reply_receive_answer_fails_nothing_is_done),
        ipc_test(test_receive_again_unanswered_call_gets_peer),
        ipc_test(test_reply_save_answers_out_of_order),
        ipc_test(test_reply_save_twice_gives_no_call),
        ipc_test(test_handle_close_saved_reply_caller_gets_peer),
        ipc_test(test_reply_to_dead_caller_gives_an_error),
        ipc_test(test_call_deadline_passes_while_served_gives_timeout),
        ipc_test(test_call_refused_takes_its_deadline_back),
        ipc_test(test_reply_with_items_reaches_the_caller),
        ipc_test(test_destroy_endpoint_senders_and_callers_get_peer),
        ipc_test(test_destroy_endpoint_receivers_get_peer),
        ipc_test(test_destroy_callee_process_caller_gets_peer),
        ipc_test(test_destroy_callee_thread_caller_gets_peer),
        ipc_test(test_destroy_process_with_saved_reply_caller_gets_peer),
        ipc_test(test_destroy_waiting_sender_leaves_the_queue),
        ipc_test(test_process_exit_with_taken_call_caller_gets_peer),
        ipc_test(test_process_exit_with_saved_reply_caller_gets_peer),
        ipc_test(test_fault_without_handler_sender_to_own_endpoint_gets_peer),
    };
    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
