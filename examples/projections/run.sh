#!/bin/sh
# Plays the story of an example into the log, makes its tables, and shows them:
#   examples/projections/run.sh commerce|supervisor
# EVERLOG_URL says which server, DATABASE_URL where its PostgreSQL is (else libpq's PG* variables do). A
# second run stores nothing and shows the same: keys name the facts.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)/$1
root=$(cd "$folder/../../.." && pwd)
PATH="$root/.venv/bin:$PATH"

everlog types import "$1" --json >/dev/null
everlog emit --json - <"$folder/events.jsonl" >/dev/null
everlog projections apply "$folder" --wait >&2
PGTZ=UTC psql "${DATABASE_URL-}" --no-psqlrc --quiet --file "$folder/show.sql"
