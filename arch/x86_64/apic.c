/* SPDX-License-Identifier: MIT */
/*
 * Interrupt controllers: the local APIC (xAPIC registers), the IOAPICs, and the 8259s, which are
 * masked for ever.
 *
 * A line is an IOAPIC input; lines 0 to 15 are the ISA interrupts, wherever the firmware says those
 * arrive. Line n uses vector X86_VECTOR_LINE + n. A level-triggered line is masked in the IOAPIC.
 * An edge-triggered one is not, because an edge that comes while an input is masked would be lost:
 * it is noted instead, and delivered when the line is unmasked. Lines IRQ_MESSAGE_FIRST up have no
 * input: a device writes their vector to the local APIC itself. They are edges, too.
 */
#include "arch/x86_64/x86.h"

#define APIC_ID 0x20u
#define APIC_PRIORITY 0x80u
#define APIC_EOI 0xb0u
#define APIC_SPURIOUS 0xf0u
#define APIC_STATUS 0x280u
#define APIC_COMMAND 0x300u
#define APIC_TIMER 0x320u
#define APIC_THERMAL 0x330u
#define APIC_COUNTERS 0x340u
#define APIC_LINT0 0x350u
#define APIC_LINT1 0x360u
#define APIC_ERROR 0x370u
#define APIC_INITIAL 0x380u
#define APIC_CURRENT 0x390u
#define APIC_DIVIDE 0x3e0u
#define APIC_MASKED 0x10000u
#define APIC_NMI 0x400u
#define APIC_ON 0x100u
#define APIC_DIVIDE_16 3u
#define APIC_TO_SELF 0x40000u
#define MSR_X2APIC 0x400ul
#define MSR_APIC_ON 0x800ul

#define IOAPIC_VERSION 1u
#define IOAPIC_ENTRY 0x10u
#define IOAPIC_MASKED 0x10000u
#define IOAPIC_LEVEL 0x8000u
#define IOAPIC_LOW 0x2000u

#define OVERRIDE_LOW 3u
#define OVERRIDE_LEVEL 12u
#define NO_PIN UINT32_MAX
#define MESSAGE_ADDRESS 0xfee00000u /* bits 12-19: the APIC's number */
#define APIC_ID_SHIFT 24u
_Static_assert(X86_LINES == IRQ_MESSAGE_FIRST + IRQ_MESSAGES, "a vector for each line");

/* Where a line arrives. */
struct line {
    uint32_t ioapic;
    uint32_t pin;    /* NO_PIN: nowhere */
    uint32_t shape;  /* vector, polarity, trigger */
    uint8_t masked;  /* 1: the core does not want it now */
    uint8_t pending; /* an edge came while it was masked */
    uint8_t opened;  /* edge: its input is unmasked */
};

static volatile uint32_t *lapic;
static volatile uint32_t *ioapics[X86_IOAPICS_MAX];
static uint32_t ioapic_pins[X86_IOAPICS_MAX];
static struct line lines[X86_LINES];
static uint32_t line_count; /* of those that have inputs */

static uint32_t lapic_read(uint32_t reg) { return lapic[reg / 4]; }
static void lapic_write(uint32_t reg, uint32_t value) { lapic[reg / 4] = value; }

X86_INIT static uint32_t ioapic_read(uint32_t which, uint32_t reg)
{
    ioapics[which][0] = reg;
    return ioapics[which][4];
}

static void ioapic_write(uint32_t which, uint32_t reg, uint32_t value)
{
    ioapics[which][0] = reg;
    ioapics[which][4] = value;
}

X86_INIT static void pics_mask(void)
{
    static const uint8_t setup[2][4] = {{0x11, 0x20, 4, 1}, {0x11, 0x28, 2, 1}};
    for (uint32_t i = 0; i < 2; i++) {
        uint16_t port = i == 0 ? 0x20 : 0xa0;
        x86_out8(port, setup[i][0]);
        for (uint32_t k = 1; k < 4; k++)
            x86_out8((uint16_t)(port + 1), setup[i][k]);
        x86_out8((uint16_t)(port + 1), 0xff);
    }
}

