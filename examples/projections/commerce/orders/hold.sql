-- From when it is placed until it leaves the house, or never will: what leaves is counted by
-- product.stock_updated.
WITH taken AS (
    UPDATE order_lines SET held = true
    FROM orders
    WHERE orders.order_id = %(aggregate_id)s
        AND order_lines.order_id = orders.order_id
        AND orders.status NOT IN ('created', 'cancelled', 'returned', 'fulfilled')
    RETURNING order_lines.sku, order_lines.quantity
)
INSERT INTO stock (sku, held)
SELECT sku, sum(quantity) FROM taken GROUP BY sku
ON CONFLICT (sku) DO UPDATE SET held = stock.held + excluded.held;
