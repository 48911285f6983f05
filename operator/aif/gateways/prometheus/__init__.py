"""The gateway to Prometheus: vector queries that are bounded in time and size, and never trusted blindly."""
