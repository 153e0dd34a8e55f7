# SPDX-License-Identifier: MIT
#
# Fuzzing with libFuzzer: the core, compiled by clang under ASan and UBSan with coverage and store callbacks
# (arch/hosted/snapshot.h), driven by fuzz/*.c. New inputs go to $(FUZZ)/corpus, crashes to $(FUZZ)/crash-*.
#   make fuzz SECONDS=60 [TARGET=syscalls|elf|cpio|manifest] [SEED=n]

FUZZ := $(BUILD)/fuzz
FUZZ_CC := clang
SECONDS ?= 60
TARGET ?= syscalls
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_BASE := -std=gnu11 -g -O2 $(WARN) -D_GNU_SOURCE= -I. -Iinclude -include arch/hosted/windows.h -MMD -MP
FUZZ_FLAGS := $(FUZZ_BASE) $(FUZZ_SAN) -fno-omit-frame-pointer
FUZZ_TRACE := -fsanitize-coverage=inline-8bit-counters,pc-table,trace-stores
FUZZ_CORE_OBJ := $(patsubst %.c,$(FUZZ)/%.o,$(filter-out core/invariant.c,$(CORE_SRC)))
FUZZ_HOSTED_OBJ := $(patsubst %.c,$(FUZZ)/%.o,$(addprefix arch/hosted/,memory.c direct.c panic.c snapshot.c \
  snapshot_trace.c))
FUZZ_PLAIN_OBJ := $(patsubst %.c,$(FUZZ)/%.o,tests/unit/calls.c tests/unit/elf_image.c tests/unit/state.c)
FUZZ_WRAP := -Wl,--wrap=__asan_memcpy,--wrap=__asan_memmove,--wrap=__asan_memset

.PHONY: fuzz fuzz-build
fuzz: fuzz-build
	@fuzz/run $(TARGET) $(SECONDS) $(SEED)

fuzz-build: $(FUZZ)/syscalls $(FUZZ)/elf $(FUZZ)/cpio $(FUZZ)/manifest

# The readers of user space, as they are.
FUZZ_READERS := lib/elf lib/cpio servers/init/manifest fuzz/elf fuzz/cpio fuzz/manifest
$(patsubst %,$(FUZZ)/%.o,$(FUZZ_READERS)): $(FUZZ)/%.o: %.c
	@mkdir -p $(@D)
	@$(FUZZ_CC) -std=gnu11 -g -O1 $(WARN) -D_GNU_SOURCE= -I. -Iinclude -MMD -MP $(FUZZ_SAN) -fsanitize=fuzzer-no-link -include fuzz/host.h \
	  -c -o $@ $<

$(FUZZ)/elf: $(FUZZ)/fuzz/elf.o $(FUZZ)/lib/elf.o
$(FUZZ)/cpio: $(FUZZ)/fuzz/cpio.o $(FUZZ)/lib/cpio.o
$(FUZZ)/manifest: $(FUZZ)/fuzz/manifest.o $(FUZZ)/servers/init/manifest.o
$(FUZZ)/elf $(FUZZ)/cpio $(FUZZ)/manifest:
	@$(FUZZ_CC) $(FUZZ_SAN) -fsanitize=fuzzer -g -o $@ $^

# The core: coverage and store callbacks, its variables where snapshots find them.
$(FUZZ)/core/%.o: core/%.c
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_TRACE) -include arch/hosted/globals.h -c -o $@ $<

# The invariants look at every frame after every run, and are no target: optimised, without sanitizers.
$(FUZZ)/core/invariant.o: core/invariant.c
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_BASE) -c -o $@ $<

# What writes into the kernel on its own: store callbacks too, but none of its branches is a discovery.
$(FUZZ)/fuzz/scene.o $(FUZZ)/fuzz/syscalls.o: $(FUZZ)/fuzz/%.o: fuzz/%.c
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_TRACE) -c -o $@ $<

$(FUZZ)/arch/%.o: arch/%.c
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_FLAGS) -c -o $@ $<

$(FUZZ)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	@$(FUZZ_CC) $(FUZZ_BASE) -c -o $@ $<

$(FUZZ)/syscalls: $(FUZZ)/fuzz/syscalls.o $(FUZZ)/fuzz/scene.o $(FUZZ_CORE_OBJ) $(FUZZ)/core/invariant.o \
  $(FUZZ_HOSTED_OBJ) $(FUZZ_PLAIN_OBJ)
	@$(FUZZ_CC) $(FUZZ_SAN) -fsanitize=fuzzer -g -rdynamic $(FUZZ_WRAP) -o $@ $^

-include $(wildcard $(FUZZ)/*/*.d $(FUZZ)/*/*/*.d $(FUZZ)/*/*/*/*.d)
