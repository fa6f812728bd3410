-- What can be worked out when it is asked for needs no handler, and is never out of step.

CREATE VIEW product_list AS
SELECT p.product_id, p.sku, p.name, r.price, r.currency, s.on_hand, s.held, s.available
FROM products AS p
LEFT JOIN prices AS r ON r.product_id = p.product_id AND r.valid_until IS NULL
LEFT JOIN stock AS s ON s.sku = p.sku;

CREATE VIEW order_list AS
SELECT
    o.order_id,
    o.customer_id,
    c.name AS customer,
    o.status,
    o.total,
    coalesce(p.paid, 0) AS paid,
    -- Of what was cancelled or came back, nothing is owed.
    CASE
        WHEN o.status IN ('created', 'cancelled', 'returned') THEN 0
        ELSE o.total
    END - coalesce(p.paid, 0) AS due
FROM orders AS o
LEFT JOIN customers AS c USING (customer_id)
LEFT JOIN LATERAL (
    SELECT sum(amount) AS paid FROM payments WHERE payments.order_id = o.order_id
) AS p ON true;
