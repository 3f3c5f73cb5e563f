"""Planners turn a request into a storyboard. Rules need no model and no key."""
