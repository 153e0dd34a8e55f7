# SPDX-License-Identifier: MIT
#
# Figures: instructions per operation in QEMU, beside seL4's; and how long people wait for a start.

# The measured programs have no vector instructions, so that only who wants FPU state has it.
$(USER_DIR)/obj/servers/bench/%.o: USER_CFLAGS += -mgeneral-regs-only

# The system that measures: bench/manifest and its programs.
BENCH_INITRD := $(BUILD)/bench/initrd.cpio
BENCH_BIN := $(addprefix $(USER_DIR)/bin/,bench console init)
$(BENCH_INITRD): $(BENCH_BIN) bench/manifest bench/bench.mk
	@rm -rf $(BUILD)/bench/root && mkdir -p $(BUILD)/bench/root/bin $(BUILD)/bench/root/etc
	cp $(BENCH_BIN) $(BUILD)/bench/root/bin/
	cp bench/manifest $(BUILD)/bench/root/etc/
	$(call user_archive,$(BUILD)/bench/root,$@)

.PHONY: bench bench-hosted
bench: ## instructions per operation in QEMU, beside seL4's; fails when one got worse
	@$(call build_quietly,$(KERNEL) $(INITRD) $(BENCH_INITRD))
	@bench/table

.PHONY: profile
profile: ## OP=row of the table: where its instructions go, by function and line; LINES=45 of them; a flame graph, too
	@$(call build_quietly,$(KERNEL) $(BENCH_INITRD))
	@LINES=$(or $(LINES),45) bench/profile $(or $(OP),$(error make profile needs OP=, the name of a row of make bench)) $(ROUNDS)

bench-hosted: ## how long a start takes, hosted and to the prompt in QEMU
	@$(call build_quietly,$(HOSTED) $(KERNEL) $(INITRD))
	@bench/start

.PHONY: bench-io
bench-io: ## network and disk beside Debian's Linux in the same QEMU; ROUNDS=5
	@$(call build_quietly,$(KERNEL) $(INITRD))
	@bench/io $(ROUNDS)
