/* SPDX-License-Identifier: MIT */
/* The PCI server's reading of configuration space and of its grants (servers/pci/function.h, grants.h), on a made-up bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "servers/pci/grants.h"

#define FAKES 96u

/* A made-up function: what its registers hold and which bits can be written. */
static struct fake {
    uint32_t place;
    uint8_t config[CONFIG_BYTES];
    uint8_t writable[CONFIG_BYTES];
} fakes[FAKES];
static uint32_t fake_count;
static uint64_t reads;
static struct function f[FUNCTIONS_MAX];
static size_t count;
static int more;

static struct fake *fake_at(uint32_t place)
{
    for (uint32_t i = 0; i < fake_count; i++)
        if (fakes[i].place == place)
            return &fakes[i];
    return NULL;
}

static uint32_t fake_read(void *context, uint32_t place, uint32_t offset, uint32_t width)
{
    struct fake *d = fake_at(place);
    uint32_t value = UINT32_MAX >> (32 - 8 * width);
    assert_true(context == fakes && offset % width == 0 && offset + width <= CONFIG_BYTES);
    reads++;
    for (uint32_t i = 0; d != NULL && i < width; i++)
        value = (value & ~(255u << (8 * i))) | (uint32_t)d->config[offset + i] << (8 * i);
    return value;
}

static void fake_write(void *context, uint32_t place, uint32_t offset, uint32_t width,
                       uint32_t value)
{
    struct fake *d = fake_at(place);
    assert_true(context == fakes && offset % width == 0 && offset + width <= CONFIG_BYTES);
    for (uint32_t i = 0; d != NULL && i < width; i++) {
        uint8_t mask = d->writable[offset + i];
        uint8_t byte = (uint8_t)(value >> (8 * i));
        d->config[offset + i] = (uint8_t)((d->config[offset + i] & ~mask) | (byte & mask));
    }
}

static const struct config bus = {fake_read, fake_write, fakes};

static void set(struct fake *d, uint32_t offset, uint32_t width, uint64_t value)
{
    for (uint32_t i = 0; i < width; i++)
        d->config[offset + i] = (uint8_t)(value >> (8 * i));
}

static struct fake *device(uint32_t place, uint16_t vendor, uint16_t id)
{
    struct fake *d = &fakes[fake_count++];
    assert_true(fake_count <= FAKES);
    memset(d, 0, sizeof *d);
    d->place = place;
    set(d, CONFIG_VENDOR, 4, vendor | (uint32_t)id << 16);
    memset(&d->writable[CONFIG_COMMAND], 255, 2);
    set(d, CONFIG_COMMAND, 2, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER);
    return d;
}

static struct fake *bridge(uint32_t place, uint32_t secondary)
{
    struct fake *d = device(place, 0x1b36, 1);
    set(d, CONFIG_HEADER, 1, 1);
    set(d, CONFIG_SECONDARY, 1, secondary);
    return d;
}

/* A BAR: low bits say its type. */
static void bar_set(struct fake *d, uint32_t i, uint64_t address, uint64_t bytes)
{
    uint32_t width = address % 8 >= 4 ? 8 : 4;
    uint64_t mask = ~(bytes - 1) & (address % 2 == 1 ? ~3ul : ~15ul);
    set(d, CONFIG_BAR + 4 * i, width, address);
    for (uint32_t k = 0; k < width; k++)
        d->writable[CONFIG_BAR + 4 * i + k] = (uint8_t)(mask >> (8 * k));
}

static void capability(struct fake *d, uint32_t at, uint32_t id, uint32_t next)
{
    set(d, CONFIG_STATUS, 2, STATUS_CAPABILITIES);
    if (d->config[CONFIG_CAPABILITIES] == 0)
        set(d, CONFIG_CAPABILITIES, 1, at);
    set(d, at, 2, id | next << 8);
}

static void msix(struct fake *d, uint32_t at, uint32_t vectors, uint32_t table)
{
    capability(d, at, 0x11, 0);
    set(d, at + 2, 2, vectors - 1);
    set(d, at + 4, 4, table);
    memset(&d->writable[at + 2], 255, 2);
}

static void find(void)
{
    reads = 0;
    more = 0;
    count = functions_find(&bus, 255, f, &more);
}

static int usable(uint64_t address, uint64_t bytes)
{
    return address >= 0xc0000000u && address + bytes <= 0x100000000u;
}

