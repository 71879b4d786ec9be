"""How catalogue is reached: gRPC, worker and command line."""
