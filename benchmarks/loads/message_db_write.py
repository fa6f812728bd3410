"""message-db's `write_message`, called by pgbench: the leanest client that PostgreSQL has.

Parameters: address (a socket folder), database, count, clients, payload_bytes, pgbench (its path).
Each client writes a message in a transaction of its own, to one of a thousand streams.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from benchmarks.loads import common


def main() -> None:
    told = common.parameters()
    data = common.payload(told["payload_bytes"], 1)
    script = (
        f"\\set stream random(0, {common.AGGREGATES - 1})\n"
        "SELECT message_store.write_message(gen_random_uuid()::varchar,"
        f" '{common.AGGREGATE_TYPE}-' || :stream, '{common.EVENT_TYPE}', '{data}'::jsonb);\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "write.sql")
        path.write_text(script)
        each = told["count"] // told["clients"]
        command = [
            *(told["pgbench"], "--no-vacuum", "--protocol=prepared", f"--file={path}"),
            *(f"--client={told['clients']}", "--jobs=2", f"--transactions={each}"),
            *(f"--host={told['address']}", "--username=postgres", told["database"]),
        ]
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = re.search(r"actually processed: (\d+)/", done.stdout)
        assert found, done.stdout
        stopwatch.report(int(found[1]))


if __name__ == "__main__":
    main()
