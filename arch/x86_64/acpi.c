/* SPDX-License-Identifier: MIT */
/*
 * The few ACPI tables the kernel reads: MADT (interrupt controllers), HPET (calibration), MCFG
 * (where PCI configuration space is, for the PCI server). Any bytes are legal input: a table is
 * used only if its signature, length and checksum are right, entries are walked within their table,
 * and lists are cut at fixed lengths. What cannot be read leaves the PC's usual values.
 */
#include "arch/x86_64/x86.h"

#define HEADER_BYTES 36u
#define RSDP_BYTES 20u
#define RSDP_2_BYTES 36u
#define BIOS_AREA 0xe0000u
#define BIOS_AREA_BYTES 0x20000u
#define TABLES_MAX 64u
#define REGISTERS_ALIGN 256u /* so that an IOAPIC's or HPET's registers are in one page */
#define ECAM_BUS_BYTES 0x100000u
#define USUAL_LAPIC 0xfee00000u
#define USUAL_IOAPIC 0xfec00000u

#define MADT_LAPIC 0u
#define MADT_IOAPIC 1u
#define MADT_OVERRIDE 2u
#define MADT_LAPIC_ADDRESS 5u

struct x86_acpi x86_acpi;
static uint64_t acpi_tables[TABLES_MAX]; /* physical addresses the root table lists */
static uint32_t acpi_table_count;

X86_INIT static uint16_t get16(const uint8_t *at)
{
    uint16_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

X86_INIT static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

X86_INIT static uint64_t get64(const uint8_t *at)
{
    uint64_t value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
}

X86_INIT static int sums_to_zero(const uint8_t *at, uint64_t bytes)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + at[i]);
    return sum == 0;
}

/* A whole, valid table, readable until the next call. NULL: there is none at this address. */
X86_INIT static const uint8_t *acpi_table(uint64_t address, uint32_t *bytes)
{
    const uint8_t *table = x86_passage(address, HEADER_BYTES);
    if (address == 0 || !table)
        return NULL;
    *bytes = get32(table + 4);
    if (*bytes < HEADER_BYTES)
        return NULL;
    table = x86_passage(address, *bytes);
    return table && sums_to_zero(table, *bytes) ? table : NULL;
}

/* Length of a valid root pointer here; 0: it is none. */
X86_INIT static uint32_t rsdp_bytes(const uint8_t *at)
{
    if (__builtin_memcmp(at, "RSD PTR ", 8) != 0 || !sums_to_zero(at, RSDP_BYTES))
        return 0;
    if (at[15] < 2)
        return RSDP_BYTES;
    return sums_to_zero(at, RSDP_2_BYTES) ? RSDP_2_BYTES : RSDP_BYTES;
}

X86_INIT static uint64_t rsdp_search(void)
{
    const uint8_t *area = x86_passage(BIOS_AREA, BIOS_AREA_BYTES);
    for (uint32_t at = 0; at + RSDP_2_BYTES <= BIOS_AREA_BYTES; at += 16)
        if (rsdp_bytes(area + at))
            return BIOS_AREA + at;
    return 0;
}

/* Notes the tables a root table lists: 8-byte addresses in an XSDT, 4-byte ones in an RSDT. */
X86_INIT static void acpi_list(uint64_t root, const char *signature, uint32_t width)
{
    uint32_t bytes;
    const uint8_t *table = acpi_table(root, &bytes);
    if (!table || __builtin_memcmp(table, signature, 4) != 0)
        return;
    for (uint32_t at = HEADER_BYTES; at + width <= bytes; at += width) {
        if (acpi_table_count == TABLES_MAX)
            break;
        acpi_tables[acpi_table_count++] = width == 8 ? get64(table + at) : get32(table + at);
    }
}

X86_INIT static const uint8_t *acpi_find(const char *signature, uint32_t *bytes)
{
    for (uint32_t i = 0; i < acpi_table_count; i++) {
        const uint8_t *table = acpi_table(acpi_tables[i], bytes);
        if (table && __builtin_memcmp(table, signature, 4) == 0)
            return table;
    }
    return NULL;
}