X86_INIT static const char *lapic_init(void)
{
    uint64_t base = x86_rdmsr(MSR_APIC_BASE);
    if (base & MSR_X2APIC) {
        /* There is no direct way back to xAPIC mode. */
        x86_wrmsr(MSR_APIC_BASE, base & ~(MSR_X2APIC | MSR_APIC_ON));
        base &= ~MSR_X2APIC;
    }
    x86_wrmsr(MSR_APIC_BASE, base | MSR_APIC_ON);
    x86_acpi.lapic = base & 0xffffffffff000ul; /* what the processor says goes */
    lapic = x86_device_map(x86_acpi.lapic);
    if (!lapic)
        return "the local APIC cannot be mapped";
    lapic_write(APIC_PRIORITY, 0);
    lapic_write(APIC_TIMER, APIC_MASKED);
    lapic_write(APIC_THERMAL, APIC_MASKED);
    lapic_write(APIC_COUNTERS, APIC_MASKED);
    lapic_write(APIC_LINT0, APIC_MASKED);
    lapic_write(APIC_LINT1, APIC_NMI);
    lapic_write(APIC_ERROR, X86_VECTOR_ERROR);
    lapic_write(APIC_SPURIOUS, APIC_ON | X86_VECTOR_SPURIOUS);
    lapic_write(APIC_STATUS, 0);
    lapic_write(APIC_DIVIDE, APIC_DIVIDE_16);
    lapic_write(APIC_TIMER, X86_VECTOR_TIMER);
    return NULL;
}

static void line_write(const struct line *line, uint32_t mask)
{
    uint32_t reg = IOAPIC_ENTRY + 2 * line->pin;
    ioapic_write(line->ioapic, reg + 1, lapic_read(APIC_ID));
    ioapic_write(line->ioapic, reg, line->shape | mask);
}

/* Points line at a global interrupt; flags as the MADT has them, 0: what the bus does. */
X86_INIT static void line_place(uint32_t number, uint32_t global, uint32_t flags)
{
    struct line *line = &lines[number];
    int isa = number < X86_ISA_LINES;
    uint32_t low = flags % 4 == 0 ? !isa : flags % 4 == OVERRIDE_LOW;
    uint32_t level = flags / 4 % 4 == 0 ? !isa : (flags & OVERRIDE_LEVEL) == OVERRIDE_LEVEL;
    line->shape = (X86_VECTOR_LINE + number) | (low ? IOAPIC_LOW : 0) | (level ? IOAPIC_LEVEL : 0);
    line->pin = NO_PIN;
    line->masked = 1;
    for (uint32_t i = 0; i < x86_acpi.ioapics; i++) {
        uint32_t base = x86_acpi.ioapic[i].base;
        if (global >= base && global - base < ioapic_pins[i]) {
            line->ioapic = i;
            line->pin = global - base;
        }
    }
}

/* 1 if another ISA line arrives at the input where this one would be by its number. */
X86_INIT static int line_shadowed(uint32_t number)
{
    if (x86_acpi.isa[number].global != number)
        return 0;
    for (uint32_t i = 0; i < X86_ISA_LINES; i++)
        if (i != number && x86_acpi.isa[i].global == number)
            return 1;
    return 0;
}

