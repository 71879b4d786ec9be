"""gRPC between gateway and services: server, clients, and how refusals travel."""
