"""PostgreSQL: the only room that imports psycopg. It returns plain values and framed bytes."""
