# The commands of the project; `make` alone lists them. They are thin: the work is in dev/.
.DEFAULT_GOAL := help
.PHONY: help run demo test test-rust test-frontend test-contract test-e2e contract lint generate bench soak

DEV := node "$(CURDIR)/dev"

help: ## List the commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' "$(CURDIR)/Makefile" | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

run: ## Start everything: database, mail catcher, backend, page (DEMO=1 adds demo data; PORT, PGPORT, SMTP_PORT, MAIL_WEB_PORT)
	@$(DEV)/run.mjs

demo: export DEMO = 1
demo: run ## The same with demo users and data

test: ## Install what tests need, then run every check and test
	@$(DEV)/test.mjs all

test-rust: ## Only the backend: format, clippy, tests, openapi.json
	@$(DEV)/test.mjs rust

test-frontend: ## Only the page: format, lint, types, unit tests, build
	@$(DEV)/test.mjs frontend

test-contract: ## Only the API against its own document, briefly
	@$(DEV)/test.mjs contract

test-e2e: ## Only the end-to-end tests in Chromium (E2E_SCRIPT_DELAY_MS=1000, E2E_API_DELAY_MS=500: scripts, answers come late)
	@$(DEV)/test.mjs e2e

contract: ## The API against its own document in every role, from several seeds (some minutes)
	@$(DEV)/contract.mjs

lint: ## Only formats, lints and types
	@$(DEV)/test.mjs lint

generate: ## Write openapi/openapi.json and the page's types from the code
	@$(DEV)/generate.mjs

bench: ## Mails per second against a null mail server (CASE=name: one case only)
	@$(DEV)/bench.mjs

soak: ## Engines killed again and again: who got how many copies (some minutes)
	@$(DEV)/soak.mjs
