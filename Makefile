# SPDX-License-Identifier: MIT
#
# The commands people type; `make help` lists them. How each part is built stands in the .mk file beside it. All output
# goes to $(BUILD). A command installs what it needs by scripts/setup.

BUILD := build
ifeq ($(origin CC),default)
CC := gcc
endif
WARN := -Wall -Wextra -Wconversion -Wshadow $(if $(WERROR),-Werror)
CORE_SRC := $(wildcard core/*.c)

HOSTED := $(BUILD)/hosted/atmos-hosted
KERNEL := $(BUILD)/x86_64/atmos.elf
INITRD := $(BUILD)/user/initrd.cpio

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# ---- packages: scripts/setup is asked for the groups that the goals need, before anything else ----
NEEDS_run := build images
NEEDS_qemu := build qemu images
NEEDS_test := build qemu test iso uefi debug images clients
NEEDS_test-kills := build test qemu images clients
NEEDS_test-unit := build test
NEEDS_test-hosted := build test qemu images clients
NEEDS_test-qemu := build qemu test iso uefi images clients
NEEDS_verify := verify
NEEDS_verify-planted := verify
NEEDS_hosted := build
NEEDS_hosted-asan := build
NEEDS_user := build
NEEDS_iso := build iso
NEEDS_qemu-bios := build iso qemu images
NEEDS_qemu-uefi := build iso uefi images
NEEDS_debug := build debug
NEEDS_debug-qemu := build debug qemu
NEEDS_fuzz := build fuzz
NEEDS_check := build check debug
NEEDS_coverage := build coverage
NEEDS_bench := build qemu
NEEDS_profile := build qemu
NEEDS_bench-growth := build qemu
NEEDS_bench-net := build bench-net
NEEDS_bench-hosted := build qemu
NEEDS_bench-io := build qemu bench-io
NEEDS_docs := build
NEEDS_format := check

NEEDS := $(sort $(foreach goal,$(MAKECMDGOALS),$(NEEDS_$(goal))))
ifneq ($(NEEDS),)
ifeq ($(MAKELEVEL),0)
# Asked again only when packages came or went.
READY := $(BUILD)/ready/$(subst $() ,-,$(NEEDS))
$(shell test $(READY) -nt /var/lib/dpkg/status -a $(READY) -nt scripts/setup || \
  { sh scripts/setup $(NEEDS) && mkdir -p $(dir $(READY)) && touch $(READY); })
ifneq ($(.SHELLSTATUS),0)
$(error scripts/setup could not install what 'make $(MAKECMDGOALS)' needs; its message is above)
endif
endif
endif

# ---- options of run, qemu and debug, as environment of scripts/run and scripts/qemu ----
# Only what was given: an empty SEED is not a seed.
$(foreach name,CMD MEMORY TRACE CHECK REALTIME SEED DATE DISK0 DISK1 SHARE NET PORT FORWARDS LOSS DELAY REORDER,\
    $(if $(filter undefined,$(origin $(name))),,$(eval export $(name))))

# Recipes are not shown: make V=1 shows them.
ifndef V
MAKEFLAGS += --silent
endif

# Builds $(1), and says so if it has to; standard output stays free for the program that runs.
JOBS := $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j2)
build_quietly = $(MAKE) -q $(1) 2>/dev/null || { echo "building: $(1)" >&2; \
	$(MAKE) $(JOBS) --no-print-directory $(1) >&2; }

# make itself ends with status 2 when a recipe fails; a loaded extension hands on the real one.
STATUS := $(BUILD)/status
ifneq ($(filter load,$(.FEATURES)),)
STATUS_SO := $(BUILD)/make_status.so
finish = $(eval load $(STATUS_SO))$(exit-status $(STATUS))
else
finish = @exit $$(cat $(STATUS))
endif

$(BUILD)/make_status.so: scripts/make_status.c
	@mkdir -p $(@D)
	@$(CC) -O1 -shared -fPIC -o $@ $<

.PHONY: run qemu qemu-bios qemu-uefi test verify iso debug debug-qemu fuzz check coverage bench docs format clean help

run: run-system ## the system as a process, on this terminal; CMD="ls; ps" runs commands and exits with their status
	$(finish)
qemu: qemu-system ## the same in QEMU, serial line on this terminal; CMD=... too
	$(finish)

.PHONY: run-system qemu-system
run-system:
	@$(call build_quietly,$(HOSTED) $(INITRD) $(STATUS_SO))
	@status=0; scripts/run || status=$$?; echo $$status >$(STATUS)
qemu-system:
	@$(call build_quietly,$(KERNEL) $(INITRD) $(STATUS_SO))
	@status=0; scripts/qemu || status=$$?; echo $$status >$(STATUS)
qemu-bios: iso ## boots the disk image in QEMU under BIOS
	@scripts/qemu bios
qemu-uefi: iso ## boots the disk image in QEMU under UEFI
	@scripts/qemu uefi

test: ## unit tests, then system tests on hosted and in QEMU; closes with `N passed, N failed`
verify: ## proves the core with Frama-C; fails if a proved function stops being proved
iso: ## a disk image that boots under BIOS and UEFI
fuzz: ## SECONDS=60: drives sequences of system calls under ASan and UBSan, invariants checked; TARGET=all: every decoder, too

debug: ## gdb on the hosted kernel, with helpers that list processes, threads, containers, tables, queues; CMD=...
	@$(call build_quietly,$(HOSTED) $(INITRD))
	@scripts/debug hosted
debug-qemu: ## gdb on the kernel in QEMU, with the same helpers
	@$(call build_quietly,$(KERNEL) $(INITRD))
	@scripts/debug qemu

check: ## format, static analysis, layering of core/, generated pages, gdb helpers
	@scripts/check
coverage: ## lcov HTML of core/ from the unit tests, in build/coverage
	@scripts/coverage
docs: ## writes docs/syscalls.md from include/atmos
	scripts/gen-syscalls
format: ## puts all C into the project's format
	clang-format -i $$(scripts/c-files)
clean: ## removes build/
	rm -rf $(BUILD)

help: ## this list
	@echo "make TARGET, options as TARGET NAME=value"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / && !seen[$$1]++ { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Options of run, qemu, debug: CMD=\"...\" MEMORY=128M; of run, qemu: DATE=2026-01-01T00:00:00; of run, debug: TRACE=1 CHECK=1 REALTIME=1 SEED=n"
	@echo "Devices of run and qemu:"
	@echo "  DISK0=FILE DISK1=FILE  disk images (default build/disk0.img, ext2, and build/disk1.img, FAT); none; FILE,ro"
	@echo "  SHARE=FOLDER           a folder of this host, seen as /host (default build/share); none"
	@echo "  NET=0                  no network"
	@echo "  PORT=8080              port of 127.0.0.1 that leads to the web server"
	@echo "  FORWARDS=\"8080:80 11211:11211 5640:564\"  all ports, HOSTPORT:GUESTPORT; the next free one if one is taken"
	@echo "  LOSS=5% DELAY=20 REORDER=5%  faults of the network, run only: frames lost, ms, frames overtaken"

include tests/host/host.mk arch/hosted/hosted.mk arch/x86_64/x86_64.mk servers/user.mk tests/tests.mk fuzz/fuzz.mk proofs/proofs.mk bench/bench.mk
