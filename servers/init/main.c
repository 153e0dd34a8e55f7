/* SPDX-License-Identifier: MIT */
/*
 * The first process: starts what the manifest lists, each program in a container of its own, hears
 * how each ends, says so, starts it again if the manifest wants that, and ends the system with the
 * status of the main program.
 *
 * Init owns every endpoint that programs serve; the server only holds the right to receive on it.
 * So a client's handle stays good while the server is started anew. When a server will not come
 * back, its endpoint is destroyed, and clients get an error instead of waiting for ever. Servers
 * that use a server started anew are told by an event, as their sessions with it are gone.
 *
 * The DMA memory of all drivers is kept by a process of its own (keeper.h), so that neither the PCI
 * server's end nor a driver's frees it. A new PCI server first stops and resets every device; only
 * then is that memory given up, and are the drivers ended and started anew.
 */
#include "backoff.h"
#include "init.h"
#include "keeper.h"
#include "lib/cpio.h"
#include "lib/error.h"
#include "lib/memory.h"
#include "lib/report.h"
#include "lib/spawn.h"
#include "lib/supervision.h"
#include "lib/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLES_MAX_GIVEN STARTUP_HANDLES
#define SECOND_NS 1000000000u
#define RESERVE_PAGES 256u /* for init itself, to build programs in */
#define CLIENT_RIGHTS (RIGHT_SEND | RIGHT_GRANT | RIGHT_COPY)

/* A program of the manifest, as it runs. Its death is bit n of events, n its place in the manifest.
   */
struct running {
    uint64_t container; /* handle; 0: not running */
    uint64_t process;
    uint64_t endpoint; /* it serves; 0: none */
    uint64_t restarts;
    struct backoff backoff;
    uint64_t due; /* when it is started again; 0: it does not wait for that */
    int waits;    /* 1: for the PCI server, which did not say whether its devices are there */
    struct cpio_file file;
};

static struct manifest manifest;
static struct running running[MANIFEST_PROGRAMS];
static uint64_t events; /* endpoint: deaths */
static const struct atm_boot_info *boot;
static uint64_t shared_pages; /* of which the manifest gives percentages */

struct grants {
    struct spawn_handle handle[HANDLES_MAX_GIVEN];
    size_t count;
    uint64_t made[HANDLES_MAX_GIVEN]; /* handles to close when the program has its copies */
    size_t made_count;
};

_Noreturn static void system_end(int status)
{
    atm_port_out(BOOT_PORTS, EXIT_PORT, 4 | 1 << 8, (uint64_t)status);
    for (;;) /* only where the machine has no such port */
        atm_receive(events, 0);
}

static struct running *endpoint_owner(const char *name)
{
    for (size_t i = 0; i < manifest.programs; i++)
        if (manifest.program[i].serves[0] != 0 && strcmp(manifest.program[i].serves, name) == 0)
            return &running[i];
    return NULL;
}

uint64_t init_console(void)
{
    struct running *console = endpoint_owner("console");
    return console != NULL && console->container != 0 ? console->endpoint : 0;
}

static void manifest_error(unsigned line, const char *wrong, const char *word)
{
    if (word[0] != 0)
        init_say("init: etc/manifest, line %u: %s: \"%s\"; the line is ignored\n", line, wrong,
                 word);
    else
        init_say("init: etc/manifest, line %u: %s; the line is ignored\n", line, wrong);
}

static void give(struct grants *g, const char *name, uint64_t number, uint64_t rights,
                 uint64_t badge)
{
    if (g->count < HANDLES_MAX_GIVEN)
        g->handle[g->count++] = (struct spawn_handle){name, number, rights, badge};
}

/* A range of ports, lines or device memory: a narrowed handle, closed here once it is handed over.
   */
static void give_device(struct grants *g, const struct manifest_program *p,
                        const struct manifest_grant *grant)
{
    static const char *const names[] = {"ports", "irqs", "memory"};
    static const uint64_t whole[] = {BOOT_PORTS, BOOT_IRQS, BOOT_MEMORY};
    struct atm_result r = atm_device_narrow(whole[grant->kind], grant->first, grant->count);
    if (r.status < 0) {
        init_say("init: %s: cannot be granted %s %lu to %lu: %s\n", p->name, names[grant->kind],
                 grant->first, grant->first + grant->count - 1, atm_error_text(r.status));
        return;
    }
    g->made[g->made_count++] = r.r[0];
    give(g, names[grant->kind], r.r[0], RIGHTS_ALL, 0);
}

