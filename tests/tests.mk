# SPDX-License-Identifier: MIT
#
# Unit tests: the core with its machine of tests (arch/hosted/direct.c), under ASan and UBSan, one program a file of
# tests/unit/test_*.c. System tests need the two kernels and the initrd; tests/run runs all and counts.
#   make test ONLY='ipc*'    tests of that name only

UNIT := $(BUILD)/unit
UNIT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_FLAGS = -std=gnu11 -g -O1 $(WARN) $(UNIT_SAN) -fno-omit-frame-pointer -D_GNU_SOURCE= -I. -Iinclude -MMD -MP \
  -include arch/hosted/windows.h $(UNIT_EXTRA)
UNIT_HOSTED := arch/hosted/memory.c arch/hosted/direct.c arch/hosted/panic.c arch/hosted/snapshot.c
UNIT_SUPPORT := $(addprefix tests/unit/,memory.c harness.c state.c calls.c elf_image.c)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(UNIT)/%,$(wildcard tests/unit/test_*.c))
UNIT_KERNEL_OBJ := $(patsubst %.c,$(UNIT)/%.o,$(CORE_SRC) $(UNIT_HOSTED))
UNIT_SUPPORT_OBJ := $(patsubst %.c,$(UNIT)/%.o,$(UNIT_SUPPORT))

.PHONY: unit-build unit test-unit test-hosted test-qemu
.SECONDARY: $(UNIT_KERNEL_OBJ) $(UNIT_SUPPORT_OBJ)

# Without lwIP's source there is no network service to test; tests/run says so.
unit-build: $(if $(HAVE_LWIP),$(UNIT_TESTS),$(filter-out %/test_net,$(UNIT_TESTS)))

$(UNIT)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(UNIT_FLAGS) -c -o $@ $<

$(UNIT)/libkernel.a: $(UNIT_KERNEL_OBJ)
	@rm -f $@
	@ar rcs $@ $^

$(UNIT)/libsupport.a: $(UNIT_SUPPORT_OBJ)
	@rm -f $@
	@ar rcs $@ $^

$(UNIT)/test_%: $(UNIT)/tests/unit/test_%.o $(UNIT)/libsupport.a $(UNIT)/libkernel.a
	@$(CC) $(UNIT_SAN) -g -rdynamic $(UNIT_LINK) -o $@ $^ -lcmocka

-include $(UNIT_KERNEL_OBJ:.o=.d) $(UNIT_SUPPORT_OBJ:.o=.d) $(patsubst $(UNIT)/%,$(UNIT)/tests/unit/%.d,$(UNIT_TESTS))

ONLY ?= *
test:
	@$(call build_quietly,unit-build host-build $(HOSTED) $(KERNEL) $(INITRD) iso)
	@tests/run --only '$(ONLY)'

test-unit: ## the unit tests alone
	@$(call build_quietly,unit-build)
	@tests/run --only '$(ONLY)' unit

test-hosted: ## the system tests on hosted alone
	@$(call build_quietly,host-build $(HOSTED) $(INITRD))
	@tests/run --only '$(ONLY)' hosted

test-qemu: ## the system tests in QEMU alone
	@$(call build_quietly,$(KERNEL) $(INITRD) iso)
	@tests/run --only '$(ONLY)' qemu

.PHONY: test-kills
test-kills: ## every server killed KILLS=300 times under load, on both machines: some ten minutes
	@$(call build_quietly,$(HOSTED) $(KERNEL) $(INITRD))
	@$(if $(KILLS),KILLS=$(KILLS)) $(if $(VICTIM),VICTIM=$(VICTIM)) tests/run --long --only '$(ONLY)' hosted qemu
