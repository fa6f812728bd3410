-- Give back what the order's lines hold.
WITH released AS (
    UPDATE order_lines SET held = false
    WHERE order_id = %(aggregate_id)s AND held
    RETURNING sku, quantity
)
UPDATE stock
SET held = stock.held - r.quantity
FROM (SELECT sku, sum(quantity) AS quantity FROM released GROUP BY sku) AS r
WHERE stock.sku = r.sku;
