"""The works P1 to P11 of the design: each module says what is measured, how, and what is wanted."""
