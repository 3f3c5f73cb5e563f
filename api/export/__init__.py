"""Export of a film for editors: its timeline as OpenTimelineIO, with the media it names."""
