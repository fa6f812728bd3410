-- The last row with the wrong price: an older one with the same price may have been right.
UPDATE prices
SET corrected_by = %(event_id)s
WHERE product_id = %(aggregate_id)s
    AND position = (
        SELECT max(position) FROM prices
        WHERE product_id = %(aggregate_id)s AND price = %(data.wrong_price)s
    );
