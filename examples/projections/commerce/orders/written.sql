-- An order is told whole: when it is created, when it is placed, and again when it is corrected.
INSERT INTO orders (order_id, customer_id, status, total, currency, created_time, placed_time)
VALUES (
    %(aggregate_id)s,
    %(data.customer_id)s,
    CASE %(event_type)s WHEN 'order.placed' THEN 'placed' ELSE 'created' END,
    %(data.total)s,
    %(data.currency)s,
    %(occurred_time)s,
    CASE %(event_type)s WHEN 'order.placed' THEN %(occurred_time)s::timestamptz END
)
ON CONFLICT (order_id) DO UPDATE
SET customer_id = excluded.customer_id,
    total = excluded.total,
    currency = excluded.currency,
    -- An order that is told again when it is packed already does not begin anew.
    status = CASE orders.status WHEN 'created' THEN excluded.status ELSE orders.status END,
    placed_time = coalesce(orders.placed_time, excluded.placed_time);

DELETE FROM order_lines WHERE order_id = %(aggregate_id)s;

INSERT INTO order_lines (order_id, line, sku, quantity, unit_price)
SELECT
    %(aggregate_id)s,
    line,
    entry ->> 'sku',
    (entry ->> 'quantity')::bigint,
    (entry ->> 'unit_price')::numeric
FROM jsonb_array_elements(%(data.lines)s) WITH ORDINALITY AS entries (entry, line);
