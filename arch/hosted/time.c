/* SPDX-License-Identifier: MIT */
/*
 * Time. Logical by default: every entry of the kernel takes a fixed step (with --seed a random one, so that preemption
 * falls elsewhere), and when all wait, time jumps to the next deadline; the same input gives the same run. With
 * --real-time it is the host's clock. Either way a host interval timer interrupts a program that does not enter the
 * kernel at all: a busy loop must not keep the machine.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "arch/hosted/native.h"
#include "arch/hosted/network.h"
#include "arch/hosted/rtc.h"

#define STEP 10000u             /* logical ns an entry takes */
#define HOST_TICK_LOGICAL 10000 /* us between looks at a running program */
#define HOST_TICK_REAL 1000
#define SECOND 1000000000u

volatile pid_t time_running;
volatile uint64_t time_stops;

static uint64_t logical;    /* ns */
static uint64_t host_start; /* ns */
static uint64_t wanted = UINT64_MAX;
static uint64_t random_state;
static volatile uint64_t stops_seen; /* by the handler: time_stops one tick ago, */
static volatile pid_t ran_pid; /* what ran then (0: the kernel), and how long it had run, ns */
static volatile uint64_t ran_seen;

uint64_t time_host(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

uint64_t arch_clock(void) { return options.real_time ? time_host() - host_start : logical; }

void arch_timer_set(uint64_t time) { wanted = time; }

uint64_t time_wanted(void) { return wanted; }

bool time_due(void)
{
    if (wanted == UINT64_MAX || arch_clock() < wanted) {
        return false;
    }
    wanted = UINT64_MAX;
    return true;
}

/* xorshift64: the state is never 0. */
static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

void time_step(void) { logical += options.seeded ? 1 + random_next() % (2 * STEP) : STEP; }

void time_jump(void)
{
    if (wanted != UINT64_MAX && logical < wanted) {
        logical = wanted;
    }
}

void time_slept(uint64_t nanoseconds) { logical += nanoseconds; }

void time_preempt(void) { time_jump(); }

static int tick_period(void) { return options.real_time ? HOST_TICK_REAL : HOST_TICK_LOGICAL; }

/* True if this process has run for the most part of a tick since the last, and did not just wait for the host to let it
   run: that would make a run depend on what else the host does. */
static bool ran_long(pid_t pid)
{
    struct timespec ran = {0, 0};
    clockid_t clock;
    uint64_t before = ran_pid == pid ? ran_seen : UINT64_MAX;

    ran_pid = pid;
    if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ran) != 0) {
        return pid != 0; /* nobody can say */
    }
    ran_seen = (uint64_t)ran.tv_sec * SECOND + (uint64_t)ran.tv_nsec;
    return before <= ran_seen && ran_seen - before >= (uint64_t)tick_period() * 1000 / 2;
}

/* A program is stopped by a signal to its stub, which only this process sees: in real time when the timer is due, and
   after a whole tick without a stop in logical time, or when the network is to be looked at. */
static void host_tick(int number)
{
    pid_t running = time_running;
    bool due = options.real_time && arch_clock() >= wanted;
    bool busy = ran_long(running) && time_stops == stops_seen;

    (void)number;
    if (running != 0 && (due || (busy && (!options.real_time || network_options.on)))) {
        kill(running, SIGALRM);
    }
    stops_seen = time_stops;
}

void time_host_timer(bool on)
{
    int period = on ? tick_period() : 0;
    struct itimerval timer = {{0, period}, {0, period}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

/* The machine's clock; with a seed, all that a run depends on is said. */
static void date_start(void)
{
    struct timespec host = {.tv_sec = RTC_DATE_DEFAULT};
    char text[RTC_DATE_BYTES] = "none";

    if (options.date == DATE_GIVEN) {
        host.tv_sec = options.date_given;
    } else if (options.real_time) {
        clock_gettime(CLOCK_REALTIME, &host);
    }
    if (options.date != DATE_NONE) {
        rtc_start(host.tv_sec, (uint64_t)host.tv_nsec);
        rtc_date_write(host.tv_sec, text);
    }
    if (options.seeded) {
        fprintf(stderr, "atmos-hosted: seed %llu, date %s\n", (unsigned long long)options.seed,
                text);
    }
}

void time_init(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = host_tick;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    host_start = time_host();
    random_state = options.seed * 0x9e3779b97f4a7c15u + 1;
    if (random_state == 0) {
        random_state = 1;
    }
    date_start();
}
