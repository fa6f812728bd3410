-- The conditions of a filter, as they are compiled into a projection's function.

-- name: matches
-- Whether a filter means the event `e`.
{matches};
