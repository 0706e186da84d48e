# Builds, tests and installs the `anthropic` module. `make help` lists the targets.

LUA ?= lua5.4
LUAS := lua5.1 lua5.3 lua5.4 luajit
PREFIX ?= /usr/local
CC ?= cc
CFLAGS ?= -O2 -g
CURL_CFLAGS ?= $(shell curl-config --cflags 2>/dev/null)
CURL_LIBS ?= $(shell curl-config --libs 2>/dev/null || echo -lcurl)

# lua5.4 -> 5.4; LuaJIT loads modules made for 5.1
LUA_ABI := $(if $(findstring jit,$(LUA)),5.1,$(patsubst lua%,%,$(LUA)))
LUA_HEADERS := $(if $(findstring jit,$(LUA)),luajit-2.1,$(LUA) lua$(LUA_ABI) lua-$(LUA_ABI) lua)
LUA_INCDIR ?= $(patsubst %/lua.h,%,$(firstword $(wildcard $(foreach name,$(LUA_HEADERS), \
  /usr/include/$(name)/lua.h /usr/local/include/$(name)/lua.h /opt/homebrew/include/$(name)/lua.h)) \
  /usr/include/lua.h))

BUILD := build/$(LUA)
vpath %.c src spec/support
SOURCES := $(wildcard src/*.c)
HEADERS := $(wildcard src/*.h)
MODULES := $(patsubst lua/%,%,$(wildcard lua/anthropic/*.lua lua/anthropic/*/*.lua))
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/%.o)
CORE := $(BUILD)/anthropic/core.so
VERSION := $(shell sed 's/.*"\(.*\)".*/\1/' lua/anthropic/version.lua)
WARNINGS := -Wall -Wextra -Wpedantic $(if $(CI),-Werror)
COMPILE = $(CC) -std=c99 $(WARNINGS) -I$(LUA_INCDIR) $(CURL_CFLAGS)
SHARED := $(if $(filter Darwin,$(shell uname -s)),-bundle -undefined dynamic_lookup,-shared)

# Debian's packages
BUILD_PACKAGES := gcc libc6-dev libcurl4-openssl-dev \
  $(if $(findstring jit,$(LUA)),luajit2 libluajit2-5.1-dev,$(LUA) \
  lib$(LUA)$(if $(filter lua5.1,$(LUA)),-0)-dev) lua-cjson
DEMO_PACKAGES := lua-socket
TEST_PACKAGES := lua-busted lua-sec lua-luv lua-cqueues lua-copas nghttp2-server openssl procps valgrind \
  lua-check luarocks \
  nginx tinyproxy-bin microsocks \
  clang-format cppcheck \
  lua5.1 liblua5.1-0-dev lua5.3 liblua5.3-dev lua5.4 liblua5.4-dev luajit2 libluajit2-5.1-dev

# the hosts that spec/hosts runs the library in
HOST_PACKAGES := neovim nginx libnginx-mod-http-lua chromium love xvfb xauth

all: $(CORE) ## build for one Lua into build/<lua>/ (another: make LUA=luajit)

$(CORE): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SHARED) $(LDFLAGS) -o $@ $(OBJECTS) $(CURL_LIBS)

# where Neovim finds the C module of a plugin: beside its Lua files
ifneq ($(findstring jit,$(LUA)),)
all: lua/anthropic/core.so

lua/anthropic/core.so: $(CORE)
	ln -sf ../../$(CORE) $@
endif

$(BUILD)/%.o: src/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(COMPILE) -fPIC $(CFLAGS) -c -o $@ $<

demo: ## install what is missing, build, and stream the example request into the terminal
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES)
	@$(MAKE) -s all
	@eval "$$($(MAKE) -s env)" && $(LUA) examples/demo.lua

test: ## install what is missing, build, lint and run every spec
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES) $(HOST_PACKAGES)
	@tools/test $(LUA)

test-all: ## run the specs on every Lua, as many on each
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES)
	@counts=build/test-all-counts; mkdir -p build; rm -f $$counts; for lua in $(LUAS); do \
	  $(MAKE) -s LUA=$$lua && SPEC_COUNTS=$$counts spec/run $$lua || exit 1; \
	done; \
	awk '{ print "specs:", $$1 + $$3 } NR > 1 && $$1 + $$3 != before { differ = 1 } { before = $$1 + $$3 } \
	  END { exit differ }' $$counts

