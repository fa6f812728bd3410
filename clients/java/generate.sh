#!/usr/bin/env bash
# Generates the Java stubs of ../../protos into a folder: `generate.sh FOLDER`. Files that are there
# already and would be generated again are replaced; others stay.
#
# The protoc of grpcio-tools has no Java generator. So both protoc and the gRPC plugin are the native
# executables that their projects publish for Maven, at the versions of pom.xml; the protos that ours
# import (google/protobuf, google/rpc) come out of the jars that the client itself depends on.
set -euo pipefail

[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"

case "$(uname -s)" in
    Linux) system=linux ;;
    Darwin) system=osx ;;
    *) echo "$0: no generators for $(uname -s)" >&2; exit 1 ;;
esac
case "$(uname -m)" in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch_64 ;;
    *) echo "$0: no generators for $(uname -m)" >&2; exit 1 ;;
esac

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
mvn -q -B dependency:copy@generators \
    -Dgenerators.classifier="$system-$machine" -Dgenerators.folder="$tools"
chmod +x "$tools"/*.exe
mkdir "$tools/include"
for jar in protobuf-java proto-google-common-protos; do
    (cd "$tools/include" && jar xf "../$jar.jar" google)
done

"$tools/protoc.exe" -I ../../protos -I "$tools/include" \
    --plugin=protoc-gen-grpc-java="$tools/protoc-gen-grpc-java.exe" \
    --java_out="$out" --grpc-java_out="$out" \
    ../../protos/everlog/v1/*.proto
