\echo Products
SELECT sku, name, price, on_hand, held, available FROM commerce.product_list ORDER BY sku DESC;

\echo Prices of the pump
SELECT
    price, reason, valid_from::date AS from, valid_until::date AS until,
    corrected_by IS NOT NULL AS wrong
FROM commerce.prices
WHERE product_id = 'pump-05'
ORDER BY position;

\echo Orders
SELECT order_id, customer, status, total, paid, due FROM commerce.order_list ORDER BY order_id;

\echo Lines
SELECT order_id, line, sku, quantity, unit_price, held FROM commerce.order_lines
ORDER BY order_id, line;

\echo Customers
SELECT customer_id, name, email, phone FROM commerce.customers ORDER BY customer_id;
