"""Writes docs/plans.md, over a PostgreSQL of its own that it fills first: some four minutes.

    .venv/bin/python -m benchmarks.explain > docs/plans.md

To look at something twice, fill a database of yours once (it must be empty), and name it:

    .venv/bin/python -m benchmarks.explain --fill postgresql://…
    .venv/bin/python -m benchmarks.explain --only consumers.beat postgresql://…

Nothing is changed in a database but by `--fill`.
"""

from __future__ import annotations

import argparse
from contextlib import closing

from benchmarks.explain.cases import FILES
from benchmarks.explain.filling import fill
from benchmarks.explain.measuring import Measurer
from benchmarks.explain.page import page
from benchmarks.sides.clusters import embedded_cluster
from everlog_server.storage import migrations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", help="a database that --fill has filled")
    parser.add_argument("--fill", metavar="URL", help="only fill this database")
    parser.add_argument("--only", metavar="NAME", help="only plans, of queries such as reads.head")
    given = parser.parse_args()
    if given.fill is not None:
        migrations.migrate(given.fill)
        fill(given.fill)
    elif given.url is not None:
        show(given.url, given.only)
    else:
        with embedded_cluster() as cluster, cluster.database(migrated=True) as name:
            fill(cluster.url(name))
            show(cluster.url(name), given.only)


def show(url: str, only: str | None) -> None:
    """Prints the page; `only`: whole plans of the queries whose names begin so."""
    with closing(Measurer(url)) as measurer:
        if only is None:
            print("\n".join(page(measurer)))
            return
        for file in FILES:
            for case in file.cases:
                if f"{file.name.removesuffix('.sql')}.{case.query}".startswith(only):
                    print(f"{case.query}: {case.what}\n{measurer.measure(file, case).plan}\n")


if __name__ == "__main__":
    main()
