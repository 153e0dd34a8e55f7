/* SPDX-License-Identifier: MIT */
/* Events, interrupts, ports, device memory, the log. */
#include "arch/hosted/hosted.h"
#include "core/table.h"
#include "tests/unit/harness.h"

#define DEVICE_PAGE 0xFE000u /* the first page of device memory the hosted machine has */
#define VA 0x10000000u

static struct actor a;
static uint64_t endpoint, mine;

static int setup(void **state)
{
    int bad = machine_setup(state);
    a = actor_new(box);
    endpoint = endpoint_new();
    mine = actor_give(a, endpoint, RIGHTS_ALL, 3);
    return bad;
}
#define event_test(f) cmocka_unit_test_setup_teardown(f, setup, machine_teardown)

/* ---- events ---- */

static void test_signal_pending_bits_come_before_messages(void **state)
{
    (void)state;
    pfn_t sender = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(BLOCKED, sys(sender, SYS_send, mine, TAG(1, 0, 0)));
    expect(OK, sys(init_thread, SYS_signal, endpoint, 1));
    expect(OK, sys(init_thread, SYS_signal, endpoint, 4));
    expect(OK, sys(a.thread, SYS_receive, mine, 0));
    check_equal(result(a.thread, 1), TAG_EVENT);
    check_equal(result(a.thread, 2), 5);
    expect(OK, sys(a.thread, SYS_receive, mine, 0));
    check_equal(result(a.thread, 1), TAG(1, 0, 0));
    expect(ERR_WOULD_BLOCK, sys(a.thread, SYS_receive, mine, TAG_NONBLOCK));
}

static void test_signal_waiting_receiver_wakes(void **state)
{
    (void)state;
    expect(BLOCKED, sys(a.thread, SYS_receive, mine, 0));
    expect(OK, sys(init_thread, SYS_signal, endpoint, (uint64_t)1 << 63));
    expect(OK, outcome(a.thread));
    check_equal(result(a.thread, 1), TAG_EVENT);
    check_equal(result(a.thread, 2), (uint64_t)1 << 63);
    expect(ERR_WOULD_BLOCK, sys(a.thread, SYS_receive, mine, TAG_NONBLOCK));
}

static void test_signal_one_of_two_receivers_wakes(void **state)
{
    (void)state;
    pfn_t second = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(BLOCKED, sys(a.thread, SYS_receive, mine, 0));
    expect(BLOCKED, sys(second, SYS_receive, mine, 0));
    expect(OK, sys(init_thread, SYS_signal, endpoint, 2));
    expect(OK, outcome(a.thread));
    expect(BLOCKED, outcome(second));
}

static void test_signal_no_bits_wakes_nobody(void **state)
{
    (void)state;
    expect(BLOCKED, sys(a.thread, SYS_receive, mine, 0));
    expect(OK, sys(init_thread, SYS_signal, endpoint, 0));
    expect(BLOCKED, outcome(a.thread));
}

static void test_reply_receive_takes_pending_events(void **state)
{
    (void)state;
    pfn_t caller = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(BLOCKED, sys(caller, SYS_call, mine, TAG(1, 0, 0)));
    expect(OK, sys(a.thread, SYS_receive, mine, 0));
    expect(OK, sys(init_thread, SYS_signal, endpoint, 8));
    expect(OK, sys(a.thread, SYS_reply_receive, mine, TAG(2, 0, 0)));
    check_equal(result(a.thread, 1), TAG_EVENT);
    check_equal(result(a.thread, 2), 8);
    expect(OK, outcome(caller));
}

/* ---- interrupts ---- */

static void test_irq_fires_masks_until_acknowledged(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_irq_claim, BOOT_IRQS, 5, endpoint, 0x20));
    check_equal(hosted_direct.irq_open[5], 1);
    interrupt(5);
    check_equal(hosted_direct.irq_open[5], 0);
    expect(OK, sys(a.thread, SYS_receive, mine, TAG_NONBLOCK));
    check_equal(result(a.thread, 2), 0x20);
    expect(OK, sys(init_thread, SYS_irq_ack, BOOT_IRQS, 5));
    check_equal(hosted_direct.irq_open[5], 1);
    expect(ERR_STATE, sys(init_thread, SYS_irq_ack, BOOT_IRQS, 5));
}

