"""The clients: each module is a program that puts one kind of load on one kind of server."""
