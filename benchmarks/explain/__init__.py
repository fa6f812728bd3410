"""Writes docs/plans.md: how PostgreSQL answers the queries of storage/sql, at scale."""
