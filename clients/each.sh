#!/usr/bin/env bash
# Does one thing for the clients in Go, TypeScript and Java: test, stubs, verify or build.
#
#     clients/each.sh test     their own tests, and what checks their style and that of ../examples
#     clients/each.sh stubs    generate their stubs anew from ../protos
#     clients/each.sh verify   check that the committed stubs are what the protos give
#     clients/each.sh build    what is published: npm tarball, jar; the Go module is vetted
#
# A client whose toolchain is missing is skipped, and says so; with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")"
export PYTHON="$PWD/../.venv/bin/python"
fresh=$PWD/../build/verify/clients
missing=0

# same COMMITTED GENERATED: fails, with the names of files, when they differ.
same() { diff -rq "$1" "$2" && echo "clients/$1 is current"; }

go_vet() { (cd "$1" && go vet ./... && test -z "$(gofmt -l . | tee -a /dev/stderr)"); }
go_test() { go_vet go && go_vet ../examples/go && go_vet ../benchmarks/go && (cd go && go test ./...); }
go_stubs() { go/generate.sh go; }
go_verify() { go/generate.sh "$fresh/go" && same go/everlogpb "$fresh/go/everlogpb"; }
go_build() { go_vet go; }

typescript_test() {
    ./node_modules.sh typescript
    for examples in ../examples/typescript ../examples/agents/typescript; do
        ./node_modules.sh "$examples"
        (cd "$examples" && npm run lint)
    done
    (cd typescript && npm run lint && npm test)
}
typescript_stubs() { ./node_modules.sh typescript && typescript/generate.sh typescript/src/generated; }
typescript_verify() {
    ./node_modules.sh typescript && typescript/generate.sh "$fresh/typescript" &&
        same typescript/src/generated "$fresh/typescript"
}
typescript_build() { ./node_modules.sh typescript && (cd typescript && npm pack --pack-destination ../../dist); }

java_test() { (cd java && mvn -q -B verify); }
java_stubs() { rm -rf java/src/generated/java && java/generate.sh java/src/generated/java; }
java_verify() { java/generate.sh "$fresh/java" && same java/src/generated/java "$fresh/java"; }
java_build() { (cd java && mvn -q -B package -DskipTests && cp target/everlog-client-*.jar ../../dist/); }

case "${1:-}" in test | stubs | verify | build) ;; *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
mkdir -p ../dist
rm -rf "$fresh"
for pair in go:go typescript:npm java:mvn; do
    client=${pair%:*} tool=${pair#*:}
    [ -d "$client" ] || continue
    if command -v "$tool" >/dev/null; then
        echo "clients/$client: $1"
        "${client}_$1"
    else
        echo "SKIPPED $1 of clients/$client: no $tool on this machine" >&2
        missing=1
    fi
done
[ "${CI:-}" != true ] || exit "$missing"
