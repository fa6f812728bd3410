#!/bin/sh
# Generates the TypeScript messages and stubs from protos/ into the folder given as the one argument.
#
# The plugin is ts-proto, pinned in package-lock.json (run `npm ci` first); protoc is the one of
# grpcio-tools, of the Python at PYTHON, which `make setup` installs together with protos/.deps.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:?"usage: generate.sh OUTPUT_FOLDER"}
plugin=$here/node_modules/.bin/protoc-gen-ts_proto
[ -x "$plugin" ] || { echo "generate.sh: no ts-proto: run npm ci in $here" >&2; exit 1; }

# bigint: positions and sequences beyond 2^53 stay exact.
# unions-value: a oneof is one property, which the compiler can tell apart.
# useMapType: a metadata key such as __proto__ is a key like any other.
# useDate=false: a JavaScript Date would cut microseconds off.
# annotateFilesWithVersion=false: the versions of protoc differ between machines, the code does not.
options=env=node,esModuleInterop=true,importSuffix=.js
options=$options,forceLong=bigint,oneof=unions-value,useMapType=true,useDate=false
options=$options,outputServices=grpc-js,outputJsonMethods=false
options=$options,useReadonlyTypes=false,removeEnumPrefix=true,unrecognizedEnum=true
options=$options,annotateFilesWithVersion=false,exportCommonSymbols=false,useExactTypes=false

mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -rf "$out/everlog" "$out/google"
cd "$root"
"${PYTHON:-$root/.venv/bin/python}" -m grpc_tools.protoc -I protos -I protos/.deps \
	--plugin=protoc-gen-ts_proto="$plugin" \
	--ts_proto_out="$out" --ts_proto_opt="$options" \
	protos/everlog/v1/*.proto google/rpc/error_details.proto google/rpc/status.proto