static void test_irq_claimed_by_another_gives_busy(void **state)
{
    (void)state;
    uint64_t other = endpoint_new();
    expect(OK, sys(init_thread, SYS_irq_claim, BOOT_IRQS, 5, endpoint, 1));
    expect(ERR_BUSY, sys(init_thread, SYS_irq_claim, BOOT_IRQS, 5, other, 1));
    expect(OK, sys(init_thread, SYS_irq_claim, BOOT_IRQS, 5, endpoint, 2));
    destroy_all(endpoint);
    expect(OK, sys(init_thread, SYS_irq_claim, BOOT_IRQS, 5, other, 1));
}

static void test_irq_unclaimed_line_is_masked_and_harmless(void **state)
{
    (void)state;
    for (uint32_t line = 0; line < 30; line++)
        if (line != 5)
            interrupt(line);
    interrupt(IRQS_MAX);
    interrupt(UINT32_MAX);
    expect(ERR_WOULD_BLOCK, sys(a.thread, SYS_receive, mine, TAG_NONBLOCK));
}

static void test_irq_after_its_endpoint_died_is_harmless(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_irq_claim, BOOT_IRQS, 6, endpoint, 1));
    destroy_all(endpoint);
    interrupt(6);
    check_equal(hosted_direct.irq_open[6], 0);
}

static void test_irq_line_outside_the_handle_gives_argument(void **state)
{
    (void)state;
    expect(ERR_ARGUMENT,
           sys(init_thread, SYS_irq_claim, BOOT_IRQS, hosted_direct.irq_lines, endpoint, 1));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_irq_claim, BOOT_IRQS, (uint64_t)1 << 32, endpoint, 1));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_irq_claim, BOOT_IRQS, 1, endpoint, 0));
    expect(OK, sys(init_thread, SYS_device_narrow, BOOT_IRQS, 3, 2));
    uint64_t narrow = result(init_thread, 0);
    expect(ERR_ARGUMENT, sys(init_thread, SYS_irq_claim, narrow, 2, endpoint, 1));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_irq_claim, narrow, 5, endpoint, 1));
    expect(OK, sys(init_thread, SYS_irq_claim, narrow, 4, endpoint, 1));
}

/* ---- ports ---- */

static void test_port_in_reads_the_machine(void **state)
{
    (void)state;
    hosted_direct.port_value = 0x5A;
    expect(OK, sys(init_thread, SYS_port_in, BOOT_PORTS, 0x3F8, 1));
    check_equal(result(init_thread, 0), 0x5A);
    check_equal(hosted_direct.port_number, 0x3F8);
    check_equal(hosted_direct.port_width, 1);
}

static void test_port_out_writes_items_lowest_first(void **state)
{
    (void)state;
    uint64_t outs = hosted_direct.port_outs;
    expect(OK, sys(init_thread, SYS_port_out, BOOT_PORTS, 0x3F8, 1 | 4 << 8, 0x44434241));
    check_equal(hosted_direct.port_outs, outs + 4);
    check_equal(hosted_direct.port_written, 0x44);
    expect(OK, sys(init_thread, SYS_port_out, BOOT_PORTS, 0x3F8, 4 | 1 << 8, 0x123456789ABCDEF0));
    check_equal(hosted_direct.port_written, 0x9ABCDEF0);
}

static void test_port_bad_shapes_give_argument(void **state)
{
    (void)state;
    static const uint64_t width[] = {0, 3, 5, 8, 255, UINT64_MAX};
    for (uint32_t i = 0; i < sizeof width / sizeof width[0]; i++)
        expect(ERR_ARGUMENT, sys(init_thread, SYS_port_in, BOOT_PORTS, 0x3F8, width[i]));
    static const uint64_t shape[] = {1,          1 | 9 << 8, 2 | 5 << 8, 4 | 3 << 8,
                                     3 | 1 << 8, 256,        UINT64_MAX, 1 | (uint64_t)1 << 40};
    for (uint32_t i = 0; i < sizeof shape / sizeof shape[0]; i++)
        expect(ERR_ARGUMENT, sys(init_thread, SYS_port_out, BOOT_PORTS, 0x3F8, shape[i], 0));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_port_in, BOOT_PORTS, 65535, 2));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_port_in, BOOT_PORTS, 65536, 1));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_port_in, BOOT_PORTS, UINT64_MAX, 1));
}

