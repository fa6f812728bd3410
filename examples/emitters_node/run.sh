#!/bin/sh
# Runs the example: run.sh [--world NAME] [FILE …]. The server is at EVERLOG_URL, or at 127.0.0.1:7420.
set -e
asked_in=$PWD
cd "$(dirname "$0")"
client=../../clients/typescript
{
    [ -d "$client/node_modules" ] || (cd "$client" && npm ci --no-audit --no-fund)
    built=$client/dist/emitters/index.js
    if [ ! -f "$built" ] || [ -n "$(find "$client/src" -newer "$built" -name '*.ts')" ]; then
        (cd "$client" && npm run build)
    fi
    [ -d node_modules/@everlog/client ] || npm ci --no-audit --no-fund
} >&2
[ $# -gt 0 ] || set -- "$PWD/README.md" "$PWD/missing.md"
example=$PWD
cd "$asked_in"
exec node "$example/main.js" "$@"
