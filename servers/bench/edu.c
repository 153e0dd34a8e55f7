/* SPDX-License-Identifier: MIT */
/*
 * Finds the device on bus 0 through configuration ports; see edu.h. No other driver is there.
 */
#include "edu.h"
#include "bench.h"
#include "lib/startup.h"
#include "lib/sys.h"

#define EDU_ID 0x11e81234u
#define SLOTS 32u
#define PORT_ADDRESS 0xcf8u
#define PORT_DATA 0xcfcu
#define CONFIG_COMMAND 4u
#define COMMAND_MEMORY_MASTER 6u
#define CONFIG_BAR0 0x10u
#define CONFIG_CAPABILITIES 0x34u
#define CAPABILITY_MSI 5u
#define MSI_ENABLE 0x10000u
#define MSI_64 0x800000u
#define LINE IRQ_MESSAGE_FIRST

static uint32_t slot;

static void config_address(uint32_t offset)
{
    MUST("port_out", atm_port_out(startup_handle("ports"), PORT_ADDRESS, 4 | 1 << 8,
                                  0x80000000u | slot << 11 | offset));
}
static uint32_t config_read(uint32_t offset)
{
    config_address(offset);
    return (uint32_t)MUST("port_in", atm_port_in(startup_handle("ports"), PORT_DATA, 4));
}
static void config_write(uint32_t offset, uint32_t value)
{
    config_address(offset);
    MUST("port_out", atm_port_out(startup_handle("ports"), PORT_DATA, 4 | 1 << 8, value));
}

int edu_find(void)
{
    if (startup_handle("ports") == 0 || startup_handle("irqs") == 0 || startup_handle("memory") == 0)
        return 0;
    for (slot = 0; slot < SLOTS; slot++)
        if (config_read(0) == EDU_ID)
            return 1;
    return 0;
}

static void message_enable(void)
{
    struct atm_result r = atm_irq_message(startup_handle("irqs"), LINE);
    bench_must("irq_message", r.status, 0);
    uint32_t at = config_read(CONFIG_CAPABILITIES) & 0xfcu;
    while (at != 0 && (config_read(at) & 0xffu) != CAPABILITY_MSI)
        at = config_read(at) >> 8 & 0xfcu;
    bench_must("the device has MSI", at != 0 ? 0 : -ERR_ARGUMENT, 0);
    uint32_t control = config_read(at);
    config_write(at + 4, (uint32_t)r.r[0]);
    if ((control & MSI_64) != 0)
        config_write(at + 8, (uint32_t)(r.r[0] >> 32));
    config_write(at + ((control & MSI_64) != 0 ? 12 : 8), (uint32_t)r.r[1]);
    config_write(at, control | MSI_ENABLE);
}

void edu_open(uint64_t process, uint64_t endpoint)
{
    uint64_t page = (config_read(CONFIG_BAR0) & ~0xfffu) / PAGE_SIZE;
    MUST("device_map",
         atm_device_map(startup_handle("memory"), process, EDU_VA, page, 1, PAGE_READ | PAGE_WRITE));
    MUST("irq_claim", atm_irq_claim(startup_handle("irqs"), LINE, endpoint, 1));
    config_write(CONFIG_COMMAND, COMMAND_MEMORY_MASTER);
    message_enable();
}

void edu_acknowledge(void) { MUST("irq_ack", atm_irq_ack(startup_handle("irqs"), LINE)); }
