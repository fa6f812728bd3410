-- A creation that is told twice is one creation: what changed since then has events of its own.
INSERT INTO products (product_id, facts, created_time, updated_time)
VALUES (
    %(aggregate_id)s,
    -- These change on their own, and have tables of their own.
    %(data)s::jsonb - 'base_price' - 'currency' - 'stock',
    %(occurred_time)s,
    %(occurred_time)s
)
ON CONFLICT (product_id) DO NOTHING;

INSERT INTO prices (product_id, position, price, currency, reason, valid_from, event_id)
SELECT
    %(aggregate_id)s, %(position)s, %(data.base_price)s, %(data.currency)s, 'created',
    %(occurred_time)s, %(event_id)s
WHERE NOT EXISTS (SELECT FROM prices WHERE product_id = %(aggregate_id)s);

INSERT INTO stock (sku, on_hand)
VALUES (%(data.sku)s, coalesce(%(data.stock)s, 0))
ON CONFLICT (sku) DO UPDATE SET on_hand = coalesce(stock.on_hand, excluded.on_hand);