static void test_device_narrow_ports_reach_only_these(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_device_narrow, BOOT_PORTS, 0x3F8, 8));
    uint64_t com = result(init_thread, 0);
    expect(OK, sys(init_thread, SYS_port_in, com, 0x3FF, 1));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_port_in, com, 0x3F7, 1));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_port_in, com, 0x3FF, 2));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_device_narrow, com, 0x3F0, 16));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_device_narrow, com, 0x3F8, 9));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_device_narrow, com, 0x3F8, 0));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_device_narrow, com, UINT64_MAX, 1));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_device_narrow, com, 0x3F9, UINT64_MAX));
}

/* ---- device memory ---- */

static void test_device_map_is_uncached_and_not_counted_as_memory(void **state)
{
    (void)state;
    uint64_t frames = kernel_free_frames();
    expect(OK, sys(init_thread, SYS_device_map, BOOT_MEMORY, a.process_handle, ACTOR_DATA + 4096,
                   DEVICE_PAGE, 1, PAGE_READ | PAGE_WRITE));
    check_equal(result(init_thread, 0), 1);
    check_equal(kernel_free_frames(), frames);
    expect(OK, sys(a.thread, SYS_query, 0, ACTOR_DATA + 4096));
    check_equal(result(a.thread, 0) & PAGE_DEVICE, PAGE_DEVICE);
    pfn_t t = table_find(process_at[P(a.process)].root, ACTOR_DATA + 4096);
    uint64_t entry = table_at[PT(t)].entry[table_index(ACTOR_DATA + 4096, 1)];
    check_equal(entry & PTE_UNCACHED, PTE_UNCACHED);
    check_equal(entry_frame(entry), DEVICE_PAGE);
    expect(ERR_PERM, sys(a.thread, SYS_share, 0, ACTOR_DATA + 4096, 0, VA, 1, PAGE_READ));
    expect(OK, sys(a.thread, SYS_unmap, 0, ACTOR_DATA + 4096, 1, 0));
}

static void test_device_map_ram_gives_argument(void **state)
{
    (void)state;
    static const uint64_t bad[] = {
        0, 1, MACHINE_FRAMES - 1, DEVICE_PAGE - 1, UINT64_MAX, (uint64_t)1 << 40};
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(ERR_ARGUMENT, sys(init_thread, SYS_device_map, BOOT_MEMORY, a.process_handle, VA,
                                 bad[i], 1, PAGE_READ));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_device_map, BOOT_MEMORY, a.process_handle, VA,
                             DEVICE_PAGE, 0x2001, PAGE_READ));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_device_map, BOOT_MEMORY, a.process_handle, VA,
                             DEVICE_PAGE, 1, PAGE_READ | PAGE_SIZE_2M));
}

static void test_device_narrow_memory_counts_from_its_start(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_device_narrow, BOOT_MEMORY, DEVICE_PAGE + 8, 4));
    uint64_t narrow = result(init_thread, 0);
    expect(ERR_ARGUMENT,
           sys(init_thread, SYS_device_map, narrow, a.process_handle, VA, 4, 1, PAGE_READ));
    expect(ERR_ARGUMENT,
           sys(init_thread, SYS_device_map, narrow, a.process_handle, VA, 2, 3, PAGE_READ));
    expect(OK, sys(init_thread, SYS_device_map, narrow, a.process_handle, VA, 3, 1, PAGE_READ));
    pfn_t t = table_find(process_at[P(a.process)].root, VA);
    check_equal(entry_frame(table_at[PT(t)].entry[table_index(VA, 1)]), DEVICE_PAGE + 11);
}