static int usable_high(uint64_t address, uint64_t bytes) { return address + bytes > address; }

static void place(void)
{
    const struct layout l = {{0xe0000000u, 0xe0100000u}, {0xd0000000u, 0xd1000000u}, usable};
    functions_place(&bus, f, count, &l);
}

static int setup(void **state)
{
    (void)state;
    fake_count = 0;
    memset(f, 0x5a, sizeof f);
    return 0;
}

/* ---- finding ---- */

static void test_functions_find_in_order_of_place(void **state)
{
    (void)state;
    bridge(PLACE(0, 1, 0), 3);
    device(PLACE(0, 31, 0), 1, 2);
    set(device(PLACE(0, 0, 0), 3, 4), CONFIG_HEADER, 1, 0x80);
    device(PLACE(0, 0, 5), 5, 6);
    device(PLACE(3, 7, 0), 7, 8);
    device(PLACE(0, 2, 3), 9, 9); /* no function 0: nobody looks */
    find();
    assert_int_equal(count, 5);
    assert_int_equal(f[0].vendor, 3);
    assert_int_equal(f[1].vendor, 5);
    assert_int_equal(f[2].header, 1);
    assert_int_equal(f[3].vendor, 1);
    assert_int_equal(f[4].place, PLACE(3, 7, 0));
    assert_int_equal(more, 0);
}

static void test_functions_find_bridges_that_lead_back_end(void **state)
{
    (void)state;
    bridge(PLACE(0, 1, 0), 1);
    bridge(PLACE(1, 0, 0), 0);
    bridge(PLACE(1, 1, 0), 1);
    bridge(PLACE(0, 2, 0), 1);
    bridge(PLACE(1, 2, 0), 255);
    bridge(PLACE(255, 0, 0), 255);
    find();
    assert_int_equal(count, 6);
    assert_true(reads < 1000);
}

static void test_functions_find_beyond_the_last_bus_is_not_looked_at(void **state)
{
    (void)state;
    bridge(PLACE(0, 1, 0), 9);
    device(PLACE(9, 0, 0), 1, 2);
    assert_int_equal(functions_find(&bus, 8, f, &more), 1);
    assert_int_equal(functions_find(&bus, 9, f, &more), 2);
}

static void test_functions_find_more_than_fit_is_said(void **state)
{
    (void)state;
    for (uint32_t d = 0; d < 10; d++)
        for (uint32_t n = 0; n < 8; n++)
            set(device(PLACE(0, d, n), 1, 2), CONFIG_HEADER, 1, 0x80);
    find();
    assert_int_equal(count, FUNCTIONS_MAX);
    assert_int_equal(more, 1);
}

static void test_functions_find_stops_devices_but_no_bridges(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 1, 2), *b = bridge(PLACE(0, 2, 0), 1);
    msix(d, 0x40, 4, 0);
    bar_set(d, 0, 0xc0000000u, 4096);
    set(d, 0x42, 2, 0x8003);
    find();
    assert_int_equal(fake_read(fakes, d->place, CONFIG_COMMAND, 2),
                     COMMAND_IO | COMMAND_MEMORY | COMMAND_INTX_OFF);
    assert_int_equal(fake_read(fakes, d->place, 0x42, 2), 0x4003);
    assert_int_equal(fake_read(fakes, b->place, CONFIG_COMMAND, 2),
                     COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER);
}

/* ---- BARs ---- */

static void test_bars_are_sized_and_left_as_they_were(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 1, 2);
    bar_set(d, 0, 0xc0000000u, 0x10000);
    bar_set(d, 1, 0xc001, 32);
    bar_set(d, 2, 0x1000000000u | 12, 1ul << 33);
    bar_set(d, 4, 0, 4096);
    find();
    assert_int_equal(f[0].bar[0].kind, BAR_MEMORY);
    assert_int_equal(f[0].bar[0].address, 0xc0000000u);
    assert_int_equal(f[0].bar[0].bytes, 0x10000);
    assert_int_equal(f[0].bar[1].kind, BAR_PORTS);
    assert_int_equal(f[0].bar[1].address, 0xc000);
    assert_int_equal(f[0].bar[1].bytes, 32);
    assert_int_equal(f[0].bar[2].address, 0x1000000000u);
    assert_int_equal(f[0].bar[2].bytes, 1ul << 33);
    assert_int_equal(f[0].bar[2].wide, 1);
    assert_int_equal(f[0].bar[3].kind, BAR_NONE);
    assert_int_equal(f[0].bar[4].address, 0);
    assert_int_equal(f[0].bar[4].bytes, 4096);
    assert_int_equal(f[0].bar[5].kind, BAR_NONE);
    assert_int_equal(fake_read(fakes, d->place, CONFIG_BAR, 4), 0xc0000000u);
    assert_int_equal(fake_read(fakes, d->place, CONFIG_BAR + 12, 4), 0x10);
}

