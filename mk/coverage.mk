COVERAGE := build/coverage/$(LUA)
COVERAGE_OBJECTS := $(SOURCES:src/%.c=$(COVERAGE)/%.o) $(COVERAGE)/host.o $(COVERAGE)/abilities.o

$(COVERAGE)/%.o: src/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(COMPILE) -O0 -g --coverage $(TEST_FLAGS) -c -o $@ $<

$(COVERAGE)/%.o: spec/support/%.c $(HEADERS) spec/support/abilities.h
	@mkdir -p $(@D)
	$(COMPILE) -O0 -g --coverage $(TEST_FLAGS) -c -o $@ $<

$(COVERAGE)/interpreter: $(COVERAGE_OBJECTS)
	$(CC) --coverage -Wl,-u,__gcov_dump -o $@ $^ $(WRAP_ALLOCATIONS) -Wl,-E \
	  $(LUA_LIBS) $(CURL_LIBS) -lm -ldl

coverage: $(COVERAGE)/interpreter ## run the specs and tell how many lines of each C file they reach
	rm -f $(COVERAGE)/*.gcda $(COVERAGE)/*/*.gcda
	SPEC_LUA=$(COVERAGE)/interpreter tools/specs $(LUA) $(SPECS)
	@gcov -n $(COVERAGE_OBJECTS) 2>/dev/null | awk -F"[':%]" '\
	  /^File/ { file = $$2 } \
	  /^Lines/ && file ~ /^src\/.*c$$/ { split($$0, part, " of "); lines = part[2]; \
	    reached = $$2 * lines / 100; printf "%6.1f %%  %4d of %4d  %s\n", $$2, reached + 0.5, lines, file; \
	    all += lines; covered += reached; file = "" } \
	  END { printf "%6.1f %%  %4d of %4d  in all\n", 100 * covered / all, covered + 0.5, all }' | sort -n