static void test_device_page_is_no_message_page(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_unmap, a.process_handle, ACTOR_MESSAGE, 1, 0));
    expect(OK, sys(init_thread, SYS_device_map, BOOT_MEMORY, a.process_handle, ACTOR_MESSAGE,
                   DEVICE_PAGE, 1, PAGE_READ | PAGE_WRITE));
    struct actor b = actor_new(box);
    uint64_t end = actor_give(b, endpoint, RIGHTS_ALL, 0);
    expect(BLOCKED, sys(b.thread, SYS_receive, end, 0));
    expect(ERR_MESSAGE, sys(a.thread, SYS_send, mine, TAG(1, 5, 0)));
    expect(ERR_UNMAPPED, sys(a.thread, SYS_log, ACTOR_MESSAGE, 8));
}

static void test_dma_address_says_frame_and_rest_of_its_page(void **state)
{
    (void)state;
    uint64_t memory = actor_give(a, BOOT_MEMORY, RIGHTS_ALL, 0);
    pfn_t t = table_find(process_at[P(a.process)].root, ACTOR_DATA);
    uint64_t frame = entry_frame(table_at[PT(t)].entry[table_index(ACTOR_DATA, 1)]);
    expect(OK, sys(a.thread, SYS_dma_address, memory, ACTOR_DATA));
    check_equal(result(a.thread, 0), frame * 4096);
    check_equal(result(a.thread, 1), 4096);
    expect(OK, sys(a.thread, SYS_dma_address, memory, ACTOR_DATA + 4095));
    check_equal(result(a.thread, 0), frame * 4096 + 4095);
    check_equal(result(a.thread, 1), 1);
}

static void test_dma_address_in_a_superpage_reaches_its_end(void **state)
{
    (void)state;
    uint64_t memory = actor_give(a, BOOT_MEMORY, RIGHTS_ALL, 0);
    int got = ERR_AGAIN;
    while (got == ERR_AGAIN)
        got = sys(a.thread, SYS_map, 0, SPAN_1G, 1, PAGE_READ | PAGE_SIZE_2M);
    expect(OK, got);
    pfn_t t = table_find(process_at[P(a.process)].root, SPAN_1G);
    uint64_t frame = entry_frame(table_at[PT(t)].entry[table_index(SPAN_1G, 2)]);
    expect(OK, sys(a.thread, SYS_dma_address, memory, SPAN_1G + 0x12345));
    check_equal(result(a.thread, 0), frame * 4096 + 0x12345);
    check_equal(result(a.thread, 1), SPAN_2M - 0x12345);
}

static void test_dma_address_of_nothing_or_a_device_gives_unmapped(void **state)
{
    (void)state;
    uint64_t memory = actor_give(a, BOOT_MEMORY, RIGHTS_ALL, 0);
    expect(ERR_UNMAPPED, sys(a.thread, SYS_dma_address, memory, VA));
    expect(OK, sys(init_thread, SYS_device_map, BOOT_MEMORY, a.process_handle, VA, DEVICE_PAGE, 1,
                   PAGE_READ));
    expect(ERR_UNMAPPED, sys(a.thread, SYS_dma_address, memory, VA));
    expect(ERR_RANGE, sys(a.thread, SYS_dma_address, memory, 0));
    expect(ERR_RANGE, sys(a.thread, SYS_dma_address, memory, USER_TOP));
    expect(ERR_RANGE, sys(a.thread, SYS_dma_address, memory, UINT64_MAX));
}

static void test_dma_address_without_write_gives_rights(void **state)
{
    (void)state;
    uint64_t memory = actor_give(a, BOOT_MEMORY, RIGHTS_ALL & ~RIGHT_WRITE, 0);
    expect(ERR_RIGHTS, sys(a.thread, SYS_dma_address, memory, ACTOR_DATA));
}

static void test_irq_message_is_what_the_machine_says(void **state)
{
    (void)state;
    for (uint64_t line = IRQ_MESSAGE_FIRST; line < IRQ_MESSAGE_FIRST + IRQ_MESSAGES; line++) {
        struct arch_message m = arch_irq_message((uint32_t)line);
        expect(OK, sys(init_thread, SYS_irq_message, BOOT_IRQS, line));
        check_equal(result(init_thread, 0), m.address);
        check_equal(result(init_thread, 1), m.data);
    }
}

