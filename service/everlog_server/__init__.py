"""everlog's server: an event store with one gRPC service over PostgreSQL."""
