"""The schema that all migrations together make, as schema.sql: to be read, and compared by a test.

`python -m tests.integration.schema_snapshot` writes it anew, and storage/sql/expected.txt, which is
what `everlog doctor` looks for.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from everlog_server.storage import migrations
from everlog_server.storage.diagnosis import SchemaStatement, looking_at
from everlog_server.storage.embedded import EmbeddedPostgres

FILE = Path(__file__).with_name("schema.sql")
EXPECTED_FILE = Path(migrations.__file__).with_name("sql") / "expected.txt"
# What differs between two dumps of one schema: versions, and a random key against injections.
_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)$\n", re.M)


def take(postgres: EmbeddedPostgres, dsn: str) -> str:
    """The schema of a database, as pg_dump writes it, without comments and session settings."""
    command: list[str | Path] = [
        postgres.programs / "pg_dump",
        "--schema-only",
        "--no-owner",
        f"--dbname={dsn}",
    ]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", dumped)).strip() + "\n"


def statements(dsn: str) -> list[SchemaStatement]:
    """The indexes, triggers and grants of a database."""
    with looking_at(dsn, connect_timeout_seconds=5) as facts:
        return facts.schema_statements()


def main() -> None:
    """Writes schema.sql and expected.txt."""
    postgres = EmbeddedPostgres(ephemeral=True)
    postgres.start()
    try:
        migrations.migrate(postgres.dsn)
        FILE.write_text(take(postgres, postgres.dsn))
        lines = ["\t".join(each) + "\n" for each in statements(postgres.dsn)]
        EXPECTED_FILE.write_text("".join(lines))
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