static void test_bars_that_make_no_sense_are_none(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 1, 2);
    bar_set(d, 0, 0xc0000000u | 2, 4096); /* a type that is no more */
    bar_set(d, 1, 0xc0000000u | 6, 4096);
    memset(&d->writable[CONFIG_BAR + 8], 0, 4);
    bar_set(d, 5, 0xc0000000u, 4096);
    set(d, CONFIG_BAR + 20, 4, 0xc0000000u | 4); /* 64 bits in the last register */
    find();
    for (uint32_t i = 0; i < FUNCTION_BARS; i++)
        assert_int_equal(f[0].bar[i].kind, BAR_NONE);
}

static void test_bars_misplaced_get_a_place(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 1, 2), *e = device(PLACE(0, 2, 0), 1, 2);
    bar_set(d, 0, 0, 4096);               /* nowhere */
    bar_set(d, 1, 0xd0000000u, 4096);     /* in what is taken */
    bar_set(d, 2, 0xc0000000u, 4096);     /* good */
    bar_set(e, 0, 0xc0000000u, 4096);     /* where another is */
    bar_set(e, 1, 0xe0000000u, 4096);     /* good, in the window */
    bar_set(e, 2, 0xc0001000u, 1024);     /* good */
    bar_set(e, 3, 0xc0001400u, 1024);     /* on the page of another */
    bar_set(e, 4, 0x40000000u, 0x8000);   /* RAM */
    bar_set(e, 5, 0x80000000u, 1u << 31); /* too large for the window */
    find();
    place();
    assert_int_equal(f[0].bar[0].address, 0xe0001000u);
    assert_int_equal(f[0].bar[1].address, 0xe0002000u);
    assert_int_equal(f[0].bar[2].address, 0xc0000000u);
    assert_int_equal(f[1].bar[0].address, 0xe0003000u);
    assert_int_equal(f[1].bar[1].address, 0xe0000000u);
    assert_int_equal(f[1].bar[2].address, 0xc0001000u);
    assert_int_equal(f[1].bar[3].address, 0xe0004000u);
    assert_int_equal(f[1].bar[4].address, 0xe0008000u);
    assert_int_equal(f[1].bar[5].address, 0);
    assert_int_equal(fake_read(fakes, d->place, CONFIG_BAR, 4), 0xe0001000u);
    assert_int_equal(fake_read(fakes, e->place, CONFIG_BAR + 16, 4), 0xe0008000u);
}

static void test_bars_left_in_the_midst_of_sizing_get_a_place(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 1, 2);
    bar_set(d, 0, 0xfffff000u, 4096);         /* 32 bits */
    bar_set(d, 1, 0xffffc000u | 4, 0x4000);   /* 64 bits, low half */
    bar_set(d, 3, 0xffe1, 32);                /* ports */
    bar_set(d, 4, 0xffffffffc0000004u, 4096); /* 64 bits, high half */
    find();
    place();
    assert_int_equal(f[0].bar[0].address, 0xe0000000u);
    assert_int_equal(f[0].bar[1].address, 0xe0004000u);
    assert_int_equal(f[0].bar[3].address, 0);
    assert_int_equal(f[0].bar[4].address, 0xe0001000u);
    assert_int_equal(fake_read(fakes, d->place, CONFIG_BAR + 20, 4), 0);
}

static void test_bars_of_32_bits_stay_below_4_GiB(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 1, 2);
    bar_set(d, 0, 0, 4096);
    bar_set(d, 1, 4, 4096);
    find();
    const struct layout l = {{0xfffff000u, 0x100010000u}, {0xfffff000u, 0x100000000u}, usable_high};
    functions_place(&bus, f, count, &l);
    assert_int_equal(f[0].bar[0].address, 0);
    assert_int_equal(f[0].bar[1].address, 0x100000000u);
}

