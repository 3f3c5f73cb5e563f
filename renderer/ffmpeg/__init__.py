"""The only place that runs ffmpeg."""
