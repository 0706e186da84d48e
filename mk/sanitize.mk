# A Lua interpreter with the C core linked in, so that sanitizers see both with names. POLLER=POLL
# takes another of the pollers than the platform's own.
ASAN_FLAGS := -O1 -g $(TEST_FLAGS) -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow \
  -fno-sanitize-recover=undefined,float-cast-overflow
HOST_SOURCES := spec/support/host.c spec/support/abilities.c spec/support/abilities.h
LUA_LIBS := $(if $(findstring jit,$(LUA)),-lluajit-5.1,-l$(LUA))
ASAN_HOST := build/asan/$(LUA)$(POLLER:%=-%)

# build/host/<lua> is the same without sanitizers, for valgrind.
HOST := build/host/$(LUA)
HOST_FLAGS = -O1 -g $(TEST_FLAGS)
$(ASAN_HOST): HOST_FLAGS = $(ASAN_FLAGS)

OBJECTS_OF = $(SOURCES:src/%.c=$(1).objects/%.o)
ASAN_OBJECTS := $(call OBJECTS_OF,$(ASAN_HOST))

$(HOST).objects/%.o: src/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(COMPILE) $(HOST_FLAGS) -c -o $@ $<

$(ASAN_HOST).objects/%.o: src/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(COMPILE) $(ASAN_FLAGS) -c -o $@ $<

$(HOST): $(call OBJECTS_OF,$(HOST))
$(ASAN_HOST): $(ASAN_OBJECTS)
$(HOST) $(ASAN_HOST): $(HOST_SOURCES)
	$(COMPILE) $(HOST_FLAGS) -o $@ $(filter %.c %.o,$^) $(WRAP_ALLOCATIONS) -Wl,-E $(LUA_LIBS) $(CURL_LIBS) -lm -ldl

asan: $(ASAN_HOST) ## run the specs with the C core under AddressSanitizer, UBSan and LeakSanitizer
	LSAN_OPTIONS=suppressions=spec/support/leaks.txt:print_suppressions=0 \
	  SPEC_LUA=$(ASAN_HOST) tools/specs $(LUA) $(SPECS)

# Runs Lua states in threads (spec/behaviour/lifecycle_spec.lua): with the core as it is built, or with one that
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
	SPEC_THREADS=$(TSAN_THREADS) spec/run $(LUA) spec/behaviour/lifecycle_spec.lua

torture: $(ASAN_HOST) all ## run scenarios with every allocation failing in turn, and print what came of it
	@eval "$$($(MAKE) -s env)" && LUA_PATH="./?.lua;$$LUA_PATH" \
	  LSAN_OPTIONS=suppressions=spec/support/leaks.txt:print_suppressions=0 \
	  $(ASAN_HOST) spec/torture/run.lua $(SCENARIOS)

# The interpreter of these specs is valgrind's, their servers' too. A forked child gives up its parent's
# handles on purpose, so what is lost is not looked for there. A flood of frames takes minutes. What is long is tried
# whole under the sanitizers, and as far as every day here.
VALGRIND := valgrind -q --error-exitcode=9 --num-callers=30 --keep-stacktraces=alloc
VALGRIND_SPECS := $(filter-out spec/unit/net/http2_spec.lua,$(wildcard spec/unit/net/*_spec.lua \
  spec/unit/decode/*_spec.lua \
  $(addprefix spec/behaviour/,stream_server_spec.lua stream_spec.lua downloads_spec.lua uploads_spec.lua)))
VALGRIND_FORKING := $(shell grep -lsE 'abilities\.fork|in_child' $(VALGRIND_SPECS))
VALGRIND_OTHERS := $(filter-out $(VALGRIND_FORKING),$(VALGRIND_SPECS))
VALGRIND_LEAKS := --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite

valgrind: $(HOST) all ## run the specs that reach the C core under valgrind
	$(if $(VALGRIND_OTHERS),SPEC_QUICK=1 TOGETHER=3 SPEC_LUA="$(VALGRIND) $(VALGRIND_LEAKS) $(HOST)" tools/specs $(LUA) $(VALGRIND_OTHERS))
	$(if $(VALGRIND_FORKING),SPEC_QUICK=1 SPEC_LUA="$(VALGRIND) $(HOST)" tools/specs $(LUA) $(VALGRIND_FORKING))

tidy: ## look at the C sources with clang-tidy
	@printf '%s\n' $(SOURCES) | xargs -P 2 -n 10 sh -c \
	  'clang-tidy --quiet "$$@" -- -std=c99 -Isrc -I$(LUA_INCDIR) $(CURL_CFLAGS) 2>/dev/null' tidy
