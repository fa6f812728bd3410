#!/bin/sh
# Restores a backup into a PostgreSQL on the side, and looks whether each log in it is whole: what a
# backup is worth is known only then. The database that is backed up is only read.
#
#     backup-drill.sh dump  URL FOLDER                 a pg_dump, restored
#     backup-drill.sh base  URL FOLDER                 a base backup, started
#     backup-drill.sh until BASE WAL TARGET FOLDER     a base backup, rolled forward by archived WAL
#
# URL: of database everlog, as a role that may read all of it, or, for `base`, replicate.
# TARGET: a time, such as '2026-11-21 20:43:02+00', or the name of a restore point.
# FOLDER: is made; holds the backup (FOLDER/everlog.dump, FOLDER/base) and the data restored
# (FOLDER/data). The server on the side has a socket, no port, archives nothing, and is stopped at
# the end. DATABASE: the database's name, if it is not everlog.
#
# Needs the programs of PostgreSQL in PATH, of the version of the server, and may not be run as root.
# Exit code: 0 all logs are whole, 1 one is not, or a step failed.
set -eu

usage() {
    sed -n '5,7s/^# *//p' "$0" >&2
    exit 2
}

say() { printf '%s\n' "$*"; }

made=""
# Short, as a socket's path has at most 107 bytes; only its owner may enter it.
socket=$(mktemp -d /tmp/everlog-drill-XXXXXX)
stop() {
    [ -z "$made" ] || pg_ctl --pgdata="$made" --mode=immediate --silent stop >/dev/null 2>&1 || true
    rm -rf "$socket"
}
trap stop EXIT INT TERM

# start DATA: a server on the side, which nobody can take for the real one.
start() {
    made=$1
    options="-c listen_addresses='' -c unix_socket_directories='$socket' -c port=5432"
    options="$options -c archive_mode=off -c synchronous_standby_names='' -c logging_collector=off"
    pg_ctl --pgdata="$1" --wait --timeout=3600 --silent --log="$folder/postgresql.log" \
        --options="$options" start || { tail -n 20 "$folder/postgresql.log" >&2; exit 1; }
}

ask() {
    psql --host="$socket" --port=5432 --username="$user" --no-psqlrc --quiet --tuples-only \
        --no-align --set=ON_ERROR_STOP=1 --field-separator=' ' --dbname="$1" --command="$2"
}

# look DATABASE: every log from its first event to its head, without a gap. Reads all of it.
look() {
    ask "$1" "
        SELECT coalesce(n.name, t.tenant_id::text), t.head, coalesce(e.events, 0),
               coalesce(e.last::text, 'never'),
               CASE WHEN t.head = coalesce(e.events, 0) AND t.head = coalesce(e.highest, 0)
                     AND t.head_event_id IS NOT DISTINCT FROM h.event_id
                    THEN 'whole' ELSE 'BROKEN' END
        FROM everlog.tenants AS t
        LEFT JOIN everlog.tenant_names AS n ON n.tenant_id = t.tenant_id
        LEFT JOIN everlog.events AS h ON h.tenant_id = t.tenant_id AND h.position = t.head
        LEFT JOIN (
            SELECT tenant_id, count(*) AS events, max(position) AS highest,
                   to_char(max(record_time) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS last
            FROM everlog.events GROUP BY tenant_id
        ) AS e ON e.tenant_id = t.tenant_id
        ORDER BY 1" >"$folder/logs"
    while read -r tenant head events last verdict; do
        say "$verdict: tenant $tenant, head $head, $events events, the last recorded $last"
    done <"$folder/logs"
    if grep -q ' BROKEN$' "$folder/logs" || [ ! -s "$folder/logs" ]; then
        say "the backup is no good" >&2
        exit 1
    fi
}

[ $# -ge 1 ] || usage
database=${DATABASE:-everlog}
user=$(id -un)
case $1 in
dump)
    [ $# = 3 ] || usage
    mkdir -m 700 "$3" && folder=$(cd "$3" && pwd)
    pg_dump --format=custom --file="$folder/everlog.dump" --dbname="$2"
    say "dumped: $folder/everlog.dump"
    initdb --pgdata="$folder/data" --username="$user" --auth=trust --encoding=UTF8 \
        --locale-provider=builtin --locale=C.UTF-8 >/dev/null
    start "$folder/data"
    # A dump has no roles; whoever else it grants to is left out.
    ask postgres "CREATE ROLE everlog_service NOLOGIN"
    ask postgres "CREATE ROLE everlog_projector NOLOGIN"
    ask postgres "CREATE DATABASE $database"
    pg_restore --host="$socket" --port=5432 --username="$user" --dbname="$database" --no-owner \
        --exit-on-error "$folder/everlog.dump"
    look "$database"
    ;;
base)
    [ $# = 3 ] || usage
    mkdir -m 700 "$3" && folder=$(cd "$3" && pwd)
    pg_basebackup --dbname="$2" --pgdata="$folder/base" --wal-method=stream --checkpoint=fast
    # The one in the pip package of the embedded PostgreSQL crashes, whatever it is given.
    status=0 && pg_verifybackup --quiet "$folder/base" 2>"$folder/verify.log" || status=$?
    if [ "$status" -gt 128 ]; then
        say "not compared with its manifest: pg_verifybackup crashed"
    elif [ "$status" != 0 ]; then
        cat "$folder/verify.log" >&2 && exit 1
    fi
    say "backed up: $folder/base"
    cp -R "$folder/base" "$folder/data"
    start "$folder/data"
    user=${PGUSER:-postgres}
    look "$database"
    ;;
until)
    [ $# = 5 ] || usage
    base=$(cd "$2" && pwd) wal=$(cd "$3" && pwd)
    mkdir -m 700 "$5" && folder=$(cd "$5" && pwd)
    cp -R "$base" "$folder/data"
    case $4 in
    [0-9][0-9][0-9][0-9]-*) target="recovery_target_time = '$4'" ;;
    *) target="recovery_target_name = '$4'" ;;
    esac
    cat >>"$folder/data/postgresql.conf" <<END
restore_command = 'cp "$wal/%f" "%p"'
$target
recovery_target_action = 'promote'
END
    touch "$folder/data/recovery.signal"
    start "$folder/data"
    user=${PGUSER:-postgres}
    until [ "$(ask postgres 'SELECT pg_is_in_recovery()')" = f ]; do sleep 0.2; done
    say "rolled forward to $4"
    look "$database"
    ;;
*) usage ;;
esac
# So that it can be put in place: shut down well.
pg_ctl --pgdata="$made" --mode=fast --wait --silent stop
made=""
