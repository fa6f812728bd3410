#!/bin/sh
# The life of a supervisor's instance, by command: registered, an epic, tests, a commit, a deployment;
# what is refused; how to find it again; and the state that it adds up to, at any of its events.
# A second run stores nothing and prints the same. EVERLOG_URL says which server.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH="$root/.venv/bin:$PATH"
exec 2>&1 # refusals stand where they happen
instance=odin-PS-8f4a2b

title() { printf '\n%s\n' "$*"; }

# Runs a command that is to be refused (exit code 3, or 4 for what is not there).
refused() {
    code=0
    "$@" || code=$?
    case $code in 3 | 4) ;; *) echo "expected a refusal" && exit 1 ;; esac
}

# A line "TYPE TIME DATA" on stdin becomes an event of the instance; its key names the fact.
live() {
    told=$(while read -r type time data; do
        printf '{"event_type": "%s", "aggregate": "instance/%s", "actor": "agent:%s",' \
            "$type" "$instance" "$instance"
        printf ' "occurred_time": "2026-01-28T%sZ", "idempotency_key": "%s/%s", "data": %s}\n' \
            "$time" "$instance" "$time" "$data"
    done | everlog emit --json - 2>&1 >/dev/null) || { echo "$told" && exit 1; }
}

# Strict is for a whole tenant: it gets back what it had.
policy=$(everlog types policy)
trap 'everlog types policy "$policy" >/dev/null' EXIT
everlog types import supervisor --json >/dev/null
everlog types policy strict >/dev/null

title "An instance that was not registered has no life:"
refused everlog emit epic_started --aggregate instance/nowhere-PS-000000 \
    --data '{"epic_id": "epic-003", "feature_name": "authentication"}'

live <<'LIFE'
instance_registered 08:00:00 {"project": "supervisor-service", "instance_type": "PS", "host": "odin"}
epic_started 08:05:00 {"epic_id": "epic-003", "feature_name": "authentication", "estimated_hours": 60}
test_started 10:00:00 {"test_name": "tests/unit/authentication", "epic_id": "epic-003", "test_count": 17}
test_failed 10:01:00 {"test_name": "tests/unit/authentication", "epic_id": "epic-003", "error": "expected 401, got 500"}
commit_created 10:20:00 {"commit_sha": "1a410ef", "message": "Answer 401 to a wrong password", "epic_id": "epic-003"}
test_passed 10:30:00 {"test_name": "tests/unit/authentication", "epic_id": "epic-003", "test_count": 17}
validation_passed 10:40:00 {"validation_name": "authentication criteria", "epic_id": "epic-003", "checks_count": 12}
commit_created 11:00:00 {"commit_sha": "9fceb02", "message": "Document authentication", "epic_id": "epic-003"}
deployment_started 11:20:00 {"deployment_id": "deploy-77", "environment": "staging", "version": "1.4.1"}
deployment_completed 11:21:00 {"deployment_id": "deploy-77", "environment": "staging", "duration_seconds": 48}
epic_completed 12:30:00 {"epic_id": "epic-003", "actual_hours": 52.5}
LIFE

title "Nobody knows epic_complete:"
refused everlog emit epic_complete --aggregate "instance/$instance" --data '{"epic_id": "epic-003"}'

title "And a commit has a hash:"
refused everlog emit commit_created --aggregate "instance/$instance" --data '{"message": "Fix it"}'

title "What passed on those days, about authentication:"
everlog query --aggregate "instance/$instance" --type test_passed --type validation_passed \
    --occurred-from 2026-01-25 --occurred-before 2026-01-29 --keyword authentication --oldest-first

title "How much of what:"
everlog count --aggregate "instance/$instance" --by type

title "What was last:"
everlog latest --aggregate "instance/$instance" --limit 3

title "The state after its event 4, when a test had failed:"
everlog state "instance/$instance" --at-sequence 4

title "And after all of them:"
everlog state "instance/$instance"
