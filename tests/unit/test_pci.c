/* SPDX-License-Identifier: MIT */
/* The hosted machine's PCI bus: config space both ways, BARs, MSI-X, INTx lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virtio_guest.h"

#define VECTORS 3u

static struct pci_device device[12];
static uint64_t last_write;

static uint64_t plain_read(struct pci_device *d, uint32_t offset, uint32_t width)
{
    (void)d;
    return 0x1122334455667788u ^ (offset + width);
}

static void plain_write(struct pci_device *d, uint32_t offset, uint32_t width, uint64_t value)
{
    (void)d;
    last_write = (uint64_t)offset << 56 | (uint64_t)width << 48 | (value & 0xffffffffffffu);
}

static void address_select(uint32_t slot, uint32_t offset)
{
    pci_port_out(PCI_PORT_ADDRESS, 4, 0x80000000u | slot << 11 | (offset & 0xfcu));
}

static uint64_t config_read(uint32_t slot, uint32_t offset, uint32_t width)
{
    address_select(slot, offset);
    return pci_port_in((uint16_t)(PCI_PORT_DATA + offset % 4), width);
}

static void config_write(uint32_t slot, uint32_t offset, uint32_t width, uint32_t value)
{
    address_select(slot, offset);
    pci_port_out((uint16_t)(PCI_PORT_DATA + offset % 4), width, value);
}

static uint64_t bar_of(uint32_t slot, uint32_t bar)
{
    uint64_t low = config_read(slot, 0x10 + 4 * bar, 4);

    return (low & ~15ull) | config_read(slot, 0x14 + 4 * bar, 4) << 32;
}

static int setup(void **state)
{
    (void)state;
    guest_clear();
    pci_start();
    for (uint32_t i = 0; i < 2; i++) {
        pci_device_init(&device[i], 0x1234, (uint16_t)(0x5670 + i), 0x020000);
        pci_add_msix(&device[i], 0, VECTORS);
        device[i].window[4] = (struct pci_window){0x4000, plain_read, plain_write};
        assert_true(pci_add(&device[i]));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guest_clear();
    return 0;
}

static uint64_t ecam(uint32_t slot, uint32_t offset)
{
    return PCI_ECAM_BASE + ((uint64_t)slot << 15) + offset;
}

static void test_config_ids_are_the_same_by_ports_and_window(void **state)
{
    (void)state;
    assert_int_equal(config_read(1, 0, 4), 0x56701234);
    assert_int_equal(config_read(2, 2, 2), 0x5671);
    assert_int_equal(config_read(2, 3, 1), 0x56);
    assert_int_equal(pci_memory_read(ecam(1, 0), 4), 0x56701234);
    assert_int_equal(pci_memory_read(ecam(2, 3), 1), 0x56);
    assert_int_equal(config_read(1, 8, 4), 0x02000001);
    assert_int_equal(config_read(0, 0x0a, 2), 0x0600); /* the bridge */
}

static void test_config_absent_device_reads_all_ones(void **state)
{
    (void)state;
    assert_int_equal(config_read(3, 0, 4), UINT32_MAX);
    assert_int_equal(pci_memory_read(ecam(3, 0), 2), UINT16_MAX);
    assert_int_equal(pci_memory_read(ecam(1, 0x1000), 4), UINT32_MAX); /* function 1 */
    assert_int_equal(pci_memory_read(ecam(1, 0x100), 4), 0);           /* no extended ones */
    pci_port_out(PCI_PORT_ADDRESS, 4, 0x80010800u);                    /* bus 1 */
    assert_int_equal(pci_port_in(PCI_PORT_DATA, 4), UINT32_MAX);
    pci_port_out(PCI_PORT_ADDRESS, 4, 0x00000800u); /* not enabled */
    assert_int_equal(pci_port_in(PCI_PORT_DATA, 4), UINT32_MAX);
    pci_port_out(PCI_PORT_ADDRESS, 4, 0x80000800u);
    assert_int_equal(pci_port_in(PCI_PORT_DATA + 3, 2), UINT16_MAX); /* beyond the register */
}

