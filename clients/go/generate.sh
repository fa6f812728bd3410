#!/bin/sh
# Generates the messages and stubs of Go into the folder everlogpb/ below the folder that is given:
#
#     clients/go/generate.sh clients/go     to replace what is committed
#     clients/go/generate.sh build/verify   to compare with it
#
# The generators are built at the versions that tools/go.mod pins; protoc is that of grpcio-tools.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=$root/.venv/bin/python
[ -x "$python" ] || python=python3
module=github.com/everlog/everlog/clients/go

GOBIN=$root/build/tools/go
export GOBIN
(cd "$here/tools" && go install tool)

cd "$root/protos"
# Where each file's code lives, said here: whatever the files' own option may be, this module has it.
mappings=$(for proto in everlog/v1/*.proto; do echo "M$proto=$module/everlogpb;everlogpb"; done | paste -sd, -)
rm -rf "$out/everlogpb"
"$python" -m grpc_tools.protoc -I . -I .deps \
	--plugin=protoc-gen-go="$GOBIN/protoc-gen-go" \
	--plugin=protoc-gen-go-grpc="$GOBIN/protoc-gen-go-grpc" \
	--go_out="$out" --go_opt="module=$module,$mappings" \
	--go-grpc_out="$out" --go-grpc_opt="module=$module,$mappings" \
	everlog/v1/*.proto