static void give_endpoints(struct grants *g, size_t n)
{
    const struct manifest_program *p = &manifest.program[n];
    if (running[n].endpoint != 0)
        give(g, "serve", running[n].endpoint, RIGHTS_ALL & ~RIGHT_DESTROY, 0);
    for (size_t i = 0; i < p->uses; i++) {
        struct running *owner = endpoint_owner(p->use[i].name);
        if (owner == NULL)
            init_say("init: %s uses endpoint \"%s\", which no program serves\n", p->name,
                     p->use[i].name);
        else if (owner->endpoint != 0)
            give(g, p->use[i].name, owner->endpoint, CLIENT_RIGHTS, p->use[i].marked ? n + 1 : 0);
    }
}

static int serves_drivers(const struct manifest_program *p)
{
    return strcmp(p->serves, "pci") == 0;
}

static void grants_collect(struct grants *g, size_t n)
{
    const struct manifest_program *p = &manifest.program[n];
    *g = (struct grants){0};
    give_endpoints(g, n);
    for (size_t i = 0; i < p->grants; i++)
        give_device(g, p, &p->grant[i]);
    if (serves_drivers(p))
        give(g, KEEPER_NAME, keeper_process(), RIGHT_READ | RIGHT_WRITE | RIGHT_COPY, 0);
    if (p->container)
        give(g, "container", running[n].container, RIGHTS_ALL & ~RIGHT_DESTROY, 0);
    if (p->system != SYSTEM_NONE)
        give(g, "system", BOOT_CONTAINER,
             RIGHT_READ | RIGHT_COPY | (p->system == SYSTEM_DESTROY ? RIGHT_DESTROY : 0), 0);
}

/* Pages of a program by the manifest: its own number, and its share of what all those numbers leave.
   So they fit together on a small machine as on a large one. */
static uint64_t quota_stated(const struct manifest_program *p)
{
    return p->quota + shared_pages * p->quota_percent / 100;
}

/* Arguments and environment of a program; the pointers are good until the next call. */
static void words_collect(struct spawn *s, size_t n)
{
    static const char *arguments[MANIFEST_LIST + 2];
    static const char *environment[2 + MANIFEST_LIST + DEVICES_TEXTS + 1];
    static char command[sizeof boot->command + 16];
    const struct manifest_program *p = &manifest.program[n];
    size_t count = 0;
    arguments[count++] = p->name;
    for (size_t i = 0; i < p->arguments; i++)
        arguments[count++] = p->argument[i];
    arguments[count] = NULL;
    count = 0;
    environment[count++] = boot->machine == MACHINE_HOSTED ? "MACHINE=hosted" : "MACHINE=x86_64";
    snprintf(command, sizeof command, "COMMAND=%s", boot->command);
    if (p->main && boot->command[0] != 0)
        environment[count++] = command;
    for (size_t i = 0; i < p->environments; i++)
        environment[count++] = p->environment[i];
    if (serves_drivers(p))
        count += devices_environment(&manifest, boot, quota_stated, &environment[count]);
    environment[count] = NULL;
    s->arguments = arguments;
    s->environment = environment;
}

/* Pages for the DMA memory of all drivers: as much as their containers could hold, so that none takes what
   another is short of. */
static uint64_t keeper_pages(void)
{
    uint64_t pages = 0;
    for (size_t n = 0; n < manifest.programs; n++)
        if (manifest.program[n].devices > 0)
            pages += quota_stated(&manifest.program[n]);
    return pages + keeper_overhead(pages);
}

/* What there is to share, before the first program is started. Without shares, what a program needs
   is its number, that of a driver twice. */
static void shares_settle(void)
{
    struct atm_result r = atm_container_info(BOOT_CONTAINER);
    uint64_t left = r.status < 0 ? 0 : r.r[0] - r.r[1] - r.r[2];
    uint64_t fixed = RESERVE_PAGES;
    int pci = endpoint_owner("pci") != NULL;
    for (size_t n = 0; n < manifest.programs; n++) {
        const struct manifest_program *p = &manifest.program[n];
        if (p->quota <= left) /* what can never be is not counted */
            fixed += p->devices > 0 && pci ? 2 * p->quota : p->quota;
    }
    fixed += keeper_overhead(left); /* at most */
    shared_pages = left > fixed ? left - fixed : 0;
}

