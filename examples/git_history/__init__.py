"""Any git repository as events: one aggregate for the repository, one for each of its files."""