static void test_bars_behind_a_bridge_and_ports_do_not_move(void **state)
{
    (void)state;
    bridge(PLACE(0, 1, 0), 1);
    struct fake *d = device(PLACE(1, 0, 0), 1, 2), *e = device(PLACE(0, 2, 0), 1, 2);
    bar_set(d, 0, 0, 4096);
    bar_set(d, 1, 0xc001, 32);
    bar_set(d, 2, 0xc021, 32); /* overlaps what comes before */
    bar_set(e, 0, 0xc021, 32);
    find();
    place();
    assert_int_equal(f[2].place, PLACE(1, 0, 0));
    assert_int_equal(f[2].bar[0].address, 0);
    assert_int_equal(f[2].bar[1].address, 0xc000);
    assert_int_equal(f[2].bar[2].address, 0);
    assert_int_equal(f[1].bar[0].address, 0xc020);
}

/* ---- capabilities ---- */

static void test_capabilities_that_loop_end(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 1, 2);
    bar_set(d, 0, 0xc0000000u, 4096);
    capability(d, 0x40, 5, 0x50);
    msix(d, 0x50, 2, 0);
    set(d, 0x51, 1, 0x40);
    find();
    assert_int_equal(f[0].msix, 0x50);
    assert_true(reads < 2000);
    set(d, CONFIG_CAPABILITIES, 1, 0x10); /* into the header */
    find();
    assert_int_equal(f[0].msix, 0);
}

static void test_msix_table_outside_its_bar_is_none(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 1, 2);
    static const uint32_t bad[] = {4096, 4096 - 16, 0xfffffff8u, 1, 6, 7, 5};
    bar_set(d, 0, 0xc0000000u, 4096);
    bar_set(d, 5, 0xc001, 32);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        msix(d, 0x40, 2, bad[i]);
        find();
        assert_int_equal(f[0].msix, 0);
        assert_int_equal(f[0].msix_vectors, 0);
    }
    msix(d, 0x40, 2, 4096 - 32);
    find();
    assert_int_equal(f[0].msix, 0x40);
    msix(d, 0x40, 2048, 0);
    find();
    assert_int_equal(f[0].msix, 0);
}

static void test_capability_at_the_end_of_the_space_is_none(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 0x1af4, 0x1044);
    bar_set(d, 0, 0xc0000000u, 4096);
    capability(d, 0xfc, 0x11, 0);
    find();
    assert_int_equal(f[0].msix, 0);
    set(d, 0xfc, 1, 9);
    find();
    assert_int_equal(f[0].virtio, 0);
    set(d, 0xfc, 1, 0x10);
    find();
    assert_int_equal(f[0].express, 0);
}

static void virtio_set(struct fake *d, uint32_t kind, uint32_t bar, uint32_t offset)
{
    capability(d, 0x60, 9, 0);
    set(d, 0x63, 1, kind);
    set(d, 0x64, 1, bar);
    set(d, 0x68, 4, offset);
}

static void test_virtio_registers_must_lie_in_a_bar(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 0x1af4, 0x1044);
    bar_set(d, 4, 0xc0000000u | 4, 0x4000);
    virtio_set(d, 1, 4, 0x1000);
    find();
    assert_int_equal(f[0].virtio, 1);
    assert_int_equal(f[0].virtio_common.bar, 4);
    assert_int_equal(f[0].virtio_common.offset, 0x1000);
    static const uint32_t bad[][3] = {{2, 4, 0},      {1, 5, 0},          {1, 6, 0},
                                      {1, 255, 0},    {1, 4, 0x4000},     {1, 4, 0x3ffc},
                                      {1, 4, 0x1001}, {1, 4, 0xffffffffu}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        virtio_set(d, bad[i][0], bad[i][1], bad[i][2]);
        find();
        assert_int_equal(f[0].virtio, 0);
    }
    virtio_set(d, 1, 4, 0);
    set(d, CONFIG_VENDOR, 2, 0x8086);
    find();
    assert_int_equal(f[0].virtio, 0);
}

static void test_pages_of_the_msix_table_are_known(void **state)
{
    (void)state;
    struct fake *d = device(PLACE(0, 1, 0), 1, 2);
    bar_set(d, 1, 0xc0000000u, 0x10000);
    msix(d, 0x40, 257, 0x2000 | 1);
    find();
    static const int table[] = {0, 0, 1, 1, 0};
    for (uint64_t page = 0; page < 5; page++) {
        assert_int_equal(function_page_is_table(&f[0], 1, page), table[page]);
        assert_int_equal(function_page_is_table(&f[0], 0, page), 0);
    }
}

