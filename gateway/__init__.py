"""The edge: authenticates, validates, translates between HTTP and gRPC; holds no state of its own."""
