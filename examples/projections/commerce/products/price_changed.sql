-- A price that is told twice is one price: the open row ends only when the price is another one.
UPDATE prices
SET valid_until = %(occurred_time)s
WHERE product_id = %(aggregate_id)s
    AND valid_until IS NULL
    AND price <> %(data.new_price)s;

INSERT INTO prices (product_id, position, price, currency, reason, valid_from, event_id)
SELECT
    %(aggregate_id)s,
    %(position)s,
    %(data.new_price)s,
    -- Who does not say the currency means the one before.
    coalesce(
        %(data.currency)s,
        (
            SELECT currency FROM prices
            WHERE product_id = %(aggregate_id)s ORDER BY position DESC LIMIT 1
        )
    ),
    %(data.reason)s,
    %(occurred_time)s,
    %(event_id)s
WHERE NOT EXISTS (
    SELECT FROM prices WHERE product_id = %(aggregate_id)s AND valid_until IS NULL
);
