"""Load on a whole deployment, by ghz: the work of each call, and what runs them (`make load`)."""
