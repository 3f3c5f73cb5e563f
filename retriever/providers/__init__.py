"""Where footage comes from, one module per provider."""