static void test_irq_message_of_another_line_gives_argument(void **state)
{
    (void)state;
    static const uint64_t bad[] = {0, IRQ_MESSAGE_FIRST - 1, IRQ_MESSAGE_FIRST + IRQ_MESSAGES,
                                   (uint64_t)1 << 32 | IRQ_MESSAGE_FIRST, UINT64_MAX};
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(ERR_ARGUMENT, sys(init_thread, SYS_irq_message, BOOT_IRQS, bad[i]));
    expect(OK, sys(init_thread, SYS_device_narrow, BOOT_IRQS, IRQ_MESSAGE_FIRST, 2));
    uint64_t narrow = result(init_thread, 0);
    expect(OK, sys(init_thread, SYS_irq_message, narrow, IRQ_MESSAGE_FIRST + 1));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_irq_message, narrow, IRQ_MESSAGE_FIRST + 2));
}

/* ---- log ---- */

static void test_log_writes_a_line_without_control_characters(void **state)
{
    (void)state;
    poke(a.process, ACTOR_DATA, 0x000A1B6F6C6C6568); /* "hello", escape, newline, 0 */
    hosted_direct.log_used = 0;
    expect(OK, sys(a.thread, SYS_log, ACTOR_DATA, 8));
    assert_string_equal(hosted_direct.log, "hello???\n");
}

static void test_log_across_two_pages(void **state)
{
    (void)state;
    expect(OK, sys(a.thread, SYS_map, 0, ACTOR_DATA + 4096, 1, PAGE_READ | PAGE_WRITE));
    poke(a.process, ACTOR_DATA + 4088, 0x4847464544434241);
    poke(a.process, ACTOR_DATA + 4096, 0x504F4E4D4C4B4A49);
    hosted_direct.log_used = 0;
    expect(OK, sys(a.thread, SYS_log, ACTOR_DATA + 4092, 8));
    assert_string_equal(hosted_direct.log, "EFGHIJKL\n");
}

static void test_log_bad_memory(void **state)
{
    (void)state;
    expect(ERR_UNMAPPED, sys(a.thread, SYS_log, VA, 1));
    expect(ERR_UNMAPPED, sys(a.thread, SYS_log, ACTOR_DATA + 4095, 2));
    expect(ERR_ARGUMENT, sys(a.thread, SYS_log, ACTOR_DATA, LOG_MAX + 1));
    expect(ERR_ARGUMENT, sys(a.thread, SYS_log, ACTOR_DATA, UINT64_MAX));
    expect(ERR_RANGE, sys(a.thread, SYS_log, 0, 1));
    expect(ERR_RANGE, sys(a.thread, SYS_log, USER_TOP, 1));
    expect(ERR_RANGE, sys(a.thread, SYS_log, UINT64_MAX, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        event_test(test_signal_pending_bits_come_before_messages),
        event_test(test_signal_waiting_receiver_wakes),
        event_test(test_signal_one_of_two_receivers_wakes),
        event_test(test_signal_no_bits_wakes_nobody),
        event_test(test_reply_receive_takes_pending_events),
        event_test(test_irq_fires_masks_until_acknowledged),
        event_test(test_irq_claimed_by_another_gives_busy),
        event_test(test_irq_unclaimed_line_is_masked_and_harmless),
        event_test(test_irq_after_its_endpoint_died_is_harmless),
        event_test(test_irq_line_outside_the_handle_gives_argument),
        event_test(test_port_in_reads_the_machine),
        event_test(test_port_out_writes_items_lowest_first),
        event_test(test_port_bad_shapes_give_argument),
        event_test(test_device_narrow_ports_reach_only_these),
        event_test(test_device_map_is_uncached_and_not_counted_as_memory),
        event_test(test_device_map_ram_gives_argument),
        event_test(test_device_narrow_memory_counts_from_its_start),
        event_test(test_device_page_is_no_message_page),
        event_test(test_dma_address_says_frame_and_rest_of_its_page),
        event_test(test_dma_address_in_a_superpage_reaches_its_end),
        event_test(test_dma_address_of_nothing_or_a_device_gives_unmapped),
        event_test(test_dma_address_without_write_gives_rights),
        event_test(test_irq_message_is_what_the_machine_says),
        event_test(test_irq_message_of_another_line_gives_argument),
        event_test(test_log_writes_a_line_without_control_characters),
        event_test(test_log_across_two_pages),
        event_test(test_log_bad_memory),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
