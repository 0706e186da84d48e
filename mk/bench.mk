# What `make bench` measures with: the load server and the clients written in C. ROWS="stream paced-200"
# measures these rows alone, PEERS="anthropic libcurl" these clients; TABLE is where the figures go. What `make compare`
# plays faults to: CLIENTS="--lua-openai=DIR --tableshape=DIR --ug-lua-llm=DIR" names checkouts.
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

compare: ## play faults to it and to other clients, and write the table of doc/explanation/comparison.md anew
	@tools/setup $(BUILD_PACKAGES) lua5.1 lua5.3 curl lua-http lua-socket lua-dkjson
	@tools/bench-peers
	@$(MAKE) -s LUA=lua5.4
	@eval "$$($(MAKE) -s env LUA=lua5.4)" && LUA_PATH="./?.lua;$$LUA_PATH" lua5.4 bench/compare.lua $(CLIENTS)

bench-plot: ## draw doc/explanation/benchmark.svg from benchmark.tsv (make bench TABLE=doc/explanation/benchmark.tsv)
	lua5.4 bench/plot.lua <doc/explanation/benchmark.tsv >doc/explanation/benchmark.svg

bench-parts: all ## measure what streams, requests, tool inputs, batch results and certificates cost (needs valgrind)
	@$(MAKE) -s build/bench/libcurl
	@eval "$$($(MAKE) -s env)" && $(LUA) bench/stream.lua $(LUA) && $(LUA) bench/requests.lua $(LUA) && \
	  $(LUA) bench/tool_inputs.lua $(LUA) && $(LUA) bench/batch_results.lua && \
	  LUA_PATH="./?.lua;$$LUA_PATH" $(LUA) bench/tls.lua
	@$(MAKE) -s LUA=luajit && eval "$$($(MAKE) -s env)" && $(LUA) bench/love.lua
	@eval "$$($(MAKE) -s env LUA=luajit)" && luajit -joff bench/stream_memory.lua

bench-count: bench-paths bench-growth ## count the instructions of the hot paths and their growth (with -j2 side by side)

bench-paths: all ## count the instructions of the hot paths, against bench/baseline.tsv (WRITE=1: write it anew)
	@$(MAKE) -s LUA=luajit
	@$(MAKE) -s install COMPILED=1 DESTDIR="$(CURDIR)/build/compiled" PREFIX=
	@eval "$$($(MAKE) -s env)" && LUA_PATH="./?.lua;$$LUA_PATH" \
	  taskset -c $(firstword $(BENCH_CORES)) $(LUA) bench/count.lua $(LUA) $(WRITE)

bench-growth: all ## count at 1, 4 and 16 times the size what must be linear
	@eval "$$($(MAKE) -s env)" && LUA_PATH="./?.lua;$$LUA_PATH" $(LUA) bench/count_growth.lua $(LUA)

journeys: all ## count the calls and files from a request to its answer, of a delta, a failure and a cancelled task
	@eval "$$($(MAKE) -s env)" && $(LUA) tools/journeys.lua
