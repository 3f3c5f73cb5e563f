"""What a film is made of and in which order. Pure."""
