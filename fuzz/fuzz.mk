# SPDX-License-Identifier: MIT
#
# Fuzzing with libFuzzer: the core, compiled by clang under ASan and UBSan with coverage and store callbacks
# (arch/hosted/snapshot.h), driven by fuzz/*.c. New inputs go to $(FUZZ)/corpus, crashes to $(FUZZ)/crash-*.
#   make fuzz SECONDS=60 [TARGET=syscalls|elf|cpio|manifest|virtio|...|all] [SEED=n]

FUZZ := $(BUILD)/fuzz
FUZZ_CC := clang
SECONDS ?= 60
TARGET ?= syscalls
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_BASE := -std=gnu11 -g -O2 $(WARN) -D_GNU_SOURCE= -I. -Iinclude -include arch/hosted/windows.h -MMD -MP
FUZZ_FLAGS := $(FUZZ_BASE) $(FUZZ_SAN) -fno-omit-frame-pointer
FUZZ_TRACE := -fsanitize-coverage=inline-8bit-counters,pc-table,trace-stores
FUZZ_COMPILE_MODEL := $(FUZZ_CC) -std=gnu11 -g -O1 $(WARN) -D_GNU_SOURCE= -I. -Iinclude -MMD -MP $(FUZZ_SAN) \
  -fsanitize=fuzzer-no-link
FUZZ_COMPILE_READER := $(FUZZ_COMPILE_MODEL) -include fuzz/host.h
FUZZ_CORE_OBJ := $(patsubst %.c,$(FUZZ)/%.o,$(filter-out core/invariant.c,$(CORE_SRC)))
FUZZ_HOSTED_OBJ := $(patsubst %.c,$(FUZZ)/%.o,$(addprefix arch/hosted/,memory.c direct.c panic.c snapshot.c \
  snapshot_trace.c))
FUZZ_PLAIN_OBJ := $(patsubst %.c,$(FUZZ)/%.o,tests/unit/calls.c tests/unit/elf_image.c tests/unit/state.c)
FUZZ_WRAP := -Wl,--wrap=__asan_memcpy,--wrap=__asan_memmove,--wrap=__asan_memset

.PHONY: fuzz fuzz-build
fuzz: fuzz-build
	@printf '%s\n' $(if $(filter all,$(TARGET)),syscalls $(FUZZ_READERS) $(FUZZ_MODELS),$(TARGET)) | \
	  xargs -P 2 -I '{}' fuzz/run '{}' $(SECONDS) $(SEED)

# Targets of user space: name, and the sources the target drives, as they are. One line each.
FUZZ_READERS :=
define fuzz_reader
FUZZ_READERS += $(1)
$(FUZZ)/$(1): $(FUZZ)/fuzz/$(1).o $(2:%=$(FUZZ)/%.o)
endef
$(eval $(call fuzz_reader,elf,lib/elf))
$(eval $(call fuzz_reader,cpio,lib/cpio))
$(eval $(call fuzz_reader,manifest,servers/init/manifest tests/unit/strlcpy))
$(eval $(call fuzz_reader,ninep,lib/ninep lib/ninep_server lib/ninep_files lib/ninep_lock servers/ramfs/ramfs \
  servers/ramfs/pages tests/unit/strlcpy))
$(eval $(call fuzz_reader,pci,servers/pci/function servers/pci/grants))
$(eval $(call fuzz_reader,export,servers/export/engine lib/ninep lib/ninep_server lib/ninep_files lib/ninep_lock \
  servers/ramfs/ramfs servers/ramfs/pages tests/unit/strlcpy))
$(eval $(call fuzz_reader,http,$(addprefix servers/httpd/,request target fields connection answer page mime) tests/unit/strlcpy \
  tests/unit/http_site))
$(eval $(call fuzz_reader,memcached,$(addprefix servers/memcached/,store command engine ascii binary stats)))
$(eval $(call fuzz_reader,virtio,lib/virtio_queue lib/virtio_places))
$(eval $(call fuzz_reader,frames,lib/frames))

FUZZ_DISKS := $(addprefix $(FUZZ)/,ext2.img ext2-4k.img fat12.img fat16.img fat32.img)
$(eval $(call fuzz_reader,ext2,lib/cache lib/set fuzz/image $(addprefix servers/ext2/,super alloc node map data folder recover ops)))
$(eval $(call fuzz_reader,fat,lib/cache lib/set fuzz/image $(addprefix servers/fat/,super table node name data folder recover ops)))
$(FUZZ)/ext2 $(FUZZ)/fat: | $(FUZZ_DISKS)
$(FUZZ_DISKS) &: fuzz/make-images
	@mkdir -p $(FUZZ)
	@fuzz/make-images $(FUZZ)

# Device models of the hosted machine, on their bus: name; each drives arch/hosted/NAME.c.
FUZZ_MODELS :=
FUZZ_BUS := $(addprefix $(FUZZ)/model/,arch/hosted/pci.o arch/hosted/virtio.o arch/hosted/virtio_ring.o arch/hosted/lie.o \
  tests/unit/virtio_guest.o fuzz/model.o)
define fuzz_model
FUZZ_MODELS += $(1)
$(FUZZ)/$(1): $(FUZZ)/model/fuzz/$(1).o $(FUZZ)/model/arch/hosted/$(1).o $(FUZZ_BUS)
endef
$(eval $(call fuzz_model,virtio_net))
$(eval $(call fuzz_model,virtio_blk))
$(eval $(call fuzz_model,virtio_9p))
$(FUZZ)/virtio_9p: $(FUZZ)/model/arch/hosted/share.o $(HOSTED_LIB_SRC:%.c=$(FUZZ)/model/%.o)
$(HOSTED_LIB_SRC:%.c=$(FUZZ)/model/%.o): FUZZ_COMPILE_MODEL += -include arch/hosted/lib_host.h

fuzz-build: $(FUZZ)/syscalls $(FUZZ_READERS:%=$(FUZZ)/%) $(FUZZ_MODELS:%=$(FUZZ)/%) $(if $(HAVE_LWIP),$(FUZZ)/net)

$(FUZZ)/model/%.o: %.c
	@mkdir -p $(@D)
	@$(FUZZ_COMPILE_MODEL) -c -o $@ $<
$(FUZZ_MODELS:%=$(FUZZ)/%):
	@$(FUZZ_CC) $(FUZZ_SAN) -fsanitize=fuzzer -g -o $@ $^

$(FUZZ)/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	@$(FUZZ_COMPILE_READER) -c -o $@ $<
$(FUZZ)/servers/%.o: servers/%.c
	@mkdir -p $(@D)
	@$(FUZZ_COMPILE_READER) -c -o $@ $<
$(FUZZ_READERS:%=$(FUZZ)/fuzz/%.o) $(FUZZ)/fuzz/image.o: $(FUZZ)/fuzz/%.o: fuzz/%.c
	@mkdir -p $(@D)
	@$(FUZZ_COMPILE_READER) -c -o $@ $<
$(FUZZ_READERS:%=$(FUZZ)/%):
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