X86_INIT static void madt_entry(const uint8_t *entry, uint32_t bytes)
{
    if (entry[0] == MADT_LAPIC && bytes >= 8 && get32(entry + 4) & 1) {
        x86_acpi.cpus++;
    } else if (entry[0] == MADT_IOAPIC && bytes >= 12 && x86_acpi.ioapics < X86_IOAPICS_MAX &&
               get32(entry + 4) % REGISTERS_ALIGN == 0) {
        x86_acpi.ioapic[x86_acpi.ioapics].address = get32(entry + 4);
        x86_acpi.ioapic[x86_acpi.ioapics].base = get32(entry + 8);
        x86_acpi.ioapics++;
    } else if (entry[0] == MADT_OVERRIDE && bytes >= 10 && entry[3] < X86_ISA_LINES) {
        x86_acpi.isa[entry[3]].global = get32(entry + 4);
        x86_acpi.isa[entry[3]].flags = get16(entry + 8);
    } else if (entry[0] == MADT_LAPIC_ADDRESS && bytes >= 12) {
        x86_acpi.lapic = get64(entry + 4);
    }
}

X86_INIT static void madt_read(void)
{
    uint32_t bytes;
    const uint8_t *madt = acpi_find("APIC", &bytes);
    if (!madt || bytes < 44)
        return;
    x86_acpi.cpus = 0;
    x86_acpi.ioapics = 0;
    x86_acpi.lapic = get32(madt + 36);
    for (uint32_t at = 44; at + 2 <= bytes;) {
        uint32_t length = madt[at + 1];
        if (length < 2 || length > bytes - at)
            break;
        madt_entry(madt + at, length);
        at += length;
    }
    if (x86_acpi.cpus == 0)
        x86_acpi.cpus = 1;
}

X86_INIT static void hpet_read(void)
{
    uint32_t bytes;
    const uint8_t *hpet = acpi_find("HPET", &bytes);
    if (hpet && bytes >= 56 && hpet[40] == 0 && /* in memory, not in ports */
        get64(hpet + 44) % REGISTERS_ALIGN == 0)
        x86_acpi.hpet = get64(hpet + 44);
}

X86_INIT static void mcfg_read(void)
{
    uint32_t bytes;
    const uint8_t *mcfg = acpi_find("MCFG", &bytes);
    if (!mcfg)
        return;
    for (uint32_t at = 44; at + 16 <= bytes; at += 16) {
        uint64_t base = get64(mcfg + at);
        if (get16(mcfg + at + 8) != 0 || mcfg[at + 10] > mcfg[at + 11] || base % ECAM_BUS_BYTES != 0)
            continue;
        x86_acpi.ecam = base;
        x86_acpi.ecam_first = mcfg[at + 10];
        x86_acpi.ecam_last = mcfg[at + 11];
    }
}

X86_INIT static void acpi_usual(void)
{
    x86_acpi.lapic = USUAL_LAPIC;
    x86_acpi.cpus = 1;
    x86_acpi.ioapics = 1;
    x86_acpi.ioapic[0].address = USUAL_IOAPIC;
    for (uint32_t i = 0; i < X86_ISA_LINES; i++)
        x86_acpi.isa[i].global = i;
}

X86_INIT void x86_acpi_init(uint64_t rsdp)
{
    acpi_usual();
    if (rsdp == 0)
        rsdp = rsdp_search();
    const uint8_t *pointer = rsdp ? x86_passage(rsdp, RSDP_2_BYTES) : NULL;
    uint32_t length = pointer ? rsdp_bytes(pointer) : 0;
    if (length == 0) {
        x86_print("atmos: no ACPI tables; the usual places of a PC are assumed\n");
        return;
    }
    x86_acpi.rsdp = rsdp;
    uint64_t rsdt = get32(pointer + 16);
    uint64_t xsdt = length == RSDP_2_BYTES ? get64(pointer + 24) : 0;
    acpi_list(xsdt, "XSDT", 8);
    if (acpi_table_count == 0)
        acpi_list(rsdt, "RSDT", 4);
    madt_read();
    hpet_read();
    mcfg_read();
    (void)x86_passage(0, 0);
}
