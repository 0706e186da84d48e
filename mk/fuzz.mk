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
	clang -std=c99 $(WARNINGS) -Isrc -I$(LUA_INCDIR) $(CURL_CFLAGS) -O1 -g \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -DFUZZ_WITHOUT_GENERATOR \
	  -o $@ $< $(SOURCES) $(LUA_LIBS) $(CURL_LIBS) -lm -ldl -Wl,-E

build/fuzz/%-driver: spec/fuzz/%.c spec/fuzz/driver.c $(FUZZ_HEADERS) $(ASAN_OBJECTS)
	@mkdir -p $(@D)
	$(COMPILE) $(ASAN_FLAGS) -o $@ $< spec/fuzz/driver.c $(ASAN_OBJECTS) \
	  $(LUA_LIBS) $(CURL_LIBS) -lm -ldl -Wl,-E

build/fuzz/seeds: $(CORE) $(wildcard spec/fuzz/*.lua spec/fixtures/*.sse spec/fixtures/aws/*.bin)
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

FUZZ_INPUTS ?= 20000

fuzz-answers: all ## read answers in every way after changes to their structure (FUZZ_INPUTS, FUZZ_SEED)
	@$(FUZZ_LUA_PATH) LUA_CPATH="$(CURDIR)/$(BUILD)/?.so;;" $(LUA) spec/fuzz/answers.lua $(FUZZ_INPUTS) $(FUZZ_SEED)