static int64_t container_make(size_t n)
{
    const struct manifest_program *p = &manifest.program[n];
    uint64_t name[2];
    uint64_t cpus = p->cpus != 0 ? p->cpus : atm_container_info(BOOT_CONTAINER).r[3];
    name_pack(p->name, name);
    struct atm_result r =
        atm_container_create(BOOT_CONTAINER, quota_stated(p), cpus, p->ceiling, name[0], name[1]);
    running[n].container = r.status == 0 ? r.r[0] : 0;
    return r.status;
}

static void container_end(struct running *r)
{
    object_destroy(r->container);
    atm_handle_close(r->container);
    if (r->process != 0)
        atm_handle_close(r->process);
    r->container = r->process = 0;
}

static uint64_t lowest_cpu(uint64_t cpus)
{
    return cpus == 0 ? 0 : (uint64_t)__builtin_ctzll(cpus);
}

static struct spawned process_make(size_t n)
{
    const struct manifest_program *p = &manifest.program[n];
    struct running *r = &running[n];
    struct grants g;
    struct spawn s = {.name = p->name, .image = r->file.data, .bytes = r->file.bytes};
    s.container = r->container;
    s.death_endpoint = events;
    s.death_bits = 1ul << n;
    s.priority = p->priority;
    s.cpu = lowest_cpu(p->cpus);
    words_collect(&s, n);
    grants_collect(&g, n);
    s.handles = g.handle;
    s.handle_count = g.count;
    s.self = p->devices > 0;
    s.initrd_va = INITRD_VA;
    s.initrd_bytes = p->initrd ? boot->initrd_bytes : 0;
    struct spawned out = spawn_program(&s);
    for (size_t i = 0; i < g.made_count; i++)
        atm_handle_close(g.made[i]);
    return out;
}

/* 1 if the program's devices are there; when nobody can say, it waits for the next PCI server. */
static int devices_there(size_t n)
{
    struct running *pci = endpoint_owner("pci");
    running[n].waits = 0;
    if (manifest.program[n].devices == 0)
        return 1;
    if (pci == NULL || pci->endpoint == 0)
        return 0;
    int present = -1;
    if (pci->container != 0)
        present = devices_present((struct devices_server){pci->endpoint, pci->process}, n);
    running[n].waits = present < 0;
    return present > 0;
}

/* 1 if what the program cannot do without is there: its devices, and servers it needs. */
static int program_possible(const struct manifest_program *p, size_t n)
{
    for (size_t i = 0; i < p->uses; i++) {
        struct running *owner = p->use[i].needed ? endpoint_owner(p->use[i].name) : NULL;
        if (p->use[i].needed && (owner == NULL || owner->endpoint == 0))
            return 0;
    }
    return devices_there(n);
}

/* 1 if it runs; else says why not, unless it is that the machine lacks what the program is for. */
static int program_start(size_t n)
{
    const struct manifest_program *p = &manifest.program[n];
    struct running *r = &running[n];
    if (!program_possible(p, n))
        return 0;
    if (!cpio_find((const void *)(uintptr_t)INITRD_VA, boot->initrd_bytes, p->file, &r->file)) {
        init_say("init: %s: there is no file \"%s\" in the initial ramdisk\n", p->name, p->file);
        return 0;
    }
    int64_t status = serves_drivers(p) ? keeper_renew(keeper_pages(), events, 1ul << n) : 0;
    if (status != 0) {
        init_say("init: %s: nobody can keep its drivers' DMA memory: %s\n", p->name,
                 atm_error_text(status));
        return 0;
    }
    status = container_make(n);
    if (status != 0) {
        init_say("init: %s: its container with %lu pages cannot be made: %s\n", p->name,
                 quota_stated(p), atm_error_text(status));
        return 0;
    }
    struct spawned out = process_make(n);
    if (out.status != 0) {
        init_say("init: %s cannot be started: %s: %s\n", p->name, out.step,
                 atm_error_text(out.status));
        container_end(r);
        return 0;
    }
    atm_handle_close(out.thread);
    r->process = out.process;
    backoff_start(&r->backoff, atm_clock().r[0]);
    return 1;
}

