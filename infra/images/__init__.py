"""The images, really built and really run: an engine, base images or stand-ins for them, and a trial of the whole."""
