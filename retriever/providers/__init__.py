"""Sources of footage, one module per provider."""
