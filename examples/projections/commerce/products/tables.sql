-- What is said of a product is kept as it was said: a field that writers add tomorrow is not lost.
-- The columns that people look for are made of it by PostgreSQL itself.
CREATE TABLE products (
    product_id text PRIMARY KEY,
    facts jsonb NOT NULL,
    sku text GENERATED ALWAYS AS (facts ->> 'sku') STORED,
    name text GENERATED ALWAYS AS (facts ->> 'name') STORED,
    category text GENERATED ALWAYS AS (facts ->> 'category') STORED,
    created_time timestamptz NOT NULL,
    updated_time timestamptz NOT NULL
);
CREATE INDEX ON products (sku);

-- Every price that a product had. The one without an end is the one that it has.
CREATE TABLE prices (
    product_id text NOT NULL,
    position bigint NOT NULL,
    price numeric NOT NULL,
    currency text,
    reason text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    event_id uuid NOT NULL,
    -- The event that said that this price was wrong. It was asked for nevertheless, so it stays.
    corrected_by uuid,
    PRIMARY KEY (product_id, position)
);
-- At most one price at a time: PostgreSQL watches over it, also when somebody edits the SQL.
CREATE UNIQUE INDEX ON prices (product_id) WHERE valid_until IS NULL;

-- By SKU, as order lines name it. Orders may come before the product: then nobody has counted yet.
CREATE TABLE stock (
    sku text PRIMARY KEY,
    on_hand bigint,
    held bigint NOT NULL DEFAULT 0,
    -- Below zero: more is promised than there is.
    available bigint GENERATED ALWAYS AS (coalesce(on_hand, 0) - held) STORED
);