test-hosts: ## run the specs inside Neovim, nginx, LÖVE, luv, cqueues and Copas
	@tools/setup $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES) $(HOST_PACKAGES)
	@tools/peers
	@for lua in $(LUAS); do $(MAKE) -s LUA=$$lua || exit 1; done
	@$(MAKE) -s build/stream_load
	@spec/run lua5.4 $(or $(SPECS),spec/hosts/*_spec.lua)

build/stream_load: spec/support/stream_load.c
	@mkdir -p $(@D)
	$(CC) -std=c99 $(WARNINGS) $(CFLAGS) -o $@ $<

lint: ## check the sources: luacheck, clang-format, cppcheck
	luacheck --no-color -q lua spec examples tools bench $(wildcard *.rockspec rockspec/*.rockspec)
	clang-format --dry-run -Werror src/*.[ch] $(wildcard spec/support/*.c spec/fuzz/*.[ch] bench/*.[ch] bench/peers/*.c)
	cppcheck -q --std=c99 --enable=warning,performance,portability --inline-suppr \
	  --error-exitcode=1 -DLUA_VERSION_NUM=504 -D__linux__ src

# A Lua interpreter with the C core linked in, so that sanitizers see both with names. POLLER=POLL
# takes another of the pollers than the platform's own.
ASAN_FLAGS := -O1 -g -DANTHROPIC_DEBUG -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow \
  -fno-sanitize-recover=undefined,float-cast-overflow
LUA_LIBS := $(if $(findstring jit,$(LUA)),-lluajit-5.1,-l$(LUA))
ASAN_HOST := build/asan/$(LUA)$(POLLER:%=-%)

# build/host/<lua> is the same without sanitizers, for valgrind.
HOST := build/host/$(LUA)
HOST_FLAGS = -O1 -g -DANTHROPIC_DEBUG
$(ASAN_HOST): HOST_FLAGS = $(ASAN_FLAGS) $(POLLER:%=-DPOLLER_%)

$(HOST) $(ASAN_HOST): $(SOURCES) $(HEADERS) spec/support/host.c
	@mkdir -p $(@D)
	$(COMPILE) $(HOST_FLAGS) -Isrc -o $@ $(SOURCES) spec/support/host.c \
	  -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -Wl,-E \
	  $(LUA_LIBS) $(CURL_LIBS) -lm -ldl

asan: $(ASAN_HOST) ## run the specs with the C core under AddressSanitizer, UBSan and LeakSanitizer
	LSAN_OPTIONS=suppressions=spec/support/leaks.txt:print_suppressions=0 \
	  SPEC_LUA=$(ASAN_HOST) spec/run $(LUA) $(SPECS)

# Runs Lua states in threads (spec/lifecycle_spec.lua): with the core as it is built, or with one that
# ThreadSanitizer watches.
THREADS := build/threads/$(LUA)
TSAN_THREADS := build/tsan/$(LUA)

$(THREADS): spec/support/threads.c
	@mkdir -p $(@D)
	$(COMPILE) -O1 -g -o $@ $< $(LUA_LIBS) -lpthread -lm -ldl -Wl,-E

$(TSAN_THREADS): spec/support/threads.c $(SOURCES) $(HEADERS)
	@mkdir -p $(@D)
	$(COMPILE) -O1 -g -fsanitize=thread -o $@ $< $(SOURCES) $(LUA_LIBS) $(CURL_LIBS) -lpthread -lm -ldl -Wl,-E

tsan: $(TSAN_THREADS) all ## run Lua states in threads with the C core under ThreadSanitizer
	SPEC_THREADS=$(TSAN_THREADS) spec/run $(LUA) spec/lifecycle_spec.lua

torture: $(ASAN_HOST) all ## run scenarios with every allocation failing in turn, and print what came of it
	@eval "$$($(MAKE) -s env)" && LUA_PATH="./?.lua;$$LUA_PATH" \
	  LSAN_OPTIONS=suppressions=spec/support/leaks.txt:print_suppressions=0 \
	  $(ASAN_HOST) spec/torture/run.lua $(SCENARIOS)

# The interpreter of these specs is valgrind's, their servers' too. A forked child gives up its parent's
# handles on purpose, so what is lost is not looked for there.
VALGRIND := valgrind -q --error-exitcode=9 --num-callers=30
VALGRIND_SPECS := $(wildcard spec/core*_spec.lua spec/sse_spec.lua spec/delta_spec.lua spec/stream_server_spec.lua \
  spec/stream_spec.lua spec/downloads_spec.lua spec/uploads_spec.lua)
VALGRIND_FORKING := $(filter spec/core_fork_spec.lua,$(VALGRIND_SPECS))
VALGRIND_OTHERS := $(filter-out $(VALGRIND_FORKING),$(VALGRIND_SPECS))
VALGRIND_LEAKS := --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite

valgrind: $(HOST) all ## run the specs that reach the C core under valgrind
	$(if $(VALGRIND_OTHERS),SPEC_LUA="$(VALGRIND) $(VALGRIND_LEAKS) $(HOST)" spec/run $(LUA) $(VALGRIND_OTHERS))
	$(if $(VALGRIND_FORKING),SPEC_LUA="$(VALGRIND) $(HOST)" spec/run $(LUA) $(VALGRIND_FORKING))

# What `make bench` measures with: the load server and the clients written in C. ROWS="stream paced-200"
# measures these rows alone, PEERS="anthropic libcurl" these clients; TABLE is where the figures go.
BENCH_PACKAGES := nginx openssl curl lua-http lua-socket luarocks lua5.4 liblua5.4-dev luajit2 libluajit2-5.1-dev
BENCH_SECONDS := 3000
BENCH_CORES := 0 $(shell expr $$(nproc) - 1)
BENCH_COMPILE := $(CC) -std=c99 $(WARNINGS) -O2 -g

build/bench/server: bench/server.c bench/workload.c bench/workload.h
	@mkdir -p $(@D)
	$(BENCH_COMPILE) -o $@ bench/server.c bench/workload.c

build/bench/run: bench/run.c
	@mkdir -p $(@D)
	$(BENCH_COMPILE) -o $@ $<

build/bench/libcurl: bench/peers/libcurl.c
	@mkdir -p $(@D)
	$(BENCH_COMPILE) $(CURL_CFLAGS) -o $@ $< $(CURL_LIBS)

bench: ## measure it beside other clients (ROWS=stream: these rows alone)
	@tools/setup $(BUILD_PACKAGES) $(BENCH_PACKAGES)
	@tools/bench-peers
	@$(MAKE) -s build/bench/server build/bench/run build/bench/libcurl
	@for lua in lua5.4 luajit; do $(MAKE) -s LUA=$$lua || exit 1; done
	@build/bench/server $(firstword $(BENCH_CORES)) $(BENCH_SECONDS) lua5.4 bench/bench.lua $(BENCH_CORES)

bench-plot: ## draw doc/benchmark.svg from doc/benchmark.tsv (make bench TABLE=doc/benchmark.tsv)
	@tools/setup gnuplot-nox
	gnuplot bench/plot.gnuplot

bench-parts: all ## measure what streams, requests, tool inputs and batch results cost (needs valgrind)
	@$(MAKE) -s build/bench/libcurl
	@eval "$$($(MAKE) -s env)" && $(LUA) bench/stream.lua $(LUA) && $(LUA) bench/requests.lua $(LUA) && \
	  $(LUA) bench/tool_inputs.lua $(LUA) && $(LUA) bench/batch_results.lua
	@$(MAKE) -s LUA=luajit && eval "$$($(MAKE) -s env)" && $(LUA) bench/love.lua
	@eval "$$($(MAKE) -s env LUA=luajit)" && luajit -joff bench/stream_memory.lua

bench-count: all ## count the instructions of the hot paths, against bench/baseline.tsv (WRITE=1: write it anew)
	@eval "$$($(MAKE) -s env)" && $(LUA) bench/count.lua $(LUA) $(WRITE)

COVERAGE := build/coverage/$(LUA)
COVERAGE_OBJECTS := $(SOURCES:src/%.c=$(COVERAGE)/%.o) $(COVERAGE)/host.o

$(COVERAGE)/%.o: %.c $(HEADERS)
	@mkdir -p $(@D)
	$(COMPILE) -O0 -g --coverage -Isrc -c -o $@ $<

$(COVERAGE)/lua: $(COVERAGE_OBJECTS)
	$(CC) --coverage -Wl,-u,__gcov_dump -o $@ $^ -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc -Wl,-E \
	  $(LUA_LIBS) $(CURL_LIBS) -lm -ldl

coverage: $(COVERAGE)/lua ## run the specs and tell how many lines of each C file they reach
	rm -f $(COVERAGE)/*.gcda
	SPEC_LUA=$(COVERAGE)/lua spec/run $(LUA) $(SPECS)
	@gcov -n $(COVERAGE_OBJECTS) 2>/dev/null | awk -F"[':%]" '\
	  /^File/ { file = $$2 } \
	  /^Lines/ && file ~ /^src\/.*c$$/ { split($$0, part, " of "); lines = part[2]; \
	    reached = $$2 * lines / 100; printf "%6.1f %%  %4d of %4d  %s\n", $$2, reached + 0.5, lines, file; \
	    all += lines; covered += reached; file = "" } \
	  END { printf "%6.1f %%  %4d of %4d  in all\n", 100 * covered / all, covered + 0.5, all }' | sort -n

# libFuzzer, where clang has it: FUZZ_SECONDS for each target; else, or with FUZZER=driver, FUZZ_RUNS
# random inputs from FUZZ_SEED. What Lua holds differs from one answer to the next, so libFuzzer would look
# for leaks after each, which takes 20 times as long.
FUZZER ?= $(if $(wildcard /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a),libfuzzer,driver)
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?= 200000
FUZZ_SEED ?= 1
FUZZ_NAMES := $(filter-out driver,$(patsubst spec/fuzz/%.c,%,$(wildcard spec/fuzz/*.c)))
FUZZ_HEADERS := $(wildcard spec/fuzz/*.h)
FUZZ_LUA_PATH = LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$(CURDIR)/?.lua;;"

build/fuzz/%-libfuzzer: spec/fuzz/%.c $(FUZZ_HEADERS) $(SOURCES) $(HEADERS)
	@mkdir -p $(@D)
	clang -std=c99 $(WARNINGS) -I$(LUA_INCDIR) $(CURL_CFLAGS) -O1 -g -Isrc \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -DFUZZ_WITHOUT_GENERATOR \
	  -o $@ $< $(SOURCES) $(LUA_LIBS) $(CURL_LIBS) -lm -ldl -Wl,-E

build/fuzz/%-driver: spec/fuzz/%.c spec/fuzz/driver.c $(FUZZ_HEADERS) $(SOURCES) $(HEADERS)
	@mkdir -p $(@D)
	$(COMPILE) $(ASAN_FLAGS) -Isrc -o $@ $< spec/fuzz/driver.c $(SOURCES) \
	  $(LUA_LIBS) $(CURL_LIBS) -lm -ldl -Wl,-E

build/fuzz/seeds: $(CORE) $(wildcard spec/fuzz/*.lua spec/fixtures/*.sse)
	@rm -rf $@
	@$(FUZZ_LUA_PATH) LUA_CPATH="$(CURDIR)/$(BUILD)/?.so;;" $(LUA) spec/fuzz/seeds.lua $@ || { rm -r $@; exit 1; }

fuzz: $(FUZZ_NAMES:%=build/fuzz/%-$(FUZZER)) build/fuzz/seeds ## feed the decoders random input (libFuzzer, or a driver of our own)
	@for name in $(FUZZ_NAMES); do \
	  target=build/fuzz/$$name-$(FUZZER); \
	  if [ $(FUZZER) = libfuzzer ]; then \
	    mkdir -p $$target.corpus; leaks=1; [ $$name != response ] || leaks=0; \
	    $(FUZZ_LUA_PATH) $$target -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -verbosity=0 \
	      -print_final_stats=1 -detect_leaks=$$leaks -artifact_prefix=build/fuzz/ $$target.corpus build/fuzz/seeds/$$name || exit 1; \
	  else \
	    $(FUZZ_LUA_PATH) $$target build/fuzz/seeds/$$name $(FUZZ_RUNS) $(FUZZ_SEED) || exit 1; \
	  fi; \
	done

SOAK_REQUESTS ?= 60000

soak: all ## send very many requests with random faults, and see that nothing is left
	SPEC_VERBOSE=1 SOAK_REQUESTS=$(SOAK_REQUESTS) spec/run $(LUA) spec/load_spec.lua

env: ## print the exports that make the built tree loadable: eval "$$(make -s env)"
	@echo 'export LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$${LUA_PATH:-;;}"'
	@echo 'export LUA_CPATH="$(CURDIR)/$(BUILD)/?.so;$${LUA_CPATH:-;;}"'

install: all ## install under PREFIX (default /usr/local), for LUA
	for module in $(MODULES); do \
	  install -D -m 644 lua/$$module $(DESTDIR)$(PREFIX)/share/lua/$(LUA_ABI)/$$module; done
	install -D -m 755 $(CORE) $(DESTDIR)$(PREFIX)/lib/lua/$(LUA_ABI)/anthropic/core.so

reliability: all ## try every fault, and write the table of doc/reliability.md anew
	@eval "$$($(MAKE) -s env)" && LUA_PATH="./?.lua;$$LUA_PATH" $(LUA) tools/reliability.lua

doc: ## write doc/reference.md anew, after a public function or annotation changed
	lua5.4 tools/reference.lua > doc/reference.md

types: ## write the editors' types anew, after tools/types.tsv or a method changed
	lua5.4 tools/types.lua > types/anthropic.lua

rockspecs: ## write the rockspecs anew, after a source file was added, renamed or removed
	$(LUA) tools/rockspec.lua scm >anthropic-scm-1.rockspec
	$(LUA) tools/rockspec.lua $(VERSION) >rockspec/anthropic-$(VERSION)-1.rockspec

clean: ## remove what was built
	rm -rf build lua/anthropic/core.so

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | sed 's/\$$\$$/$$/g' | expand -t 14

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(firstword $(MAKEFILE_LIST)))
