-- As with products: what customers told is kept whole.
CREATE TABLE customers (
    customer_id text PRIMARY KEY,
    profile jsonb NOT NULL,
    email text GENERATED ALWAYS AS (profile ->> 'email') STORED,
    name text GENERATED ALWAYS AS (profile ->> 'name') STORED,
    phone text GENERATED ALWAYS AS (profile ->> 'phone') STORED,
    registered_time timestamptz NOT NULL
);
CREATE INDEX ON customers (email);
