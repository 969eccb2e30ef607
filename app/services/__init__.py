"""What routers and jobs both need."""
