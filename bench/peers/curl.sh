#!/bin/sh
# The curl command, which throws away what it receives; see README.md for the arguments.
url=$1/v1/messages how=$2 requests=$3 at_once=$4 prompt=$5
[ "$how" = load ] && exec curl --version
set -- -s -f -N -o /dev/null -w '%{size_download} 0\n' -H 'Content-Type: application/json' -H 'x-api-key: bench-key'
if [ "$prompt" -gt 100000 ]; then
  set -- "$@" --data-binary @-
else
  set -- "$@" -d '{"max_tokens":1024,"messages":[{"content":"word","role":"user"}],"model":"claude-bench","stream":true}'
fi
[ -z "$BENCH_CA_FILE" ] || set -- "$@" --cacert "$BENCH_CA_FILE"
[ "$BENCH_HTTP_VERSION" = 2 ] || set -- "$@" --http1.1
if [ "$at_once" -gt 1 ]; then
  requests=$at_once
  set -- "$@" --no-progress-meter --parallel --parallel-immediate --parallel-max "$at_once"
fi
if [ "$prompt" -gt 100000 ]; then
  head -c "$prompt" /dev/zero | curl "$@" "$url"
else
  exec curl "$@" "$url?[1-$requests]"
fi