/* The server will not come back: whoever waits for it gets an error. */
static void endpoint_end(struct running *r)
{
    if (r->endpoint != 0) {
        object_destroy(r->endpoint);
        atm_handle_close(r->endpoint);
        r->endpoint = 0;
    }
}

static int restart_wanted(const struct manifest_program *p, const struct running *r,
                          enum end_kind end, int status)
{
    if (p->restart == RESTART_NEVER || (p->restart == RESTART_ON_FAULT && end == END_EXIT))
        return 0;
    if (p->restart == RESTART_ON_FAILURE && end == END_EXIT && status == 0)
        return 0;
    if (p->main && boot->command[0] != 0) /* half a command is not to be done twice */
        return 0;
    if (r->restarts < p->restart_limit)
        return 1;
    init_say("init: %s was restarted %lu times, as often as the manifest allows\n", p->name,
             r->restarts);
    return 0;
}

/* Says how a program ended, unless it is the main one and simply exited. */
static void end_tell(const struct manifest_program *p, const struct running *r, enum end_kind end,
                     int status)
{
    char text[REPORT_BYTES];
    struct report report = {p->name, "init", r->process, r->file.data, r->file.bytes};
    if (report_fault(&report, text))
        init_say("%s", text);
    else if (end == END_KILLED)
        init_say("init: %s was killed\n", p->name);
    else if (!p->main && (p->devices == 0 || status != 0)) /* 0: its device is not there */
        init_say("init: %s ended with status %d\n", p->name, status);
}

static int program_uses(const struct manifest_program *p, const char *name)
{
    for (size_t i = 0; i < p->uses; i++)
        if (strcmp(p->use[i].name, name) == 0)
            return 1;
    return 0;
}

/* Tells the servers that use it that this one was started anew. */
static void restart_announce(const struct manifest_program *p)
{
    for (size_t i = 0; p->serves[0] != 0 && i < manifest.programs; i++)
        if (running[i].container != 0 && running[i].endpoint != 0 &&
            program_uses(&manifest.program[i], p->serves))
            atm_signal(running[i].endpoint, EVENT_RESTARTED);
}

/* Starts a program again that has ended. */
static int program_restart(size_t n)
{
    if (!program_start(n))
        return 0;
    init_say("init: %s was started again\n", manifest.program[n].name);
    restart_announce(&manifest.program[n]);
    return 1;
}

static int program_alive(const struct running *r)
{
    struct atm_result info = atm_process_info(r->process);
    return r->container != 0 && info.status == 0 && info.r[0] == PROCESS_ALIVE;
}

/* After the PCI server's restart: the drivers' devices were reset, their DMA memory is no more. A
   driver that has ended, too, is left to the news of that. */
static void drivers_restart(void)
{
    for (size_t n = 0; n < manifest.programs; n++) {
        if (manifest.program[n].devices == 0 || !(program_alive(&running[n]) || running[n].waits))
            continue;
        (void)devices_there(n); /* answered once all devices are reset */
        if (running[n].waits)
            continue;
        keeper_settle();
        if (running[n].container != 0)
            container_end(&running[n]);
        if (!program_restart(n) && !running[n].waits)
            endpoint_end(&running[n]);
    }
}

/* There will be no PCI server any more. */
static void drivers_give_up(void)
{
    for (size_t n = 0; n < manifest.programs; n++)
        if (running[n].waits && running[n].container == 0)
            endpoint_end(&running[n]);
}

/* The container of an ended program goes; the servers that it used learn of that. */
static void program_clear(size_t n)
{
    const struct manifest_program *p = &manifest.program[n];
    container_end(&running[n]);
    for (size_t i = 0; i < p->uses; i++) {
        struct running *owner = endpoint_owner(p->use[i].name);
        if (owner != NULL && owner->endpoint != 0)
            atm_signal(owner->endpoint, EVENT_CLIENT_ENDED);
    }
}

/* There will be no such program any more. */
static void program_give_up(size_t n)
{
    endpoint_end(&running[n]);
    if (serves_drivers(&manifest.program[n]))
        drivers_give_up();
}

