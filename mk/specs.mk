# Specs on every Lua, and inside the hosts.

# What spec/run runs: its clock can be advanced (core.advance), and it ends where lent bytes would change.
TEST_FLAGS := -DANTHROPIC_TEST -DANTHROPIC_DEBUG
TEST_CORE := $(TEST_BUILD)/anthropic/core.so
$(TEST_CORE): COMPILE += $(TEST_FLAGS)

test-build: $(TEST_CORE) all ## build what the specs of one Lua run

$(TEST_CORE): $(SOURCES:src/%.c=$(TEST_BUILD)/%.o)
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(LDFLAGS) -o $@ $^ $(WRAP_ALLOCATIONS) $(CURL_LIBS)

# Where the linker can, the core's allocations can fail, and specs can fork (spec/support/abilities.c).
ifeq ($(shell uname -s),Linux)
WRAP_ALLOCATIONS := $(foreach name,malloc calloc realloc strdup realpath free,-Wl,--wrap=$(name))
$(TEST_CORE): $(TEST_BUILD)/abilities.o
endif

# POLLER=POLL or KQUEUE takes another of the pollers than the platform's own. On Linux kqueue is one of the specs' own, and
# signals are taken as on macOS, too.
ifeq ($(POLLER)-$(shell uname -s),KQUEUE-Linux)
COMPILE += -D_DEFAULT_SOURCE -DWITHOUT_SIGTIMEDWAIT -Ispec/support/kqueue
$(CORE): $(BUILD)/kqueue.o
OBJECTS += $(BUILD)/kqueue.o
$(TEST_CORE): $(TEST_BUILD)/kqueue.o
endif

%/kqueue.o: spec/support/kqueue/kqueue.c spec/support/kqueue/sys/event.h
	$(COMPILE_OBJECT)

$(TEST_BUILD)/abilities.o: spec/support/abilities.c spec/support/abilities.h $(HEADERS)
	$(COMPILE_OBJECT)

test-all: ## run the specs on every Lua
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES) $(CHECK_PACKAGES)
	@for lua in $(LUAS); do $(MAKE) -s test-build LUA=$$lua && tools/specs $$lua || exit 1; done

test-hosts: ## run the specs inside Neovim, nginx, LÖVE, luv, cqueues and Copas, and beside other clients
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES) $(CHECK_PACKAGES)
	@tools/peers
	@for lua in $(LUAS); do $(MAKE) -s test-build LUA=$$lua || exit 1; done
	@$(MAKE) -s build/stream_load
	@JOBS=$${JOBS:-$$(($$(getconf _NPROCESSORS_ONLN) * 4))} \
	  tools/specs lua5.4 $(or $(SPECS),$(wildcard spec/hosts/*_spec.lua))

build/stream_load: spec/support/stream_load.c
	@mkdir -p $(@D)
	$(CC) -std=c99 $(WARNINGS) $(CFLAGS) -o $@ $<

SOAK_REQUESTS ?= 60000

soak: all ## send very many requests with random faults, and see that nothing is left
	SPEC_VERBOSE=1 SOAK_REQUESTS=$(SOAK_REQUESTS) spec/run $(LUA) spec/behaviour/load_spec.lua

screenshots: ## take the pictures of the chat page in doc/images anew, after the page changed
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES) $(CHECK_PACKAGES)
	@$(MAKE) -s all LUA=luajit
	@eval "$$($(MAKE) -s env)" && LUA_PATH="./?.lua;$$LUA_PATH" $(LUA) tools/screenshots.lua

vendor: ## fetch the browser libraries of the chat page anew, after a version in tools/vendor changed
	@tools/vendor
