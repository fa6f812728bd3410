#!/bin/sh
# Runs the example: run.sh [--world NAME] [FILE …]. The server is at EVERLOG_URL, or at 127.0.0.1:7420.
set -e
asked_in=$PWD
cd "$(dirname "$0")"
client=../../clients/typescript
{
    ../../clients/node_modules.sh "$client"
    built=$client/dist/emitters/index.js
    if [ ! -f "$built" ] || [ -n "$(find "$client/src" -newer "$built" -name '*.ts')" ]; then
        (cd "$client" && npm run build)
    fi
    ../../clients/node_modules.sh .
} >&2
[ $# -gt 0 ] || set -- "$PWD/README.md" "$PWD/missing.md"
example=$PWD
cd "$asked_in"
exec node "$example/main.js" "$@"
