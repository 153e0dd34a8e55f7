/* SPDX-License-Identifier: MIT */
/*
 * Running programs and scripts. Each program gets a container of its own inside the shell's, with a
 * quota; when it has ended the container goes, and with it all that the program made.
 */
#include "lib/console.h"
#include "lib/error.h"
#include "lib/memory.h"
#include "lib/report.h"
#include "lib/spawn.h"
#include "lib/path.h"
#include "lib/sys.h"
#include "lib/vfs.h"
#include "shell.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_DEATH 1u
#define JOBS 8u /* programs in the background */
#define EVENT_JOB(n) (2ul << (n))
#define EVENT_JOBS (EVENT_JOB(JOBS) - EVENT_JOB(0))
#define RUN_CEILING 30u
#define RUN_PRIORITY 20u
#define FIRST_BADGE 1000u /* programs the shell runs are told apart by badges from here on */

struct run_record run_record;

/* A program being run. */
struct run {
    char name[64]; /* without folders */
    uint64_t bits; /* of its death */
    struct vfs_image image;
    uint64_t container; /* handle */
    uint64_t process;   /* handle */
};

/* Servers that programs may call, each with a mark of its own. */
static const char *const given[] = {"console", "names", "net", "pci", "random", "disk0", "disk1"};
#define GIVEN (sizeof given / sizeof given[0])

static struct run job[JOBS]; /* container 0: free */
static uint64_t jobs_ended;  /* their bits */
static int job_status;       /* of the last that ended */

static int watching; /* 1: ^C is an event now, for a built-in command */

/* The events that came, or 0; what concerns jobs is noted. */
static uint64_t events_take(uint64_t options)
{
    struct atm_result r = atm_receive(shell.events, options);
    uint64_t bits = r.status == 0 && (r.r[1] & TAG_EVENT) != 0 ? r.r[2] : 0;
    jobs_ended |= bits & EVENT_JOBS;
    return bits;
}

int shell_interrupted(void)
{
    if (!shell.interactive || shell.interrupted)
        return shell.interrupted;
    if (!watching)
        watching = console_watch(shell.events) == 0;
    shell.interrupted = (events_take(TAG_NONBLOCK) & CONSOLE_INTERRUPT) != 0;
    if (shell.interrupted)
        puts("^C");
    return shell.interrupted;
}

void shell_watch_end(void)
{
    if (watching)
        console_watch(0);
    watching = 0;
}

/* The handles a program gets; how many. */
static size_t handles_collect(struct spawn_handle handle[GIVEN + 1], uint64_t badge,
                              uint64_t container)
{
    size_t count = 0;
    for (size_t i = 0; i < GIVEN; i++) {
        uint64_t number = startup_handle(given[i]);
        if (number != 0)
            handle[count++] = (struct spawn_handle){given[i], number, RIGHTS_ALL, badge};
    }
    handle[count++] = (struct spawn_handle){"container", container, RIGHTS_ALL & ~RIGHT_DESTROY, 0};
    return count;
}

static struct spawned run_spawn(struct run *run, char **word)
{
    static uint64_t badge = FIRST_BADGE;
    static char machine[32], folder[VFS_PATH_MAX + 4];
    const char *environment[4] = {machine, folder, shell.interactive ? "TERMINAL=1" : NULL, NULL};
    const char *kind = getenv("MACHINE");
    struct spawn_handle handles[GIVEN + 1];
    size_t count = handles_collect(handles, ++badge, run->container);
    snprintf(machine, sizeof machine, "MACHINE=%s", kind == NULL ? "" : kind);
    snprintf(folder, sizeof folder, "PWD=%s", vfs_cwd());
    struct spawn s = {
        .name = run->name,
        .image = run->image.data,
        .bytes = run->image.bytes,
        .container = run->container,
        .death_endpoint = shell.events,
        .death_bits = run->bits,
        .priority = RUN_PRIORITY,
        .arguments = (const char *const *)word,
        .environment = environment,
        .handles = handles,
        .handle_count = count,
    };
    return spawn_program(&s);
}

/* Adds up what the threads of an ended program used. */
static void record_take(uint64_t process)
{
    uint64_t previous = 0;
    run_record.valid = 1;
    for (;;) {
        struct atm_result r = atm_child_next(process, previous);
        if (previous != 0)
            atm_handle_close(previous);
        if (r.status < 0)
            return;
        previous = r.r[0];
        r = atm_thread_info(previous);
        if (r.status == 0) {
            run_record.ticks += r.r[3];
            run_record.syscalls += r.r[5];
        }
    }
}

/* Waits until the program has ended; ^C ends it. */
static void run_wait(const struct run *run)
{
    for (;;) {
        uint64_t bits = events_take(0);
        if ((bits & EVENT_DEATH) != 0)
            return;
        if ((bits & CONSOLE_INTERRUPT) != 0) {
            puts("^C");
            shell.interrupted = 1;
            object_destroy(run->process);
            return;
        }
    }
}

