CREATE TABLE orders (
    order_id text PRIMARY KEY,
    customer_id text NOT NULL,
    status text NOT NULL,
    total numeric NOT NULL,
    currency text,
    shipments jsonb,
    created_time timestamptz NOT NULL,
    placed_time timestamptz,
    fulfilled_time timestamptz
);
CREATE INDEX ON orders (customer_id);

CREATE TABLE order_lines (
    order_id text NOT NULL REFERENCES orders,
    line integer NOT NULL,
    sku text NOT NULL,
    quantity bigint NOT NULL,
    unit_price numeric NOT NULL,
    -- Whether this line's quantity is in stock.held. Since the line remembers it, nothing is held or
    -- given back twice, however often a cancellation is told.
    held boolean NOT NULL DEFAULT false,
    PRIMARY KEY (order_id, line)
);

-- A payment has a name of its own: told by the order and by the payment, it is one payment.
CREATE TABLE payments (
    payment_id text PRIMARY KEY,
    order_id text NOT NULL,
    amount numeric NOT NULL,
    method text NOT NULL,
    received_time timestamptz NOT NULL
);
CREATE INDEX ON payments (order_id);