X86_INIT static const char *ioapics_init(void)
{
    for (uint32_t i = 0; i < x86_acpi.ioapics; i++) {
        ioapics[i] = x86_device_map(x86_acpi.ioapic[i].address);
        if (!ioapics[i])
            return "an IOAPIC cannot be mapped";
        ioapic_pins[i] = (ioapic_read(i, IOAPIC_VERSION) >> 16 & 0xff) + 1;
        for (uint32_t pin = 0; pin < ioapic_pins[i]; pin++)
            ioapic_write(i, IOAPIC_ENTRY + 2 * pin, IOAPIC_MASKED);
        uint64_t end = (uint64_t)x86_acpi.ioapic[i].base + ioapic_pins[i];
        if (end > IRQ_MESSAGE_FIRST)
            x86_note("interrupt inputs above the limit are not used, up to", end);
        end = end < IRQ_MESSAGE_FIRST ? end : IRQ_MESSAGE_FIRST;
        line_count = end > line_count ? (uint32_t)end : line_count;
    }
    for (uint32_t i = line_count; i < X86_LINES; i++)
        lines[i] = (struct line){.pin = NO_PIN, .masked = 1};
    for (uint32_t i = 0; i < line_count; i++) {
        if (i >= X86_ISA_LINES)
            line_place(i, i, 0);
        else
            line_place(i, line_shadowed(i) ? NO_PIN : x86_acpi.isa[i].global, x86_acpi.isa[i].flags);
    }
    return NULL;
}

X86_INIT const char *x86_apic_init(void)
{
    pics_mask();
    const char *error = lapic_init();
    return error ? error : ioapics_init();
}

void x86_apic_eoi(void) { lapic_write(APIC_EOI, 0); }

uint32_t x86_apic_timer_left(void) { return lapic_read(APIC_CURRENT); }

void x86_apic_timer_start(uint32_t count) { lapic_write(APIC_INITIAL, count); }

int x86_apic_owns(uint64_t first, uint64_t end)
{
    /* The whole range of message-signalled interrupts lies at the local APIC. */
    uint64_t page = x86_acpi.lapic / PAGE_SIZE;
    if (first < page + 256 && page < end)
        return 1;
    for (uint32_t i = 0; i < x86_acpi.ioapics; i++)
        if (first <= x86_acpi.ioapic[i].address / PAGE_SIZE &&
            x86_acpi.ioapic[i].address / PAGE_SIZE < end)
            return 1;
    page = x86_acpi.hpet / PAGE_SIZE;
    return page != 0 && first <= page && page < end;
}

pfn_t x86_line_arrived(struct x86_cpu *cpu, uint32_t number)
{
    struct line *line = &lines[number];
    pfn_t next = cpu->current;
    if (line->masked)
        line->pending = 1;
    else
        next = kernel_interrupt(cpu->number, number);
    /* After the core masked it: a level that is still high must not come again at once. */
    x86_apic_eoi();
    return next;
}

/* ---- the core's questions ---- */

uint32_t arch_irq_count(void) { return X86_LINES; }

struct arch_message arch_irq_message(uint32_t number)
{
    uint64_t cpu = lapic_read(APIC_ID) >> APIC_ID_SHIFT;
    return (struct arch_message){MESSAGE_ADDRESS | cpu << 12, X86_VECTOR_LINE + number};
}

/* Opens or masks the input of a line that has one; an edge's is opened once, for ever. */
static void line_input(struct line *line)
{
    if (line->pin == NO_PIN)
        return;
    if (line->shape & IOAPIC_LEVEL)
        line_write(line, line->masked ? IOAPIC_MASKED : 0);
    else if (!line->masked && !line->opened)
        line_write(line, 0);
    line->opened |= !line->masked;
}

void arch_irq_mask(uint32_t number)
{
    if (number >= X86_LINES)
        return;
    lines[number].masked = 1;
    line_input(&lines[number]);
}

void arch_irq_unmask(uint32_t number)
{
    if (number >= X86_LINES)
        return;
    struct line *line = &lines[number];
    line->masked = 0;
    line_input(line);
    if (line->pending)
        lapic_write(APIC_COMMAND, APIC_TO_SELF | (X86_VECTOR_LINE + number));
    line->pending = 0;
}

/* Only one CPU is started, and a CPU that changes its own queues looks at them before it leaves the
   kernel. */
void arch_cpu_kick(cpu_t cpu) { (void)cpu; }
