"""everlog measured beside its peers: `make bench`; see README.md here."""
