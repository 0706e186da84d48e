# Windows, by mingw-w64, with libcurl inside: build/windows/<lua>/anthropic/core.dll for Lua 5.4 and LuaJIT, and a
# run of both under wine.
WINDOWS_PACKAGES := gcc-mingw-w64-x86-64-win32 wine64 wine cmake make gcc libc6-dev libgnutls30 lua5.4 lua-socket lua-cjson lua-sec openssl
WINDOWS_CURL := build/windows/curl
WINDOWS_LIBRARIES := -lws2_32 -lcrypt32 -lbcrypt -lsecur32 -ladvapi32 -liphlpapi -lntdll

windows: ## build it for Windows (needs Debian's mingw-w64, cmake and cargo)
	@tools/windows-parts build/windows
	@for lua in lua5.4:lua54 luajit:lua51; do \
	  $(MAKE) -s PORT=windows STANDARD=gnu99 CC=x86_64-w64-mingw32-gcc SHARED="-shared -s" LUA=$${lua%:*} \
	    LUA_INCDIR=build/windows/$${lua%:*}/include BUILD=build/windows/$${lua%:*}/objects \
	    CORE=build/windows/$${lua%:*}/anthropic/core.dll CURL_CFLAGS="-I$(WINDOWS_CURL)/include -DCURL_STATICLIB" \
	    CURL_LIBS="$(WINDOWS_CURL)/lib/libcurl.a build/windows/$${lua%:*}/$${lua#*:}.dll $(WINDOWS_LIBRARIES)" \
	    build/windows/$${lua%:*}/anthropic/core.dll || exit 1; \
	done

test-windows: ## run it under wine: requests, streams, tasks, files and TLS, for Lua 5.4 and LuaJIT
	@tools/setup $(WINDOWS_PACKAGES)
	@$(MAKE) -s windows
	@tools/windows
