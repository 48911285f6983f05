"""Models that the project makes itself; `make generate` writes them."""
