"""Schema versions of catalogue, applied by `python -m services.catalogue migrate`."""