/* Starts a program again now. 0: it will not come back. */
static int program_again(size_t n)
{
    running[n].restarts++;
    if (program_restart(n)) {
        if (serves_drivers(&manifest.program[n]))
            drivers_restart();
        return 1;
    }
    return running[n].waits;
}

/* 1 if it is to be left alone for a while, as it ended by itself once more. */
static int program_waits(size_t n, enum end_kind end)
{
    struct running *r = &running[n];
    uint64_t now = atm_clock().r[0];
    uint64_t wait = end == END_KILLED ? 0 : backoff_end(&r->backoff, now);
    if (wait == 0)
        return 0;
    r->due = now + wait;
    init_say("init: %s ended %lu times; next try in %lu s\n", manifest.program[n].name,
             r->backoff.ends, wait / SECOND_NS);
    return 1;
}

/* Starts those whose time has come; when the next one's comes, 0: there is none. */
static uint64_t programs_due(void)
{
    uint64_t next = 0;
    for (size_t n = 0; n < manifest.programs; n++) {
        if (running[n].due != 0 && running[n].due <= atm_clock().r[0]) {
            running[n].due = 0;
            if (!program_again(n))
                program_give_up(n);
        }
        if (running[n].due != 0 && (next == 0 || running[n].due < next))
            next = running[n].due;
    }
    return next;
}

static void program_ended(size_t n)
{
    const struct manifest_program *p = &manifest.program[n];
    struct running *r = &running[n];
    if (r->container == 0 || program_alive(r))
        return; /* news of one that was ended here */
    int status = report_status(r->process);
    enum end_kind end = report_end(r->process);
    uint64_t process = r->process;
    uint64_t container = r->container;
    /* While it is told the program counts as gone: its endpoint may be the console's. */
    r->container = 0;
    end_tell(p, r, end, status);
    r->process = process;
    r->container = container;
    program_clear(n);
    if (restart_wanted(p, r, end, status) && (program_waits(n, end) || program_again(n)))
        return;
    program_give_up(n);
    if (p->main)
        system_end(status);
}

/* News of ends. That of the PCI server comes first, whether it was heard or not: while there is none
   no driver's memory may go back, as nobody has stopped its device. */
static void ends_handle(uint64_t bits)
{
    struct running *pci = endpoint_owner("pci");
    if (pci != NULL && pci->container != 0) {
        if (!keeper_alive()) /* who was killed; a new life of both begins with a reset */
            object_destroy(pci->process);
        program_ended((size_t)(pci - running));
    }
    for (size_t n = 0; n < manifest.programs; n++)
        if ((bits >> n & 1) != 0)
            program_ended(n);
}

static void system_start(void)
{
    int main_runs = 0;
    shares_settle();
    for (size_t n = 0; n < manifest.programs; n++)
        if (manifest.program[n].serves[0] != 0) {
            struct atm_result r = atm_endpoint_create(0);
            running[n].endpoint = r.status == 0 ? r.r[0] : 0;
        }
    for (size_t n = 0; n < manifest.programs; n++) {
        int runs = program_start(n);
        if (!runs && !running[n].waits)
            endpoint_end(&running[n]);
        main_runs |= runs && manifest.program[n].main;
    }
    if (!main_runs) {
        init_say("init: no main program runs (a manifest needs one with the word \"main\"): "
                 "the system ends\n");
        system_end(1);
    }
}

int main(void)
{
    struct cpio_file file;
    boot = startup_boot();
    if (boot == NULL) {
        fprintf(stderr, "init: it is the kernel that starts this program, at boot\n");
        return 1;
    }
    struct atm_result r = atm_endpoint_create(0);
    events = r.r[0];
    if (r.status < 0 ||
        !cpio_find((const void *)(uintptr_t)INITRD_VA, boot->initrd_bytes, "etc/manifest", &file)) {
        init_say("init: there is no etc/manifest in the initial ramdisk: the system ends\n");
        system_end(1);
    }
    clock_start();
    manifest_read((const char *)file.data, file.bytes, &manifest, manifest_error);
    system_start();
    for (;;) {
        uint64_t next = programs_due();
        r = next == 0 ? atm_receive(events, 0) : atm_receive_until(events, next);
        if (r.status == 0)
            ends_handle(r.r[2]);
    }
}
