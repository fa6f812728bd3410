#!/usr/bin/env bash
# What everlog is made of, and what is known against it.
#
#     requirements/supply.sh audit [LOCK …]   ask PyPI for known vulnerabilities of what is locked;
#                                             npm and govulncheck for the clients, where they are
#     requirements/supply.sh sbom [FOLDER]    write CycloneDX bills of material (default: dist)
#
# The tools have an environment of their own, made from requirements/audit.txt with its hashes. What
# can't be asked, because there is no network or no tool, is named, and ends with 3: neither is it
# found to be well, nor has anything been found.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=build/supply
unasked=0

prepare() {
    [ "$tools/.stamp" -nt requirements/audit.txt ] && return
    "${PYTHON:-.venv/bin/python}" -m venv --clear "$tools" &&
        "$tools/bin/pip" install -q --disable-pip-version-check --require-hashes \
            -r requirements/audit.txt && touch "$tools/.stamp"
}

not_asked() {
    echo "NOT ASKED: $1" >&2
    unasked=1
}

# ask NAME PATTERN COMMAND …: fails with what the command finds. Where its output has the pattern, it
# could not ask.
ask() {
    local name=$1 pattern=$2 said
    shift 2
    echo "== $name"
    if said=$("$@" 2>&1); then
        echo "$said"
    elif grep -qiE "$pattern" <<<"$said"; then
        grep -m 1 -iE "$pattern" <<<"$said" >&2
        not_asked "$name"
    else
        echo "$said"
        return 1
    fi
}

audit() {
    local found=0 lock
    local away='ConnectionError|Max retries|timed? ?out|ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ServiceError|audit endpoint|not found on PyPI|dial tcp|no such host'
    prepare || { not_asked "Python: the tools can't be installed"; exit 3; }
    [ $# -gt 0 ] || set -- requirements/runtime.txt requirements/dev.txt requirements/audit.txt
    for lock in "$@"; do
        ask "$lock" "$away" "$tools/bin/pip-audit" -r "$lock" --require-hashes --disable-pip \
            --strict --progress-spinner off --timeout 15 || found=1
    done
    if command -v npm >/dev/null; then
        ask clients/typescript "$away" npm --prefix clients/typescript audit --package-lock-only || found=1
    else
        not_asked "clients/typescript: there is no npm"
    fi
    if command -v govulncheck >/dev/null; then
        ask clients/go "$away" govulncheck -C clients/go ./... || found=1
    else
        not_asked "clients/go: there is no govulncheck"
    fi
    [ $found = 0 ] || exit 1
    [ $unasked = 0 ] || exit 3
}

sbom() {
    prepare
    mkdir -p "$1"
    # Of one commit, the same bytes each time: no random serial number, no time.
    PYTHONWARNINGS=ignore "$tools/bin/cyclonedx-py" requirements requirements/runtime.txt --pyproject pyproject.toml \
        --mc-type application --output-reproducible --of JSON -o "$1/everlog-server.cdx.json"
    echo "$1/everlog-server.cdx.json"
}

case ${1:-} in
    audit) shift && audit "$@" ;;
    sbom) sbom "${2:-dist}" ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
