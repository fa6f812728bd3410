"""Projections as folders: a `projection.yaml` and files of SQL, read with the line of each thing.

They are for people, so they stand on the side of people: in the command line, which is a client.
The server knows definitions only. Nothing here imports storage or gRPC; of the contract, it imports
the messages.
"""
