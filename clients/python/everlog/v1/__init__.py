"""The messages and stubs of the contract, generated from protos/everlog/v1."""
