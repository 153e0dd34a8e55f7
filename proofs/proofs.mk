# SPDX-License-Identifier: MIT
# Proofs of core/: see proofs/README.md.

.PHONY: verify verify-planted

verify: ## proves the core with Frama-C; fails if a proved function stops being proved
	@proofs/verify

verify-planted: ## checks that each planted bug makes a proof fail
	@proofs/verify --planted