static void test_config_read_only_bits_stay(void **state)
{
    (void)state;
    config_write(1, 0, 4, 0);
    config_write(1, 8, 4, 0);
    config_write(1, 0x34, 4, 0);
    assert_int_equal(config_read(1, 0, 4), 0x56701234);
    assert_int_equal(config_read(1, 8, 4), 0x02000001);
    assert_int_equal(config_read(1, 0x34, 1), 0x40);
    config_write(1, 4, 4, UINT32_MAX);
    assert_int_equal(config_read(1, 4, 2), 0x406);
}

static void test_bar_size_and_move(void **state)
{
    (void)state;
    uint64_t at = bar_of(1, 4), elsewhere = PCI_WINDOW_BASE + 0x800000;
    assert_int_equal(at % 0x4000, 0);
    assert_int_equal(pci_memory_read(at + 8, 8), 0x1122334455667788u ^ 16);
    config_write(1, 0x20, 4, UINT32_MAX);
    config_write(1, 0x24, 4, UINT32_MAX);
    assert_int_equal(config_read(1, 0x20, 4), 0xffffc004);
    assert_int_equal(config_read(1, 0x24, 4), UINT32_MAX);
    config_write(1, 0x20, 4, (uint32_t)elsewhere);
    config_write(1, 0x24, 4, (uint32_t)(elsewhere >> 32));
    assert_int_equal(pci_memory_read(at + 8, 8), UINT64_MAX);
    assert_int_equal(pci_memory_read(elsewhere + 8, 8), 0x1122334455667788u ^ 16);
    assert_int_equal(config_read(1, 0x28, 4), 0); /* no BAR there */
}

static void test_window_widths_and_alignment(void **state)
{
    (void)state;
    uint64_t at = bar_of(1, 4);
    assert_int_equal(pci_memory_read(at + 0x10, 1), 0x88 ^ 0x11);
    assert_int_equal(pci_memory_read(at + 2, 4), UINT32_MAX);
    last_write = 0;
    pci_memory_write(at + 2, 4, 5);
    assert_int_equal(last_write, 0);
    pci_memory_write(at + 6, 2, 0xabcdef);
    assert_int_equal(last_write, 0x060200000000cdefu);
    config_write(1, 4, 2, 0); /* it decodes no more */
    assert_int_equal(pci_memory_read(at, 4), UINT32_MAX);
}

static void msix_entry(uint64_t table, uint32_t v, uint32_t masked)
{
    pci_memory_write(table + 16 * v, 4, 0xfee00000u);
    pci_memory_write(table + 16 * v + 4, 4, 0);
    pci_memory_write(table + 16 * v + 8, 4, 128 + v);
    pci_memory_write(table + 16 * v + 12, 4, masked);
}

static void test_msix_masked_vector_waits_until_unmasked(void **state)
{
    (void)state;
    uint64_t table = bar_of(1, 0);
    assert_int_equal(pci_memory_read(table + 12, 4), 1); /* masked at the start */
    msix_entry(table, 1, 1);
    config_write(1, 4, 2, 6);
    config_write(1, 0x42, 2, 0x8000);
    pci_msix_raise(&device[0], 1);
    assert_int_equal(guest_seen.messages, 0);
    assert_int_equal(pci_memory_read(table + 0x800, 8), 2);
    pci_memory_write(table + 16 + 12, 4, 0);
    assert_int_equal(guest_seen.messages, 1);
    assert_int_equal(guest_seen.data, 129);
    assert_int_equal(pci_memory_read(table + 0x800, 4), 0);
    config_write(1, 0x42, 2, 0xc000); /* all masked */
    pci_msix_raise(&device[0], 1);
    assert_int_equal(guest_seen.messages, 1);
    config_write(1, 0x42, 2, 0x8000);
    assert_int_equal(guest_seen.messages, 2);
}