static void run_tell(const struct run *run)
{
    char text[REPORT_BYTES];
    struct report report = {run->name, "shell", run->process, run->image.data, run->image.bytes};
    if (report_fault(&report, text))
        printf("%s", text);
    else if (report_end(run->process) == END_KILLED)
        printf("%s was killed\n", run->name);
}

/* Makes a program's container and starts it there; 0, or the command's status. */
static int run_begin(struct run *run, char **word, uint64_t quota)
{
    uint64_t name[2];
    name_pack(run->name, name);
    uint64_t cpus = atm_container_info(shell.own).r[3];
    struct atm_result r =
        atm_container_create(shell.own, quota, cpus, RUN_CEILING, name[0], name[1]);
    if (r.status < 0) {
        printf("%s cannot be started: a container with %lu pages: %s\n", run->name, quota,
               atm_error_text(r.status));
        return 126;
    }
    run->container = r.r[0];
    struct spawned out = run_spawn(run, word);
    if (out.status == 0) {
        run->process = out.process;
        atm_handle_close(out.thread);
        return 0;
    }
    printf("%s cannot be started: %s: %s\n", run->name, out.step, atm_error_text(out.status));
    object_destroy(run->container);
    atm_handle_close(run->container);
    return 126;
}

/* Says how it ended and gives back all it had; its status. */
static int run_end(const struct run *run)
{
    int status = report_status(run->process);
    record_take(run->process);
    run_tell(run);
    atm_handle_close(run->process);
    object_destroy(run->container);
    atm_handle_close(run->container);
    return status;
}

/* What is pending belongs to the program that has ended: its death, if ^C came first, or a late ^C.
   */
static void events_drop(void)
{
    while (events_take(TAG_NONBLOCK) != 0)
        ;
}

static int program_run(struct run *run, char **word, uint64_t quota)
{
    run->bits = EVENT_DEATH;
    int status = run_begin(run, word, quota);
    if (status != 0)
        return status;
    if (shell.interactive)
        console_watch(shell.events);
    run_wait(run);
    if (shell.interactive)
        console_watch(0);
    status = run_end(run);
    events_drop();
    return status;
}

/* ---- jobs ---- */

/* Starts a program in the background, which keeps its image. */
static int job_begin(struct run *run, char **word, uint64_t quota)
{
    size_t n = 0;
    while (n < JOBS && job[n].container != 0)
        n++;
    if (n == JOBS) {
        printf("%s: %u programs run in the background already\n", run->name, JOBS);
        return 126;
    }
    run->bits = EVENT_JOB(n);
    int status = run_begin(run, word, quota);
    if (status == 0) {
        job[n] = *run;
        run->image = (struct vfs_image){0};
    }
    return status;
}

void jobs_reap(void)
{
    events_drop();
    for (size_t n = 0; n < JOBS; n++)
        if ((jobs_ended & EVENT_JOB(n)) != 0 && job[n].container != 0) {
            int status = run_end(&job[n]);
            printf("%s in the background ended with status %d\n", job[n].name, status);
            job_status = status;
            vfs_unload(&job[n].image);
            job[n] = (struct run){.container = 0};
        }
    jobs_ended = 0;
}

int command_wait(size_t words, char **word)
{
    uint64_t running = 1;
    (void)words;
    (void)word;
    while (running != 0 && !shell_interrupted()) {
        jobs_reap();
        running = 0;
        for (size_t n = 0; n < JOBS; n++)
            running |= job[n].container;
        if (running != 0)
            shell.interrupted |= (events_take(0) & CONSOLE_INTERRUPT) != 0;
    }
    return job_status;
}

/* ---- files ---- */

static int script_run(const struct run *run)
{
    if (shell.depth == SHELL_DEPTH) {
        printf("%s: scripts run scripts more than %d deep\n", run->name, SHELL_DEPTH);
        return 126;
    }
    shell.depth++;
    int status = shell_run((const char *)run->image.data, run->image.bytes);
    shell.depth--;
    return status;
}

/* A script is text: no zero byte at its beginning. */
static int is_script(const struct vfs_image *image)
{
    return memchr(image->data, 0, image->bytes < 128 ? image->bytes : 128) == NULL;
}

int file_run(size_t words, char **word, uint64_t quota)
{
    char path[VFS_PATH_MAX];
    struct run run = {.container = 0};
    (void)words;
    strlcpy(run.name, path_name(word[0]), sizeof run.name);
    snprintf(path, sizeof path, "%s%s", strchr(word[0], '/') == NULL ? "/bin/" : "", word[0]);
    fflush(stdout);
    int64_t status = vfs_load(path, &run.image);
    if (status != 0) {
        printf("%s: %s\n", word[0], errno_text(status));
        return STATUS_NOT_FOUND;
    }
    int result = STATUS_NOT_FOUND;
    if (!is_script(&run.image))
        result = shell.background ? job_begin(&run, word, quota) : program_run(&run, word, quota);
    else if (!shell.background)
        result = script_run(&run);
    else
        printf("%s: a script cannot run in the background\n", word[0]);
    vfs_unload(&run.image);
    return result;
}
