"""A film for an editor: its timeline as OpenTimelineIO, with the media it names."""
