"""Catalogues as YAML files: read with line numbers, checked offline, written.

They are for people, so they stand on the side of people: in the command line, which is a client.
The server knows messages only, and the client package stays free of YAML and JSON Schema. Nothing
here imports storage or gRPC; of the contract, it imports the messages.
"""
