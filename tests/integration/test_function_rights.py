"""Who may call the schema's functions, and read its tables: asked of PostgreSQL's catalogue."""

from __future__ import annotations

import psycopg

FOR_PROJECTORS = {"admitted_tenant", "search_text"}


def test_functions_are_for_the_service_alone(database_url: str) -> None:
    """Of everything in the schema, as PostgreSQL's catalogue has it: also of what comes later."""
    with psycopg.connect(database_url) as connection:
        functions = connection.execute(
            "SELECT p.oid::regprocedure::text, p.proname, p.prosecdef, p.proconfig, p.prorettype ="
            " 'trigger'::regtype, has_function_privilege('everlog_projector', p.oid, 'EXECUTE'),"
            " EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a"
            " WHERE a.grantee = 0)"
            " FROM pg_proc AS p WHERE p.pronamespace = 'everlog'::regnamespace"
        ).fetchall()
        shown = connection.execute(
            "SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'everlog'::regnamespace"
            " AND c.relkind IN ('r', 'v', 'm', 'p') AND has_any_column_privilege("
            "'everlog_projector', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')"
        ).fetchall()
    assert len(functions) > 50
    assert shown == [("events",)]
    for signature, name, is_definer, settings, is_trigger, by_projector, by_all in functions:
        if is_definer:
            assert any(one.startswith("search_path=pg_catalog, pg_temp") for one in settings), (
                signature
            )
        if not is_trigger:  # those can't be called
            assert not by_all, f"{signature} may be called by everybody"
            assert not by_projector or name in FOR_PROJECTORS, signature