static void test_msix_needs_master_and_a_vector(void **state)
{
    (void)state;
    msix_entry(bar_of(1, 0), 0, 0);
    pci_msix_raise(&device[0], 0); /* not enabled: forgotten */
    config_write(1, 0x42, 2, 0x8000);
    pci_msix_raise(&device[0], 0);
    pci_msix_raise(&device[0], VECTORS);
    pci_msix_raise(&device[0], PCI_NO_VECTOR);
    assert_int_equal(guest_seen.messages, 0);
    config_write(1, 4, 2, 6);
    assert_int_equal(guest_seen.messages, 1);
}

static void test_msix_table_reads_as_written_in_any_width(void **state)
{
    (void)state;
    uint64_t table = bar_of(1, 0);
    pci_memory_write(table + 32, 8, 0x1234567890abcdefu);
    pci_memory_write(table + 40, 8, 0xffffffff00000077u);
    assert_int_equal(pci_memory_read(table + 32, 8), 0x1234567890abcdecu);
    assert_int_equal(pci_memory_read(table + 40, 8), 0x100000077u);
    assert_int_equal(pci_memory_read(table + 34, 2), 0x90ab);
    pci_memory_write(table + 40, 2, 5); /* no such writes */
    assert_int_equal(pci_memory_read(table + 40, 4), 0x77);
    assert_int_equal(pci_memory_read(table + 16 * VECTORS, 8), 0);
    pci_memory_write(table + 16 * VECTORS, 8, 1);
    assert_int_equal(pci_memory_read(table + 0xff8, 8), 0);
}

static void test_intx_line_is_shared_and_masked(void **state)
{
    (void)state;
    for (uint32_t i = 2; i < 10; i++) { /* slots 3 to 10: slot 9 shares line 17 with slot 1 */
        pci_device_init(&device[i], 1, 1, 0);
        assert_true(pci_add(&device[i]));
    }
    assert_int_equal(config_read(1, 0x3c, 2), 0x100 | 17);
    assert_int_equal(config_read(9, 0x3c, 1), 17);
    pci_intx_set(&device[0], true);
    pci_intx_set(&device[8], true);
    assert_true(guest_seen.lines[17]);
    assert_int_equal(config_read(1, 6, 2) & 8, 8);
    pci_intx_set(&device[0], false);
    assert_true(guest_seen.lines[17]);
    config_write(9, 4, 2, 0x400); /* INTx off */
    assert_false(guest_seen.lines[17]);
    config_write(9, 4, 2, 0);
    assert_true(guest_seen.lines[17]);
    pci_intx_set(&device[8], false);
    assert_false(guest_seen.lines[17]);
    assert_int_equal(config_read(9, 6, 2) & 8, 0);
}

static void test_bus_full_refuses(void **state)
{
    (void)state;
    static struct pci_device many[PCI_SLOTS];
    for (uint32_t i = 3; i < PCI_SLOTS; i++) {
        pci_device_init(&many[i], 1, 1, 0);
        assert_true(pci_add(&many[i]));
    }
    pci_device_init(&many[0], 1, 1, 0);
    assert_false(pci_add(&many[0]));
    assert_int_equal(config_read(31, 0, 2), 1);
}

static void test_bus_absent_reads_all_ones(void **state)
{
    (void)state;
    pci_clear();
    pci_port_out(PCI_PORT_ADDRESS, 4, 0x80000000u);
    assert_int_equal(pci_port_in(PCI_PORT_ADDRESS, 4), UINT32_MAX);
    assert_int_equal(pci_port_in(PCI_PORT_DATA, 4), UINT32_MAX);
    assert_int_equal(pci_memory_read(PCI_ECAM_BASE, 4), UINT32_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_config_ids_are_the_same_by_ports_and_window),
        TEST(test_config_absent_device_reads_all_ones),
        TEST(test_config_read_only_bits_stay),
        TEST(test_bar_size_and_move),
        TEST(test_window_widths_and_alignment),
        TEST(test_msix_masked_vector_waits_until_unmasked),
        TEST(test_msix_needs_master_and_a_vector),
        TEST(test_msix_table_reads_as_written_in_any_width),
        TEST(test_intx_line_is_shared_and_masked),
        TEST(test_bus_full_refuses),
        TEST(test_bus_absent_reads_all_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