/* ---- grants ---- */

static void test_grants_read_and_found(void **state)
{
    (void)state;
    static struct grant g[GRANTS_MAX];
    size_t n = grants_read(
        "1:1af4:1041:0:100:net,2:1af4:1042:0:2:disk0,20:1af4:1042:1:0:disk1,2:8086:e:0:0:x,", g);
    assert_int_equal(n, 4);
    assert_int_equal(g[2].program, 32);
    assert_int_equal(g[0].pages, 256);
    assert_string_equal(g[1].name, "disk0");
    assert_ptr_equal(grant_find(g, n, 2, 0), &g[1]);
    assert_ptr_equal(grant_find(g, n, 2, 1), &g[3]);
    assert_ptr_equal(grant_find(g, n, 2, 2), NULL);
    assert_ptr_equal(grant_find(g, n, 0, 0), NULL);
    assert_ptr_equal(grant_find(g, n, 1, UINT64_MAX), NULL);
    bridge(PLACE(0, 0, 0), 1);
    device(PLACE(0, 1, 0), 0x1af4, 0x1042);
    device(PLACE(0, 2, 0), 0x1af4, 0x1044);
    device(PLACE(0, 3, 0), 0x1af4, 0x1042);
    find();
    assert_int_equal(grant_function(&g[0], f, count), count);
    assert_int_equal(grant_function(&g[1], f, count), 1);
    assert_int_equal(grant_function(&g[2], f, count), 3);
    const struct grant to_bridge = {1, 0x1b36, 1, 0, 0, ""};
    assert_int_equal(grant_function(&to_bridge, f, count), count);
}

static void test_grants_malformed_end_the_list(void **state)
{
    (void)state;
    static struct grant g[GRANTS_MAX];
    static const char *const bad[] = {"",
                                      "1",
                                      "1:2:3:4",
                                      "1:2:3:4:n,",
                                      "1:2:3:4:5:name",
                                      ":2:3:4:5:n,",
                                      "1:2:3::5:n,",
                                      "1:2:3:4::n,",
                                      "0:2:3:4:5:n,",
                                      "1:10000:3:4:5:n,",
                                      "1:2:3:4:x:n,",
                                      "-1:2:3:4:5:n,",
                                      "1:2:3:4:5:abcdefghijklmnopq,"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[96];
        assert_int_equal(grants_read(bad[i], g), 0);
        snprintf(text, sizeof text, "1:2:3:4:5:good,%s", bad[i]);
        assert_int_equal(grants_read(text, g), 1);
    }
    char many[GRANTS_MAX * 20 + 100] = "";
    for (size_t i = 0; i < GRANTS_MAX + 5; i++)
        strcat(many, "1:2:3:4:5:n,");
    assert_int_equal(grants_read(many, g), GRANTS_MAX);
}

int main(void)
{
#define pci_test(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        pci_test(test_functions_find_in_order_of_place),
        pci_test(test_functions_find_bridges_that_lead_back_end),
        pci_test(test_functions_find_beyond_the_last_bus_is_not_looked_at),
        pci_test(test_functions_find_more_than_fit_is_said),
        pci_test(test_functions_find_stops_devices_but_no_bridges),
        pci_test(test_bars_are_sized_and_left_as_they_were),
        pci_test(test_bars_that_make_no_sense_are_none),
        pci_test(test_bars_misplaced_get_a_place),
        pci_test(test_bars_left_in_the_midst_of_sizing_get_a_place),
        pci_test(test_bars_of_32_bits_stay_below_4_GiB),
        pci_test(test_bars_behind_a_bridge_and_ports_do_not_move),
        pci_test(test_capabilities_that_loop_end),
        pci_test(test_msix_table_outside_its_bar_is_none),
        pci_test(test_capability_at_the_end_of_the_space_is_none),
        pci_test(test_virtio_registers_must_lie_in_a_bar),
        pci_test(test_pages_of_the_msix_table_are_known),
        pci_test(test_grants_read_and_found),
        pci_test(test_grants_malformed_end_the_list),
    };
    return cmocka_run_group_tests_name("lib_pci", tests, NULL, NULL);
}
